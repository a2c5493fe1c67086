"""Training at the papers' size: packed pictures, the step, what outlives it."""

import functools
import itertools
import json
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pack
import packed
import paper_size
import paper_trainer
import pytest
from batches import Batches
from ml_collections import ConfigDict
from paper_recipe import ROLES, recipe, taken_up

from akd_jax.common import files
from akd_jax.common.errors import Stopped
from akd_jax.configs import teacher
from akd_jax.data import pipeline
from akd_jax.data.avatars.labels import EXCLUSIVE
from akd_jax.systems.stargan import create_networks
from akd_jax.training import parallel, run_file, starts
from akd_jax.training import run_dir as runs
from akd_jax.training import step as steps
from akd_jax.training.state import create_state
from akd_jax.training.window import Window
from tests import small_runs
from tests.layouts import error

COUNT, SIZE, STEPS = 11, 8, 4
DEBUG = {
  "generator.width": 4,
  "generator.blocks": 1,
  "discriminator.width": 4,
  "batch_size": 2,
  "n_critic": 1,
  "log_every": 2,
  "steps": STEPS,
}
# Parts of a run of this size, as the papers' comes in parts of 14 MiB.
LIMIT = 30_000


def avatars() -> ConfigDict:
  config = teacher.get_config("debug")
  config.data.image_size = SIZE
  config.data.sizes.train = COUNT
  return config


@pytest.fixture(scope="module")
def file(caches):
  path = str(caches / "packed" / "avatars.npz")
  pack.pack(avatars(), "train", 85, path)
  return path


@pytest.fixture(scope="module")
def pictures(file):
  return packed.load(file)


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
  """A folder with a teacher and its student, and their last states."""
  out = str(tmp_path_factory.mktemp("paper"))
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(paper_size, "LIMIT", LIMIT)
    states = {
      role: train(role, out, pictures) for role in ("teacher", "attention")
    }
  return pathlib.Path(out), states


def train(role, out, pictures):
  config = recipe(role, pictures.data, out, DEBUG)
  trainer = paper_trainer.Trainer(config, pictures)
  paper_size.train(trainer, out, role, paper_size.Plan())
  return jax.device_get(trainer.state)


def by_hand(config, pictures):
  """`config.steps` by the step and the loop of akd_jax.train."""
  networks = create_networks(config)
  taught_by = starts.load_teacher(config)
  step = parallel.pmap_step(
    functools.partial(
      steps.train_step,
      networks=networks,
      config=config,
    )
  )
  state, taught_by = parallel.replicate(
    (create_state(config, networks, taught_by), taught_by)
  )
  drawn = Batches(pictures, config).drawn
  for number in range(config.steps):
    index, flip = drawn(number).values()
    image = pictures.images[index]
    image = np.where(flip[..., None, None, None], image[:, :, :, ::-1], image)
    batch = {"image": image, "label": pictures.labels[index]}
    state, _ = step(state, taught_by, parallel.shard(batch))
  return jax.device_get(state)


def rows(out, role):
  lines = (pathlib.Path(out) / "metrics.jsonl").read_text().splitlines()
  return [row for row in map(json.loads, lines) if row["role"] == role]


def test_a_file_holds_the_split_and_says_what_it_costs(pictures, tmp_path):
  config = avatars()
  source = pipeline.open_source(config.data, "train")
  images, labels = pipeline.read(source, range(COUNT), 1)
  np.testing.assert_array_equal(pictures.labels, labels)
  count, off = pack.pack(config, "train", 85, str(tmp_path / "85.npz"))
  assert count == COUNT
  difference = pictures.images.astype(int) - images
  assert off == pytest.approx(np.abs(difference).mean())
  assert off > pack.pack(config, "train", 95, str(tmp_path / "95.npz"))[1]
  assert tuple(pictures.data.attributes) == source.attributes
  assert tuple(map(tuple, pictures.data.exclusive)) == EXCLUSIVE
  assert pictures.split == "train"
  fields = pictures.data.to_dict()
  del fields["exclusive"]
  assert fields == json.loads(config.data.to_json())


def test_a_picture_is_the_same_whatever_it_stands_beside():
  images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
  together = packed.decode(packed.encode(images, 85))
  alone = [packed.decode(packed.encode(x[None], 85))[0] for x in images]
  np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("size", [20, 256])
