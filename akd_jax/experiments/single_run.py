"""What a user asks to be trained: a run after its teacher, or a classifier."""

import contextlib
import json
import pathlib
from collections.abc import Iterator

from ml_collections import ConfigDict

from akd_jax.common import pod
from akd_jax.common.errors import UserError
from akd_jax.common.files import is_same_place, write_whole
from akd_jax.common.writing import check_writable
from akd_jax.data.photos.kind import settle
from akd_jax.data.pipeline import open_source, remark
from akd_jax.distillation.terms import check_added, distils
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  open_splits,
  with_known_attributes,
)
from akd_jax.evaluation.classifier_cache import classifier_of
from akd_jax.evaluation.held_out import make_score_hook
from akd_jax.inference.grids import make_sample_hook
from akd_jax.training import (
  hosts,
  parallel,
  preparation,
  run_dir,
  starts,
  validation,
)
from akd_jax.training import teacher as teaching
from akd_jax.training.hooks import HookMaker

# What is done beside training.
HOOKS: tuple[HookMaker, ...] = (make_sample_hook, make_score_hook)


def train_with_teacher(config: ConfigDict, workdir: str) -> None:
  """Trains, after the teacher where one is asked for and not there yet.

  Args:
    config: the recipe.
    workdir: the run's directory; created if missing.

  Raises:
    UserError: the config, the data or the teacher is wrong; what can be known
      is said before hours of the teacher.
    Stopped, FloatingPointError, WriteError: see `loop.train`; that a directory
      cannot be written is said before hours of the teacher, too.
  """
  config = settle(config)
  check_added(config)
  validation.check(config)
  hosts.check_start(config, workdir)
  if run_dir.is_file(workdir):
    raise UserError(
      f"--workdir={workdir} is the name of a file of weights: a run's directory"
      " has another"
    )
  check_writable(workdir)
  if config.teacher and is_same_place(config.teacher, workdir):
    raise UserError(
      f"--workdir={workdir} is config.teacher too: give the student another"
    )
  if distils(config):
    teaching.check_place(config.teacher)
    # Between two looks another command may finish it: the first process looks.
    if not pod.tell(run_dir.is_finished(config.teacher)):
      _train_teacher(config, workdir)
  _train(config, workdir)


def _train_teacher(config: ConfigDict, workdir: str) -> None:
  """Trains the teacher of a student that is to be trained in `workdir`."""
  if run_dir.has_checkpoint(workdir):
    raise UserError(
      f"{workdir} has begun to learn from a teacher, but"
      f" config.teacher={config.teacher} holds no finished one: put it back,"
      " say where it is, or name another --workdir"
    )
  with _naming_recipe():
    validation.check(teaching.teacher_recipe(config))
  config = preparation.check(config, workdir)
  recipe = teaching.teacher_recipe(config)
  with _naming_recipe():
    if not run_dir.has_checkpoint(config.teacher):
      validation.check_new(recipe)
  teaching.check_compatible(config, recipe)
  starts.check_new(config, recipe)
  check_writable(config.teacher)
  # Another student's command may be training it.
  with run_dir.lock_run(config.teacher, wait=True):
    if not pod.tell(run_dir.is_finished(config.teacher)):
      parallel.say(
        f"{config.teacher} holds no finished teacher: training it first, by"
        " config.teacher_recipe"
      )
      _train(recipe, config.teacher)


@contextlib.contextmanager
def _naming_recipe() -> Iterator[None]:
  """Says of an error that it is in the recipe of a teacher."""
  try:
    yield
  except UserError as error:
    raise UserError(f"in config.teacher_recipe: {error}") from None


def _train(config: ConfigDict, workdir: str) -> None:
  # Here, since it loads TensorFlow, for seconds: what is wrong with a config is
  # said before.
  from akd_jax.training import loop

  loop.train(config, workdir, HOOKS)


def train_and_report(config: ConfigDict, workdir: str) -> Classifier:
  """Trains the classifier of a config, and writes WORKDIR/classifier.json.

  Raises:
    UserError: the config or the data is wrong.
    Stopped: training was asked to stop; what it had is saved.
    WriteError: the directory cannot be written, which is said before it trains.
  """
  check_writable(workdir)
  config = ConfigDict(settle(config).to_dict())
  attributes = open_source(config.data, "train").attributes
  config.data.attributes = tuple(attributes)
  config = with_known_attributes(config)
  splits = open_splits(config.data)
  for source in splits:
    remark(source)
  classifier = classifier_of(config, splits)
  accuracy = classifier.metadata["test_accuracy"]
  path = pathlib.Path(workdir) / "classifier.json"
  with write_whole(path) as partial:
    partial.write_text(json.dumps(classifier.metadata, indent=2) + "\n")
  print("right on the test split")
  for name, share in accuracy["attributes"].items():
    shown = "      -" if share is None else f"{share:7.2%}"
    print(f"  {name:20} {shown}")
  print(f"  {'mean':20} {accuracy['mean']:7.2%}\nwritten to {path}")
  return classifier
