"""Released weights become a teacher, whole and without running anything."""

import jax
import numpy as np
import pytest

import akd_jax
from akd_jax.inference import torch_exports
from akd_jax.interop.torch_file import read_state_dict
from akd_jax.systems.model import Model
from akd_jax.training import run_dir, run_file
from akd_jax.training import teacher as teaching
from akd_jax.training.released import convert
from tests import small_runs
from tests.layouts import error
from tests.stargan_weights import golden, state_dict

NAMES = ["Black_Hair", "Blond_Hair", "Male", "Smiling", "Young"]


@pytest.fixture(name="released", scope="module")
def fixture_released():
  """The released system's weights and what it draws with them."""
  arrays = golden("multilabel")
  return arrays, state_dict(arrays, "G"), state_dict(arrays, "D")


def test_the_file_draws_what_the_released_network_draws(released, tmp_path):
  arrays, generator, discriminator = released
  run = convert(generator, discriminator, NAMES, step=7)
  assert run.config.data.image_size == 32
  assert run.config.generator.to_dict() == {
    "width": 8, "blocks": 2, "output": "image", "upsample": "transposed",
    "label_sets": 1,
  }  # fmt: skip
  path = str(tmp_path / "teacher.npz")
  run_file.save_run(run, path, half=False)
  back = run_dir.load_run(path)
  assert back.step == 7 and back.exclusive == (("Black_Hair", "Blond_Hair"),)
  image = arrays["x_real"].transpose(0, 2, 3, 1)
  drawn, _ = jax.jit(Model.generate)(back.model, image, arrays["c_trg"])
  expected = arrays["x_fake"].transpose(0, 2, 3, 1)
  np.testing.assert_allclose(drawn, expected, rtol=0, atol=1e-4)
  logits = jax.jit(Model.discriminate)(back.model, drawn).logits
  np.testing.assert_allclose(logits, arrays["fake_cls"], rtol=0, atol=1e-4)
  # And a photo of anyone's.
  photo = np.zeros((40, 50, 3), np.uint8)
  assert akd_jax.load(path).translate(photo, {"Male": 1}).shape == (32, 32, 3)


def test_files_of_the_released_kind_come_back_the_same(released, tmp_path):
  _, generator, discriminator = released
  run = convert(generator, discriminator, NAMES, step=200_000)
  torch_exports.export_torch(run, str(tmp_path / "models"))
  states = [
    read_state_dict(str(tmp_path / "models" / f"200000-{which}.ckpt"))
    for which in "GD"
  ]
  again = convert(*states, NAMES, step=200_000).model
  small_runs.assert_same_bits(again.generator, run.model.generator)
  small_runs.assert_same_bits(again.discriminator, run.model.discriminator)


@pytest.mark.parametrize(
  ("names", "message"),
  [
    (NAMES[:4], "--attributes names 4, but the generator's label has 5"),
    ([*NAMES[:4], "Male"], "--attributes has two attributes named 'Male'"),
    ([*NAMES[:4], ""], "--attributes: attribute 5 has no name"),
  ],
)
def test_classes_that_are_not_the_networks_are_refused(
  released, names, message
):
  _, generator, discriminator = released
  assert message in error(convert, generator, discriminator, names)


def test_networks_given_the_wrong_way_round_are_named(released):
  _, generator, discriminator = released
  message = error(convert, discriminator, generator, NAMES)
  assert message.startswith("StarGAN generator: ")


def test_a_teacher_s_place_holds_a_run_or_nothing(tmp_path):
  folder = tmp_path / "mine"
  folder.mkdir()
  teaching.check_place(str(folder))
  (folder / ".lock").write_text("")
  teaching.check_place(str(folder))
  weights = folder / "200000-G.ckpt"
  weights.write_bytes(b"")
  message = error(teaching.check_place, str(folder))
  assert "holds 200000-G.ckpt and no run" in message
  for path in (weights, folder / "gone.pth"):
    message = error(teaching.check_place, str(path))
    assert f"akd_jax.convert --from={path} " in message
  (folder / "config.json").write_text("{}")
  teaching.check_place(str(folder))