def test_a_size_that_can_not_be_packed_is_refused(size, tmp_path):
  config = avatars()
  config.data.image_size = size
  message = error(pack.pack, config, "train", 85, str(tmp_path / "x.npz"))
  assert f"config.data.image_size={size}" in message


def test_what_is_no_packed_file_is_refused(tmp_path):
  path = tmp_path / "x.npz"
  assert f"--data={path}" in error(packed.load, path)
  np.savez(path, jpeg=np.zeros(3, np.uint8))
  assert f"--data={path}" in error(packed.load, path)


def test_each_epoch_shows_every_picture_once_and_turns_half(pictures):
  config = recipe("teacher", pictures.data, "", DEBUG | {"n_critic": 2})
  batches = Batches(pictures, config)
  drawn = [batches.drawn(step) for step in range(10 * COUNT)]
  index, flip = (
    np.concatenate([x[name].ravel() for x in drawn]).reshape(-1, COUNT)
    for name in ("index", "flip")
  )
  assert (np.sort(index) == np.arange(COUNT)).all()
  assert len({tuple(order) for order in index}) == len(index) == 40
  assert 0.4 < flip.mean() < 0.6  # 440 coins: sigma is 0.024
  again = Batches(pictures, config).drawn(77)
  np.testing.assert_array_equal(again["index"], drawn[77]["index"])
  config.seed = 1
  other = Batches(pictures, config).drawn(77)
  assert (other["index"] != drawn[77]["index"]).any()


def test_a_batch_has_the_pictures_drawn_and_their_labels(pictures):
  config = recipe("teacher", pictures.data, "", DEBUG | {"n_critic": 2})
  batches = Batches(pictures, config)
  batch, (index, flip) = batches(3), batches.drawn(3).values()
  assert batch["image"].dtype == np.uint8
  for micro, sample in np.ndindex(index.shape):
    image = pictures.images[index[micro, sample]]
    expected = image[:, ::-1] if flip[micro, sample] else image
    np.testing.assert_array_equal(batch["image"][0, micro, sample], expected)
  np.testing.assert_array_equal(batch["label"][0], pictures.labels[index])


def test_the_step_is_that_of_the_training_loop(trained, pictures):
  out, states = trained
  config = recipe("attention", pictures.data, str(out), DEBUG)
  small_runs.assert_same_bits(states["attention"], by_hand(config, pictures))


def test_what_outlives_a_run_is_a_run(trained, pictures):
  out, states = trained
  for role, state in states.items():
    run = runs.load_run(str(out / f"{role}.npz"))
    assert run.step == state.step == STEPS
    for name in ("generator", "discriminator"):
      half = jax.tree.map(
        lambda x: x.astype(np.float16).astype(np.float32), getattr(state, name)
      )
      small_runs.assert_same_bits(getattr(run.model, name), half)
    config = recipe(role, pictures.data, str(out), DEBUG)
    assert json.loads(run.config.to_json()) == json.loads(config.to_json())
    assert run.attributes == tuple(pictures.data.attributes)
    assert run.exclusive == EXCLUSIVE
    logged = [row for row in rows(out, role) if "g_loss_rec" in row]
    assert [row["step"] for row in logged] == [2, 4]
  assert "g_loss_akd" in logged[-1]


def test_no_file_is_larger_than_the_limit(trained):
  out, _ = trained
  for role in ("teacher", "attention"):
    parts = sorted(out.glob(f"{role}.npz*"))
    assert len(parts) > 1
    assert all(part.stat().st_size <= LIMIT for part in parts)


