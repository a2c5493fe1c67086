"""AttGAN and STGAN as released: the numbers of their ports, mended to match."""

import jax
import numpy as np
import pytest

from akd_jax.configs import attgan as attgan_recipe
from akd_jax.configs import stgan as stgan_recipe
from akd_jax.models import attgan, stgan
from akd_jax.models.attgan_discriminator import Discriminator
from akd_jax.systems.model import Networks
from tests.golden_arrays import error, nhwc, part
from tests.released_attgan import Released, parameters, statistics

TOLERANCE = 1e-4
DISCRIMINATOR = Discriminator(width=4, layers=4, hidden=16, classes=5)
RECIPES = {"attgan": attgan_recipe, "stgan": stgan_recipe}
GENERATORS = {
  "attgan": attgan.Generator(width=4),
  "stgan": stgan.Generator(width=3, unit_width=3),
}
# Our term of each of the released losses.
LOSSES = {
  "D_loss/df_gp": "d_loss_gp", "D_loss/gp": "d_loss_gp",
  "D_loss/dc_loss": "d_loss_cls", "D_loss/loss_att": "d_loss_cls",
  "D_loss/loss_real": "d_loss_real", "D_loss/loss_fake": "d_loss_fake",
  "G_loss/gf_loss": "g_loss_fake", "G_loss/loss_gan": "g_loss_fake",
  "G_loss/gc_loss": "g_loss_cls", "G_loss/loss_att": "g_loss_cls",
  "G_loss/gr_loss": "g_loss_rec", "G_loss/loss_rec": "g_loss_rec",
}  # fmt: skip
INPUTS = {
  "metadata", "x_real", "att_a", "att_b", "label_a", "label_b", "label_diff",
  "gp_alpha",
}  # fmt: skip


@pytest.fixture(scope="module", params=RECIPES)
def released(request):
  name = request.param
  networks = Networks(GENERATORS[name], DISCRIMINATOR)
  return Released(name, networks, RECIPES[name].get_config("celeba"))


@pytest.fixture(scope="module")
def ours(released):
  return released.compute()


def assert_close(ours, reference):
  errors = jax.tree.map(error, ours, reference)
  assert all(x <= TOLERANCE for x in jax.tree.leaves(errors)), errors


def first(ours, reference):
  """As many samples as the reference has."""
  return ours[: len(reference)], reference


def test_the_generator_is_given_what_the_released_one_is(released):
  arrays = released.arrays
  own = released.system.generator_label(released.label, released.label)
  if "label_diff" in arrays:
    assert_close(released.given, arrays["label_diff"])
    assert not np.any(own)
  else:
    assert_close((released.given, own), (arrays["label_b"], arrays["label_a"]))


def test_pictures_equal_the_released_ones(released, ours):
  for name in ("x_fake", "x_rec", "eval/x_fake"):
    assert_close(*first(ours[name], nhwc(released.arrays[name])))


def test_every_activation_equals_the_released_one(released, ours):
  for name, array in released.arrays.items():
    kind, _, i = name.partition("/")
    if kind == "encode":
      assert_close(*first(ours["encode"][int(i)], nhwc(array)))
    elif kind in ("decode", "stu", "state"):
      assert_close(*first(ours["activations"][f"{kind}_{i}"], nhwc(array)))
  np.testing.assert_array_equal(
    ours["activations"]["bottleneck"], ours["encode"][-1]
  )


def test_scores_equal_the_released_ones(released, ours):
  for name in ("real", "fake"):
    critic, logits, _ = ours[name]
    assert_close(critic[:, 0, 0], released.arrays[f"{name}_adv"])
    assert_close(logits, released.arrays[f"{name}_att"])
  assert_close(ours["eval/fake_att"], released.arrays["eval/fake_att"])


def test_every_loss_term_equals_the_released_one(released, ours):
  for network, total in (("D_loss", "d_loss"), ("G_loss", "g_loss")):
    terms = ours[network]
    weighted = sum(terms[k] for k in terms if k.startswith("weighted/"))
    for name, array in part(released.arrays, f"{network}/").items():
      if name in (total, "total"):
        assert_close(weighted, array)
      elif f"{network}/{name}" in LOSSES:
        assert_close(terms[LOSSES[f"{network}/{name}"]], array)
      else:
        assert name in ("df_loss", "loss_gan")
        assert_close(terms["d_loss_real"] + terms["d_loss_fake"], array)


def test_both_gradients_equal_the_released_ones(released, ours):
  for name in ("D_grad", "G_grad"):
    reference = parameters(part(released.arrays, f"{name}/"))
    assert_close(ours[name], reference)


def test_running_statistics_move_as_the_released_ones(released, ours):
  for name in ("G_after_D_step", "G_after_G_step"):
    reference = statistics(part(released.arrays, f"{name}/"))
    assert_close(ours[name], reference)
    # They do move: the tolerance is not as wide as a step.
    before = jax.tree.leaves(released.model.statistics)
    steps = map(error, before, jax.tree.leaves(ours[name]))
    assert max(steps) > 3 * TOLERANCE


@pytest.mark.parametrize("kind", ["attention", "attention_train"])
def test_maps_of_every_hook_and_class_equal_the_references(
  kind, released, ours
):
  maps, alphas, terms = ours[kind]
  for name, array in part(released.arrays, f"{kind}/").items():
    hook, what = name.split("/")
    if what == "alpha_0":
      assert_close(alphas[hook][0], array)
    else:
      index = -1 if what == "sum" else int(what.removeprefix("class_"))
      # Where channels cancel, a map is a three-hundredth of what it is the sum
      # of, and float32 itself rounds by more than a share of the map.
      rounding = 8 * np.finfo(np.float32).eps * terms[hook][index]
      tolerance = max(TOLERANCE, rounding / array.max())
      assert error(*first(maps[hook][index], array)) <= tolerance


def test_every_released_array_is_compared(released, ours):
  compared = {
    "D", "G", "encode", "decode", "stu", "state", "real_adv", "real_att",
    "fake_adv", "fake_att", *ours,
  }  # fmt: skip
  for name in released.arrays:
    assert name in compared | INPUTS or name.split("/")[0] in compared, name
