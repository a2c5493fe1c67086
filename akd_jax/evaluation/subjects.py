"""The networks of a run that are measured and drawn: a student, its teacher."""

import numpy as np

from akd_jax.common.errors import UserError
from akd_jax.evaluation.translations import Subject
from akd_jax.inference import translator as inference
from akd_jax.training import teacher as teaching
from akd_jax.training import validation
from akd_jax.training.run_dir import Run, load_run
from akd_jax.training.state import Networks, create_networks


def subjects(run: Run) -> list[Subject]:
  """The run's generator, after its teacher where it has one.

  Attention is looked at as in training: a student's from the logits that
  `config.attention.discriminator` names.
  """
  trained = _trained(run)
  own = np.eye(len(run.attributes))
  directory = run.config.teacher
  alone = [Subject("generator", run.attributes, trained, own, own)]
  # A teacher's config has no config.pseudo.
  if not directory or "pseudo" not in run.config:
    return alone
  if not teaching.is_finished(directory):
    if validation.distils(run.config):
      raise UserError(f"{directory}, its teacher, is not there or not finished")
    return alone
  teacher = load_run(directory)
  taught = _trained(teacher)
  try:
    mapping = teaching.check_fit(run.config, teacher.config)
  except UserError:
    # Nothing was learnt from it, so that nobody has looked whether it fits.
    if validation.distils(run.config):
      raise
    return alone
  student = Subject("student", run.attributes, trained, own, own)
  if run.config.attention.discriminator == "teacher":
    pair = trained.networks.generator, taught.networks.discriminator
    judged = inference.Trained(
      Networks(*pair), trained.generator, taught.discriminator
    )
    student = student._replace(trained=judged, selectors=mapping)
  return [
    Subject("teacher", teacher.attributes, taught, mapping, mapping),
    student,
  ]


def _trained(run: Run) -> inference.Trained:
  return inference.Trained(
    create_networks(run.config), run.generator, run.discriminator
  )