def test_a_teacher_and_two_students_come_in_eight_files(pictures, shapes_of):
  data = ConfigDict(pictures.data.to_dict() | {"image_size": 64})
  count = {}
  for role in ("teacher", "attention"):
    config = recipe(role, data, "", {})
    networks = create_networks(config)
    image, label = (1, 64, 64, 3), (1, len(data.attributes))
    leaves = jax.tree.leaves(
      (
        shapes_of(networks.generator, image, label),
        shapes_of(networks.discriminator, image),
      )
    )
    # Half precision, as if nothing could be compressed; names, config.
    size = sum(2 * leaf.size + 1_000 for leaf in leaves) + 20_000
    count[role] = -(-size // paper_size.LIMIT)
  assert paper_size.LIMIT == 14 * 2**20
  assert count["teacher"] + 2 * count["attention"] + len(["metrics"]) == 8


def test_a_teacher_is_taken_up_with_new_moments(trained, pictures, tmp_path):
  out, _ = trained
  before = runs.load_run(str(out / "teacher.npz"))._replace(step=2)
  file = str(tmp_path / "before.npz")
  run_file.save_run(before, file)
  run = taken_up(file, "teacher", pictures.data, {})
  trainer = paper_trainer.Trainer(run.config, pictures, run)
  state = jax.device_get(trainer.state)
  assert trainer.step == state.step == 2
  small_runs.assert_same_bits(state.generator, before.model.generator)
  small_runs.assert_same_bits(state.discriminator, before.model.discriminator)
  for moments in (state.generator_moments, state.discriminator_moments):
    assert not any(np.any(x) for x in jax.tree.leaves(moments))
  paper_size.train(trainer, str(tmp_path), "teacher", paper_size.Plan())
  assert trainer.state.generator_moments.count == STEPS - 2
  assert runs.load_run(str(tmp_path / "teacher.npz")).step == STEPS


class Clock:
  """A second passes whenever it is looked at."""

  def __init__(self):
    self.monotonic = functools.partial(next, itertools.count())

  def time(self):
    return 0.0


class Counter:
  """A trainer that only counts.

  Attributes:
    planned: config.steps at each step.
    saved: (step, config.steps) of each saving.
  """

  def __init__(self):
    self.config = ConfigDict({"steps": STEPS, "log_every": 2})
    self.step, self.window = 0, Window()
    self.planned, self.saved = [], []

  def advance(self):
    self.planned.append(self.config.steps)
    self.step += 1

  def wait(self):
    pass

  def run(self):
    return self.step, self.config.steps


@pytest.fixture
def counter(monkeypatch):
  counter = Counter()
  monkeypatch.setattr(paper_size, "time", Clock())
  monkeypatch.setattr(
    paper_size, "_save", lambda run, path: counter.saved.append(run)
  )
  return counter


@pytest.mark.parametrize(
  ("measured", "deadline", "each", "timed", "steps"),
  # After a second of compiling. As many steps are timed as are asked for, or
  # fill half of the time.
  [(3, 20, 3 / 3, 3, 1 + 3 + 16), (50, 9, 6 / 5, 5, 1 + 5 + 1)],
)
def test_seconds_become_a_schedule_that_ends(
  measured, deadline, each, timed, steps, counter, tmp_path, monkeypatch
):
  monkeypatch.setattr(paper_size, "MEASURED", measured)
  plan = paper_size.Plan(deadline, measures=True)
  paper_size.train(counter, str(tmp_path), "teacher", plan)
  assert counter.saved == [(steps, steps)]
  first, *others = counter.planned
  assert {first, *others[:timed]} == {2**30}
  assert set(others[timed:]) == {steps}
  (schedule,) = (row for row in rows(tmp_path, "teacher") if "step_s" in row)
  assert (schedule["step_s"], schedule["steps"]) == (each, steps)


def test_seconds_of_a_schedule_break_it_off(counter, tmp_path):
  plan = paper_size.Plan(deadline=3)
  paper_size.train(counter, str(tmp_path), "teacher", plan)
  assert counter.saved == [(3, STEPS)]


def test_savings_go_on_while_it_trains(counter, tmp_path, monkeypatch):
  monkeypatch.setattr(paper_size, "SAVE_EVERY", 1)
  paper_size.train(counter, str(tmp_path), "teacher", paper_size.Plan())
  assert counter.saved == [(2, STEPS), (3, STEPS), (4, STEPS)]


def test_who_asks_it_to_stop_gets_what_there_is(counter, tmp_path, monkeypatch):
  heard = iter([False, True])
  monkeypatch.setattr(
    paper_size.Interruption, "requested", lambda self, all_ask: next(heard)
  )
  with pytest.raises(Stopped, match="teacher.npz holds step 3$"):
    paper_size.train(counter, str(tmp_path), "teacher", paper_size.Plan())
  assert counter.saved == [(3, STEPS)]


def test_what_is_not_finite_is_not_saved(counter, tmp_path):
  counter.window.add(1, {"g_loss_rec": np.float32(np.nan)})
  with pytest.raises(FloatingPointError, match="g_loss_rec became nan"):
    paper_size.train(counter, str(tmp_path), "teacher", paper_size.Plan())
  assert not counter.saved


def test_the_roles_have_the_papers_recipes(pictures):
  data = ConfigDict(pictures.data.to_dict() | {"image_size": 64})
  configs = {role: recipe(role, data, "DIR", {}) for role in ROLES}
  for role, config in configs.items():
    assert config.n_critic == 5 and config.batch_size == 16
    assert config.discriminator.to_dict() == {"width": 64, "layers": 5}
    assert config.optimizer.schedule == "linear"
    loss = config.loss
    assert (loss.lambda_cls, loss.lambda_rec, loss.lambda_gp) == (1, 10, 10)
    size = (64, 6) if role == "teacher" else (32, 3)
    assert (config.generator.width, config.generator.blocks) == size
    where = "" if role == "teacher" else "DIR/teacher.npz"
    assert config.teacher == where
  taught = {
    role: (config.distill.akd.weight, config.distill.output.weight)
    for role, config in configs.items()
  }
  assert taught == {
    "teacher": (0, 0), "student": (0, 0), "attention": (10, 0),
    "output": (0, 10),
  }  # fmt: skip


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"data.crop": 3}, "--config.data.crop: it is that of --data"),
    ({"init": "scratch"}, "--config.init is not of this role"),
    ({"dtype": "float16"}, "config.dtype='float16' must be one of float32"),
  ],
)
def test_fields_that_make_no_sense_are_refused(pictures, fields, message):
  assert message in error(recipe, "teacher", pictures.data, "", fields)


