"""Two label sets at once: one training, and a run of each set."""

import json
import shutil
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import akd_jax
from akd_jax.common.errors import Stopped
from akd_jax.common.two_sets import second_of
from akd_jax.configs import both, relgan, student
from akd_jax.data import pipeline
from akd_jax.data.photos.kind import settle
from akd_jax.experiments import html_faces
from akd_jax.experiments.compared import read_variants
from akd_jax.inference import exports, numpy_network
from akd_jax.inference.grids import make_sample_hook
from akd_jax.inference.network import Wanted
from akd_jax.inference.run_network import RunNetwork
from akd_jax.models.pixels import to_uint8, to_unit
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training import (
  checkpoint,
  label_sets,
  loop,
  run_dir,
  starts,
  validation,
)
from akd_jax.training import teacher as teaching
from akd_jax.training.hooks import Found, Hook
from akd_jax.training.state import create_state
from tests import onnx_runtime, small_runs
from tests.layouts import error

STEPS = 2
SECOND = ("angry", "happy", "sad")


def config_of(**changes):
  config = both.get_config("debug")
  fields = {
    "n_critic": 1,
    "steps": STEPS,
    "checkpoint_every": 1,
    "sample_every": STEPS,
    "keep": STEPS,
    "held_out.images": 0,
    "data.image_size": 16,
    "data.attributes": ("Smiling", "Eyeglasses"),
    "discriminator.layers": 2,
    "generator.blocks": 1,
  }
  config.update_from_flattened_dict(
    fields | {name.replace("__", "."): x for name, x in changes.items()}
  )
  config.data.second.attributes = SECOND
  return config


