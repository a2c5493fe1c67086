"""What the table of systems promises, asked of every entry.

Of StarGAN tests/training/ asks more; here its step is not compiled again.
"""

import collections
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.common.config import RECIPES
from akd_jax.configs import student
from akd_jax.configs.scales import SCALES
from akd_jax.distillation.terms import distillation_terms
from akd_jax.inference import exports, numpy_network, stablehlo, translator
from akd_jax.inference.grids import make_sample_hook
from akd_jax.inference.network import Wanted
from akd_jax.inference.run_network import RunNetwork
from akd_jax.models.pixels import to_uint8, to_unit
from akd_jax.systems import SYSTEMS, system_of
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Pass, Translation
from akd_jax.training import loop, run_dir, validation
from akd_jax.training import teacher as teaching
from akd_jax.training.shapes import network_shapes
from tests import onnx_runtime, small_runs
from tests.layouts import error

EVERY = list(SYSTEMS)
OTHERS = [name for name in EVERY if name != "stargan"]
# Those whose norms keep running statistics.
AVERAGING = ["attgan", "stgan", "relgan"]
# Each number of devices is a program to compile.
DEVICES = {name: (4,) for name in OTHERS} | {"attgan": (2,), "stargan2": (2,)}
STEPS = 2
# What makes a recipe of debug smaller still.
SMALL = {
  "acgan": {"generator.blocks": 1, "discriminator.layers": 2},
  "relgan": {"generator.blocks": 1, "discriminator.layers": 2},
  "attgan": {
    "n_critic": 1,
    "generator.layers": 2,
    "discriminator.layers": 2,
  },
  "stargan2": {"generator.channels": 4, "discriminator.channels": 4},
  "stgan": {
    "n_critic": 1,
    "generator.layers": 2,
    "generator.shortcut": 1,
    "generator.inject": 1,
    "discriminator.layers": 2,
  },
}


def recipe(name, scale="debug", **fields):
  config = RECIPES[name].get_config(scale)
  config.update_from_flattened_dict(fields)
  return config


def small(name, **fields):
  """A recipe of a few steps, without an attribute classifier."""
  few = {
    "steps": STEPS,
    "checkpoint_every": 1,
    "sample_every": STEPS,
    "held_out.images": 0,
    "keep": STEPS,
    "data.image_size": 16,
  }
  return recipe(name, **few, **SMALL.get(name, {}), **fields)


@pytest.mark.parametrize("name", EVERY)
def test_every_system_has_a_recipe_of_its_own_fields(name):
  for scale in SCALES:
    config = recipe(name, scale)
    assert config.system == name
    validation.check(config)
    system_of(config).create_networks(config)


@pytest.mark.parametrize("name", EVERY)
def test_a_field_that_a_system_does_not_read_is_refused(name):
  foreign = recipe(name)
  foreign.generator.nobody_reads_this = 1
  message = error(validation.check, foreign)
  assert "config.generator.nobody_reads_this" in message and name in message
  lacking = recipe(name)
  field = next(x for x in SYSTEMS[name].fields if x.startswith("loss."))
  del lacking.loss[field.partition(".")[2]]
  message = error(validation.check, lacking)
  assert field.partition(".")[2] in message


@pytest.mark.parametrize("name", EVERY)
def test_every_field_has_values_that_are_refused(name):
  for field, allowed in SYSTEMS[name].fields.items():
    if isinstance(allowed, tuple):
      wrong = "neither" if isinstance(allowed[0], str) else 7
    else:
      wrong = allowed - 1
    message = error(validation.check, recipe(name, **{field: wrong}))
    assert f"config.{field}=" in message