def test_only_a_teacher_of_the_same_pictures_is_taken_up(trained, pictures):
  out, _ = trained
  file = str(out / "teacher.npz")
  student = str(out / "attention.npz")
  for args in ((student, "teacher"), (file, "output")):
    assert "--resume=" in error(taken_up, *args, pictures.data, {})
  other = ConfigDict(pictures.data.to_dict() | {"crop": 3})
  assert "data.crop=178" in error(taken_up, file, "teacher", other, {})
  assert "--config.seed" in error(
    taken_up, file, "teacher", pictures.data, {"seed": 1}
  )


def test_parts_that_do_not_belong_together_are_refused(trained, tmp_path):
  out, _ = trained
  parts = sorted(out.glob("teacher.npz.*"))
  for part in parts[1:]:
    (tmp_path / part.name).write_bytes(part.read_bytes())
  path = str(tmp_path / "teacher.npz")
  assert f"it is in {len(parts)} parts, of which" in error(runs.load_run, path)
  # Of a run a little different.
  run = runs.load_run(str(out / "teacher.npz"))
  other = run._replace(model=jax.tree.map(lambda x: x / 3, run.model))
  whole = tmp_path / "whole.npz"
  run_file.save_run(other, str(whole))
  first = whole.read_bytes()[: parts[0].stat().st_size]
  (tmp_path / parts[0].name).write_bytes(first)
  assert path in error(runs.load_run, path)


def test_a_file_in_other_parts_leaves_none_of_the_earlier(tmp_path):
  path = tmp_path / "run.npz"
  for content, limit in ((b"abcdefg", 2), (b"hijkl", 3)):
    files.write_parts(content, path, limit)
    whole = files.join_parts(path)
    assert whole.read() == content
  names = sorted(part.name for part in tmp_path.iterdir())
  assert names == ["run.npz.1-of-2", "run.npz.2-of-2"]


_ALONE = """
import sys

class Absent:
  def find_spec(self, name, path=None, target=None):
    if name.split(".")[0] in {absent}:
      raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.argv = ["paper_size.py", *{arguments}]
sys.path.insert(0, "benchmarks")
import runpy
runpy.run_path("benchmarks/paper_size.py", run_name="__main__")
"""


def test_the_command_needs_nothing_that_a_bare_machine_lacks(file, tmp_path):
  absent = (
    "filelock",
    "clu", "grain", "tensorflow", "tensorflow_datasets", "tensorboard",
    "matplotlib", "tqdm", "dicebear_core", "dicebear_styles", "resvg_py",
  )  # fmt: skip
  arguments = [
    f"--data={file}",
    "--role=teacher",
    f"--out={tmp_path}",
    *(f"--config.{name}={value}" for name, value in DEBUG.items()),
  ]
  done = subprocess.run(
    [sys.executable, "-c", _ALONE.format(absent=absent, arguments=arguments)],
    cwd=small_runs.ROOT,
    env=small_runs.environment(devices=1),
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert runs.load_run(str(tmp_path / "teacher.npz")).step == STEPS
