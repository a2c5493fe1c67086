"""StarGAN v2 as released: the numbers of its own code, reproduced."""

import jax
import numpy as np
import optax
import pytest
from flax import traverse_util

from akd_jax.systems.stargan2 import STARGAN2
from akd_jax.training.optimizers import adam, update
from tests import golden_stargan2
from tests.golden_arrays import error, nhwc, part

TOLERANCE = 1e-4
HALVES = {"latent": "", "ref": "_reference"}


@pytest.fixture(scope="module")
def released():
  return golden_stargan2.Released()


def assert_close(ours, reference):
  assert jax.tree.structure(ours) == jax.tree.structure(reference)
  errors = jax.tree.map(error, ours, reference)
  assert all(x <= TOLERANCE for x in jax.tree.leaves(errors)), errors


def test_pictures_equal_the_released_generators(released):
  ours = released.computed["others"]
  names = {"picture": "x_fake", "contrast": "x_fake2", "restored": "x_rec"}
  names |= {
    "picture_reference": "x_fake_ref",
    "restored_reference": "x_rec_ref",
  }
  theirs = {name: nhwc(released.arrays[x]) for name, x in names.items()}
  assert_close({name: ours[name] for name in names}, theirs)
  pair = theirs["picture"], theirs["picture_reference"]
  assert_close(released.computed["fakes"], np.stack(pair))


def test_styles_equal_those_of_the_released_networks(released):
  ours = released.computed["others"]
  names = {"style": "s_trg", "style_reference": "s_ref"}
  names |= {"seen": "s_pred", "seen_reference": "s_pred_ref"}
  assert_close(
    {name: ours[name] for name in names},
    {name: released.arrays[x] for name, x in names.items()},
  )


def test_branches_equal_the_released_discriminators(released):
  theirs = part(released.arrays, "branches_")
  assert_close(released.computed["branches"], theirs)


def weighted(terms, ending):
  """The sum of one half's terms as they enter the loss."""
  every = ("fake", "style", "diversity", "rec")
  return sum(terms[f"weighted/g_loss_{name}{ending}"] for name in every)


@pytest.mark.parametrize("half", HALVES)
def test_discriminator_terms_equal_the_released_ones(released, half):
  ours = released.computed[f"D_loss_{half}"]
  names = {"real": "real", "fake": "fake", "reg": "r1"}
  terms = {name: ours[f"d_loss_{x}"] for name, x in names.items()}
  terms["total"] = sum(x for k, x in ours.items() if k.startswith("weighted/"))
  assert_close(terms, part(released.arrays, f"D_loss_{half}/"))


@pytest.mark.parametrize("half", HALVES)
def test_generator_terms_equal_the_released_ones(released, half):
  ours, ending = released.computed["G_loss"], HALVES[half]
  terms = {
    "adv": ours[f"g_loss_fake{ending}"],
    "sty": ours[f"g_loss_style{ending}"],
    # Lowered by the generator, which the release subtracts.
    "ds": -ours[f"g_loss_diversity{ending}"],
    "cyc": ours[f"g_loss_rec{ending}"],
    "total": weighted(ours, ending),
  }
  assert_close(terms, part(released.arrays, f"G_loss_{half}/"))


@pytest.mark.parametrize("half", HALVES)
def test_gradients_of_the_discriminator_equal_the_released_ones(released, half):
  theirs = golden_stargan2.discriminator_params(
    released.arrays, f"D_grad_{half}/"
  )
  assert_close(released.computed[f"D_grad_{half}"], theirs)


def test_gradients_of_the_generator_equal_the_released_ones(released):
  """The generator's of both halves, its style networks' of latents alone."""
  gradients = part(released.arrays, "G_grad_latent/")
  for name, x in part(released.arrays, "G_grad_ref/").items():
    gradients[name] = gradients[name] + x
  ours, theirs = (
    traverse_util.flatten_dict(x)
    for x in (released.computed["G_grad"], golden_stargan2.params(gradients))
  )
  # Norms cancel a constant: of what only adds one, both have rounding alone.
  zero = {path for path, x in theirs.items() if np.abs(x).max() < 1e-12}
  assert {path[-1] for path in zero} == {"bias"} and len(zero) == 17
  largest = max(np.abs(x).max() for x in theirs.values())
  assert all(np.abs(ours.pop(x)).max() < 1e-6 * largest for x in zero)
  assert_close(ours, {k: x for k, x in theirs.items() if k not in zero})


def test_a_step_is_as_long_as_the_released_optimizers(released):
  """Two updates by one gradient; the mapping network's are a hundredth."""
  theirs, config = part(released.arrays, "adam/"), released.config
  gradients, params = (
    {name: x[name] for name in ("from_rgb", "mapping")}
    for x in (
      golden_stargan2.params(part(released.arrays, "G_grad_latent/")),
      released.model.generator,
    )
  )
  rate, shares = config.optimizer.learning_rate, STARGAN2.rates(config)
  moments, moved = adam(config).init(params), params
  for _ in range(2):
    moved, moments = update(gradients, moved, moments, rate, config, shares)
  steps = optax.tree.sub(moved, params)
  for name, ours in (
    ("G/from_rgb.weight", steps["from_rgb"]["kernel"].transpose(3, 2, 0, 1)),
    ("M/shared.0.weight", steps["mapping"]["shared"]["layer_0"]["kernel"].T),
  ):
    # What is left of a parameter in float32 after a step so small.
    np.testing.assert_allclose(ours, theirs[name], rtol=1e-2, atol=3e-7)
    assert np.abs(theirs[name]).max() > 1e-6


def test_maps_of_every_block_equal_the_released_networks(released):
  theirs = part(released.arrays, "attention/")
  assert len(theirs) == 8 * (2 + 1 + 1)
  ours = released.computed["attention"]
  assert_close({name: ours[name] for name in theirs}, theirs)


def test_grad_cam_has_no_map_where_norms_cancel_a_constant(released):
  """Neither in the released networks nor in ours: it is rounding alone."""
  ours, theirs = (
    released.computed["alpha"],
    part(released.arrays, "alpha_share/"),
  )
  assert set(ours) == set(theirs)
  for name, share in theirs.items():
    vanishes = name.partition("_")[0] in STARGAN2.vanishing_hooks
    assert (share < 1e-14) == (ours[name] < 1e-5) == vanishes, name
    if not vanishes:
      assert share > 0.05