@pytest.mark.parametrize("name", EVERY)
def test_labels_are_affine_and_what_is_set_goes_further_at_test(name):
  system = SYSTEMS[name]
  rng = np.random.default_rng(0)
  pairs = rng.uniform(-0.5, 1.5, (2, 3, 5)).astype(np.float32)
  middle = system.generator_label(*pairs.mean(1))
  each = system.generator_label(*pairs)
  np.testing.assert_allclose(middle, np.mean(each, axis=0), atol=1e-6)
  label = np.float32([[0, 1, 0, 1, 1]])
  target = np.float32([[1, 0, 1, 0, 1]])
  edits = np.float32([[1, 1, 0, 0, 1]])
  given = np.asarray(system.test_label(target, label, edits))
  trained = np.asarray(system.generator_label(target, label))
  at_rest = np.asarray(system.generator_label(label, label))
  # What changes because of something else does as in training.
  share = np.where(edits, system.test_strength, 1.0)
  np.testing.assert_allclose(
    given - at_rest, share * (trained - at_rest), atol=1e-6
  )


@pytest.mark.parametrize("name", EVERY)
def test_attention_can_be_taken_where_the_system_says(name):
  config = small_runs.resolved(small(name))
  system = system_of(config)
  networks = system.create_networks(config)
  shapes = network_shapes(config)
  variables = {"params": shapes["generator"]}
  if "statistics" in shapes:
    variables["batch_stats"] = shapes["statistics"]
  size, classes = config.data.image_size, len(config.data.attributes)
  picture, activations = jax.eval_shape(
    networks.generator.apply,
    variables,
    jnp.zeros((2, size, size, 3)),
    jnp.zeros((2, classes)),
  )
  assert picture.shape == (2, size, size, 3)
  listed = system.list_activations(config.attention, networks.generator)
  assert system.name_activation(config.attention, networks.generator) in listed
  for name in listed:
    count, height, width, _ = activations[name].shape
    assert count == 2 and height == width <= size
  (critic, logits), features = jax.eval_shape(
    networks.discriminator.apply,
    {"params": shapes["discriminator"]},
    jnp.zeros((2, size, size, 3)),
  )
  assert critic.shape[0] == 2 and critic.shape[3] == 1
  assert (logits is not None) == system.classifies
  if system.classifies:
    assert logits.shape == (2, classes)
  assert all(len(x.shape) == 4 for x in features.values())


def train(name, workdir):
  """Trains in this process, with sample pictures."""
  config = small(name)
  with pytest.MonkeyPatch.context() as patch:
    small_runs.be_quick(patch)
    loop.train(config, str(workdir), (make_sample_hook,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  """Name -> the directory of a run of that system; each is trained once."""
  folder = tmp_path_factory.mktemp("systems")

  def run(name):
    if not (folder / name).exists():
      train(name, folder / name)
    return folder / name

  return run


@pytest.mark.parametrize("name", OTHERS)
def test_it_trains_and_draws_samples(trained, name):
  rows = small_runs.metrics(trained(name))
  assert len(rows) == STEPS
  weights = SYSTEMS[name].weights(small(name))
  counted = {f"weighted/{term}" for term, weight in weights.items() if weight}
  for row in rows:
    assert np.isfinite(list(row.values())).all()
    assert counted >= {x for x in row if x.startswith("weighted/")} > set()
  first, second = (small_runs.state(trained(name), i + 1) for i in range(2))
  for network in ("generator", "discriminator"):
    moved = jax.tree.map(
      lambda x, y: np.abs(x - y).max(), first[network], second[network]
    )
    assert max(jax.tree.leaves(moved)) > 0
  assert (trained(name) / "samples" / f"step_{STEPS:06}.png").exists()


@pytest.mark.parametrize("name", AVERAGING)
def test_every_statistic_moves_and_is_saved(trained, name):
  first, second = (
    small_runs.state(trained(name), i + 1)["statistics"] for i in range(2)
  )
  moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), first, second)
  assert min(jax.tree.leaves(moved)) > 0


@pytest.mark.parametrize("name", [x for x in OTHERS if x not in AVERAGING])
def test_norms_without_running_statistics_have_none_saved(trained, name):
  config = run_dir.read_config(str(trained(name)))
  assert "statistics" not in network_shapes(config)
  assert "statistics" not in small_runs.state(trained(name))