def train(workdir):
  with pytest.MonkeyPatch.context() as patch:
    small_runs.be_quick(patch)
    loop.train(config_of(), str(workdir), (make_sample_hook,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("both") / "both"
  train(workdir)
  return workdir


def test_pictures_of_both_sets_take_turns_with_labels_of_their_own():
  source = pipeline.open_source(config_of().data, "train")
  assert source.attributes == ("Smiling", "Eyeglasses", *SECOND)
  first = len(source.parts[0])
  assert len(source) == first + len(source.parts[1])
  assert not source.labels[:first, 2:].any()
  assert not source.labels[first:, :2].any()
  assert (source.labels[first:, 2:].sum(1) == 1).all()
  for index in (0, first - 1, first, len(source) - 1):
    np.testing.assert_array_equal(source[index]["label"], source.labels[index])

  def batches(share=(0, 1), size=4):
    return pipeline.make_batches(
      source, batch_size=size, micro_batches=2, seed=3, threads=1, share=share
    )

  whole = batches()
  halves = batches((0, 2), 2), batches((1, 2), 2)
  labels = []
  for _ in range(40):
    batch, *parts = (next(x) for x in (whole, *halves))
    np.testing.assert_array_equal(
      batch["image"], np.concatenate([x["image"] for x in parts], axis=1)
    )
    assert not batch["label"][0, :, 2:].any()
    assert (batch["label"][1, :, 2:].sum(-1) == 1).all()
    labels.append(batch["label"][0])
  # In an epoch each picture is seen once.
  epoch = np.concatenate(labels)[:first]
  np.testing.assert_array_equal(epoch.sum(0), source.labels[:first].sum(0))
  again = batches()
  again.set_state(whole.get_state())
  np.testing.assert_array_equal(next(again)["image"], next(whole)["image"])


def test_each_set_is_a_run_that_draws_what_both_draw(trained, tmp_path):
  config = run_dir.read_config(str(trained))
  saved = checkpoint.load(str(trained), STEPS).state
  networks = system_of(config).create_networks(config)
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
  first = 0
  for name in ("first", "second"):
    run = run_dir.load_run(f"{trained}/{name}.npz")
    assert run.step == STEPS
    count = len(run.attributes)
    columns = slice(first, first + count)
    first += count
    target = np.eye(count, dtype=np.float32)[np.arange(3) % count]
    wanted = Wanted(target, 1 - target, np.ones_like(target))
    widened = np.zeros((3, 5), np.float32)
    widened[:, columns] = target
    drawn, _ = jax.jit(networks.generator.apply)(
      {"params": saved["ema"]}, to_unit(jnp.asarray(images)), widened
    )
    ours = RunNetwork(run).translate(images, wanted)
    expected = np.asarray(to_uint8(drawn)).astype(int)
    # Compiled as a whole, it is rounded otherwise.
    assert np.abs(ours - expected).max() <= 1
    (_, logits), _ = jax.jit(networks.discriminator.apply)(
      {"params": saved["discriminator"]}, drawn
    )
    own = jax.jit(Model.discriminate)(run.model, drawn).logits
    np.testing.assert_allclose(own, logits[:, columns], atol=1e-6)
    # Files for other programs draw the same.
    path = str(tmp_path / f"{name}.npz")
    exports.export_numpy(run, path)
    alone = numpy_network.load_numpy(path)
    json.dumps(alone.about)
    found = alone.translate(images, wanted).astype(int)
    assert np.abs(found - ours).max() <= 1
    path = str(tmp_path / f"{name}.onnx")
    exports.export_onnx(run, path)
    found = onnx_runtime.translate(path, images, wanted).astype(int)
    assert np.abs(found - ours).max() <= 1
    assert (trained / name / "samples" / f"step_{STEPS:06}.png").exists()


def test_resumed_it_ends_with_the_same_bits(trained, tmp_path):
  shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
  shutil.rmtree(tmp_path / "checkpoints" / str(STEPS))
  (tmp_path / "second.npz").unlink()
  train(tmp_path)
  small_runs.assert_same_bits(
    small_runs.state(tmp_path), small_runs.state(trained)
  )
  assert small_runs.metrics(tmp_path) == small_runs.metrics(trained)
  one, other = (
    run_dir.load_run(f"{x}/second.npz") for x in (tmp_path, trained)
  )
  small_runs.assert_same_bits(one.model.generator, other.model.generator)
  # A finished run writes what it has lost.
  (tmp_path / "second.npz").unlink()
  assert (
    akd_jax.train(config_of(), tmp_path).attributes
    == run_dir.load_run(f"{tmp_path}/first.npz").attributes
  )
  again = run_dir.load_run(f"{tmp_path}/second.npz")
  small_runs.assert_same_bits(again.model.generator, other.model.generator)


def test_a_run_that_is_stopped_leaves_the_files_of_its_checkpoint(
  tmp_path, monkeypatch
):
  small_runs.be_quick(monkeypatch)
  monkeypatch.setattr(
    loop.Interruption, "requested", lambda self, all_ask: True
  )
  config = config_of(checkpoint_every=STEPS)
  with pytest.raises(Stopped):
    loop.train(config, str(tmp_path))
  assert checkpoint.list_steps(str(tmp_path)) == [1]
  for name in ("first", "second"):
    assert run_dir.load_run(f"{tmp_path}/{name}.npz").step == 1


def test_whoever_asks_for_both_is_told_where_each_is(trained):
  assert error(run_dir.load_run, str(trained)) == (
    f"{trained} was trained on two label sets: name one of them,"
    f" {trained}/first.npz or {trained}/second.npz"
  )


def test_a_plain_student_starts_from_the_file_of_a_set(trained):
  path = f"{trained}/second.npz"
  config = student.get_config("debug")
  config.data = run_dir.load_run(path).config.data
  config.teacher = path
  config.init, config.adversary, config.n_critic = "sliced", "frozen", 1
  config.generator.blocks = 1
  config.discriminator.layers = 2
  config.generator.width = 2
  validation.check(config)
  taught_by = teaching.open_teacher(config)
  networks = system_of(config).create_networks(config)
  fresh = create_state(config, networks, taught_by)
  started = starts.start_from(fresh, taught_by, config)
  kernel = started.generator["encoder_0"]["conv"]["kernel"]
  wide = taught_by.model.generator["encoder_0"]["conv"]["kernel"]
  assert kernel.shape[2] == 3 + len(SECOND) == wide.shape[2] - 2
  # Each of its channels is one of the wide one's, but for the mask vector.
  pairs = wide[:, :, :-2, :, None] - kernel[..., None, :]
  distances = np.abs(pairs).max((0, 1, 2))
  assert (distances.min(0) == 0).all()


@pytest.mark.parametrize(
  ("fields", "complaint"),
  [
    ({"generator.label_sets": 1}, "config.generator.label_sets=2"),
    ({"data.label_rule": "exclusive"}, "config.data.label_rule='multilabel'"),
    ({"data.curriculum": 0.5}, "config.data.curriculum=0.5"),
    ({"data.second.image_size": 8}, "config.data.second.image_size"),
    ({"data.second.label_rule": "multilabel"}, "second.label_rule='exclusive'"),
    ({"data.second.test_share": 2.0}, "config.data.second.test_share=2"),
    ({"data.second.pathh": "x"}, "config.data.second.pathh is none of"),
    ({"data.second.sed": 1}, "did you mean 'seed'?"),
    (
      {"data.second.split": "folders"},
      "split='folders' needs config.data.second.name='folder'",
    ),
  ],
)
def test_what_two_sets_cannot_have_is_refused(fields, complaint):
  config = config_of()
  for field, value in fields.items():
    *path, name = field.split(".")
    section = config
    for part in path:
      section = section[part]
    section[name] = value
  assert complaint in error(validation.check, config)


def test_a_score_of_both_sets_is_their_mean_and_that_of_one_its_own(
  monkeypatch,
):
  sets = [SimpleNamespace(name=x, setting=x, take=str) for x in "ab"]
  monkeypatch.setattr(label_sets, "split_label_sets", lambda setting: sets)
  scores = {
    "a": {"held_out/accuracy": 0.9, "held_out/accuracy/Smiling": 0.9},
    "b": {"held_out/accuracy": 0.7, "held_out/accuracy/happy": 0.7},
  }

  def make(name):
    return Hook(1, lambda step, model: Found(scores[name]))

  found = label_sets.of_each_set(make)(None).call(1, None).scalars
  assert found["held_out/accuracy"] == pytest.approx(0.8)
  assert found["held_out/accuracy/Smiling"] == 0.9
  assert found["b/held_out/accuracy/happy"] == 0.7


def test_no_attribute_is_of_both_sets():
  config = config_of()
  config.data.attributes = ("Smiling", "happy")
  message = error(pipeline.open_source, config.data, "train")
  assert "config.data.second.attributes: 'happy' is an attribute" in message


def test_what_is_wrong_with_the_second_is_said_of_its_own_fields(tmp_path):
  config = config_of()
  config.data.second.attributes = ("happy", "hapy")
  message = error(pipeline.open_source, config.data, "train")
  assert "'hapy'" in message and "'happy'" in message
  config = both.get_config("photos")
  config.data.path = str(tmp_path)
  assert "config.data.second.path is empty" in error(settle, config)
  # The table of the first set is none of the second.
  config.data.csv = "first.csv"
  assert second_of(config.data).csv == ""


def test_a_page_says_why_a_run_of_both_shows_no_faces(trained, capsys):
  html_faces.show(read_variants([str(trained)]))
  said = capsys.readouterr().err
  assert "both: it was trained on two label sets" in said


def test_another_system_knows_one_set():
  config = relgan.get_config("debug")
  config.data.second = config_of().data.second
  message = error(validation.check, config)
  assert "a config.system of stargan, acgan: relgan" in message