@pytest.mark.parametrize("name", OTHERS)
def test_resumed_it_ends_with_the_same_bits(trained, name, tmp_path):
  shutil.copytree(trained(name), tmp_path, dirs_exist_ok=True)
  shutil.rmtree(tmp_path / "checkpoints" / str(STEPS))
  train(name, tmp_path)
  small_runs.assert_same_bits(
    small_runs.state(tmp_path), small_runs.state(trained(name))
  )
  assert small_runs.metrics(tmp_path) == small_runs.metrics(trained(name))


@pytest.fixture(scope="module")
def on_several_devices(tmp_path_factory):
  """{(system, devices): its flat state after the steps}, by one process."""
  folder = tmp_path_factory.mktemp("devices")
  script = (
    "import sys; from tests import without_tensorboard;"
    " from tests.systems import test_every_system as t;"
    " t.train_on_devices(sys.argv[1])"
  )
  done = subprocess.run(
    [sys.executable, "-c", script, str(folder)],
    cwd=small_runs.ROOT,
    env=small_runs.environment(4),
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr

  def read(name, devices):
    with np.load(folder / f"{name}_{devices}.npz") as found:
      return dict(found)

  return read


def train_on_devices(folder):
  """Trains every system on 2 and on 4 devices of this process."""
  import contextlib
  import functools

  from akd_jax.common import cache
  from akd_jax.training import parallel, preparation
  from akd_jax.training.step import train_step

  cache.use_persistent_cache()
  for name in OTHERS:
    workdir = str(pathlib.Path(folder, name))
    with contextlib.ExitStack() as stack:
      run = preparation.prepare(small(name), workdir, (), stack)
      batches = [next(run.batches) for _ in range(STEPS)]
    for devices in DEVICES[name]:
      step = jax.pmap(
        functools.partial(
          train_step,
          networks=run.networks,
          config=run.config,
          axis_name=parallel.AXIS,
        ),
        axis_name=parallel.AXIS,
        in_axes=(None, None, 0),
        devices=jax.devices()[:devices],
      )
      state = jax.device_get(run.state)
      for batch in batches:
        split = {
          key: np.stack(np.split(x, devices, axis=1))
          for key, x in batch.items()
        }
        replicas, _ = step(state, None, split)
        state = jax.tree.map(lambda x: x[0], jax.device_get(replicas))
        for x in jax.tree.leaves(jax.device_get(replicas)):
          assert (x == x[:1]).all(), "replicas differ"
      np.savez(
        pathlib.Path(folder, f"{name}_{devices}.npz"), **flat(vars(state))
      )


def flat(state):
  """The arrays of a state that devices must agree on, by path."""
  parts = {
    part: state[part]
    for part in ("generator", "discriminator", "statistics")
    if state.get(part) is not None
  }
  return traverse_util.flatten_dict(parts, sep="/")


@pytest.mark.parametrize(
  ("name", "devices"), [(x, n) for x in OTHERS for n in DEVICES[x]]
)
def test_several_devices_train_as_one(
  trained, on_several_devices, name, devices
):
  ours = on_several_devices(name, devices)
  theirs = flat(small_runs.state(trained(name)))
  assert set(ours) == set(theirs)
  rate = small(name).optimizer.learning_rate
  far = total = 0
  for path, x in ours.items():
    difference = np.abs(x - theirs[path])
    if path.startswith("statistics"):
      largest = np.abs(theirs[path]).max()
      assert difference.max() <= 1e-4 * max(largest, 1), path
      continue
    # Where a gradient is rounding alone Adam takes its sign: see small_runs.
    assert difference.max() <= 2.1 * STEPS * rate, path
    far += np.sum(difference > 1e-5)
    total += difference.size
  assert far <= 0.01 * total


def pictures(count, size, seed=0):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def asked(count, classes):
  labels = np.random.default_rng(1).integers(0, 2, (count, classes))
  labels = labels.astype(np.float32)
  edits = np.eye(classes, dtype=np.float32)[:count]
  return Wanted(np.abs(labels - edits), labels, edits)


@pytest.mark.parametrize("name", OTHERS)
def test_a_picture_depends_on_no_other_and_files_draw_the_same(
  trained, name, tmp_path
):
  run = run_dir.load_run(str(trained(name)))
  network = RunNetwork(run)
  size = run.config.data.image_size
  images, wanted = pictures(3, size), asked(3, len(run.attributes))
  drawn = network.translate(images, wanted)
  others = np.concatenate([images[:1], pictures(2, size, seed=1)])
  np.testing.assert_array_equal(network.translate(others, wanted)[0], drawn[0])
  path = str(tmp_path / "run.npz")
  exports.export_run(run, path)
  back = run_dir.load_run(path)
  small_runs.assert_same_bits(back.model.statistics, run.model.statistics)
  halves = RunNetwork(back).translate(images, wanted)
  assert np.abs(halves.astype(int) - drawn).max() <= 3
  program = tmp_path / "model.stablehlo"
  stablehlo.export_stablehlo(run, str(program))
  lowered = jax.export.deserialize(program.read_bytes())
  told = (wanted.targets, wanted.labels, wanted.edits)
  told = [np.float32(x) for x in told[: len(lowered.in_avals) - 1]]
  found = to_uint8(lowered.call(to_unit(jnp.asarray(images)), *told))
  assert np.abs(np.asarray(found, int) - drawn).max() <= 1
  if SYSTEMS[name].program is None:
    message = error(exports.export_numpy, run, path)
    assert "--format=numpy" in message and name in message
    return
  path = str(tmp_path / "numpy.npz")
  exports.export_numpy(run, path)
  alone = numpy_network.load_numpy(path)
  assert alone.about["system"] == name
  found = alone.translate(images, wanted)
  assert np.abs(found.astype(int) - drawn).max() <= 1
  json.dumps(alone.about)
  path = str(tmp_path / "model.onnx")
  exports.export_onnx(run, path)
  found = onnx_runtime.translate(path, images, wanted)
  assert np.abs(found.astype(int) - drawn).max() <= 1


@pytest.mark.parametrize("name", OTHERS)
def test_attention_depends_on_no_other_picture(trained, name):
  run = run_dir.load_run(str(trained(name)))
  classes = len(run.attributes)
  size = run.config.data.image_size
  images, wanted = pictures(3, size), asked(3, classes)
  (alone,) = translator.translators_of(run.config, run.model, None)
  look = translator.Look(
    (alone.name_activation(run.config.attention),), run.config.attention.method
  )

  def maps(images):
    found = translator.translate_with_attention(
      alone, images, wanted, np.eye(classes)[:3], look
    )
    return found[1][look.names[0]]

  both = maps(images)
  assert np.isfinite(both).all() and both.min() >= 0
  others = np.concatenate([images[:1], pictures(2, size, seed=1)])
  np.testing.assert_array_equal(maps(others)[0], both[0])


@pytest.mark.parametrize("name", OTHERS)
def test_a_teacher_is_given_the_label_of_its_own_system(trained, name):
  """Whatever the student is: here, a StarGAN."""
  config = student.taught(small("stargan"), RECIPES[name].get_config("debug"))
  config.data = run_dir.read_config(str(trained(name))).data
  config.teacher = str(trained(name))
  config.distill.output.weight = 1.0
  taught_by = teaching.open_teacher(config)
  image = to_unit(jnp.asarray(pictures(2, config.data.image_size)))
  classes = len(config.data.attributes)
  label = np.float32(np.random.default_rng(2).integers(0, 2, (2, classes)))
  batch = GeneratorBatch(0, image, label, 1 - label, label)
  model, system = taught_by.model, taught_by.system

  @jax.jit
  def distances(model):
    nothing = collections.defaultdict(lambda: image)  # is compared of these
    drawn = Translation(image, nothing, None, image, None, {}, model)
    lesson = dataclasses.replace(taught_by, model=model)
    networks = system_of(config).create_networks(config)
    own = dataclasses.replace(model, networks=networks)
    ours = Pass(own, drawn, None, None)
    terms, _ = distillation_terms(ours, lesson, batch, config)
    given = system.generator_label(1 - label, label)
    theirs, _ = model.generate(image, given)
    return terms["g_loss_out"], jnp.mean(jnp.abs(theirs - image), (1, 2, 3))

  found, expected = distances(model)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  assert expected.min() > 0
