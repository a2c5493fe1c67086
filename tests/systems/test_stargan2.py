"""StarGAN v2 as a system: what a step draws, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.configs import relgan as other_recipe
from akd_jax.configs import stargan2 as recipe
from akd_jax.configs import student
from akd_jax.configs.scales import changed
from akd_jax.models.stargan2 import Generator
from akd_jax.systems import stargan2
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Model, Networks, Pass, Scores, Translation
from akd_jax.systems.stargan2 import STARGAN2
from akd_jax.systems.stargan2_losses import generator_terms
from akd_jax.systems.stargan2_passes import draw_latents
from akd_jax.training import validation
from tests.layouts import error

DEVICES, BATCH, CLASSES = 4, 16, 3
SMALL = Generator(4, 4, 1, 4, 4, 8, CLASSES)


@pytest.fixture(scope="module")
def label():
  drawn = np.random.default_rng(0).integers(0, CLASSES, (2, BATCH))
  return np.eye(CLASSES, dtype=np.float32)[drawn]


@pytest.fixture(scope="module")
def draws(label):
  return jax.jit(stargan2.draw)(jax.random.key(7), label)


def test_sources_are_drawn_in_styles_of_the_references_domains(draws, label):
  images = jnp.arange(2.0)[:, None] + jnp.zeros((2, BATCH))
  of_discriminator, of_generator = STARGAN2.arrange(
    jnp.zeros(()), images, label, draws
  )
  for update in range(2):
    np.testing.assert_array_equal(of_discriminator.image[update], images[0])
    np.testing.assert_array_equal(of_discriminator.label[update], label[0])
    np.testing.assert_array_equal(of_discriminator.target[update], label[1])
  np.testing.assert_array_equal(of_generator.image, images[0])
  for x in (of_generator.target, of_generator.active):
    np.testing.assert_array_equal(x, label[1])
  for batch in (of_discriminator, of_generator):
    np.testing.assert_array_equal(batch.more["reference"], images[1])


def test_every_sample_has_two_latents_of_its_own(draws):
  model = Model(None, None, Networks(SMALL, None))
  latents = np.asarray(draw_latents(model, draws.more["key"]))
  assert latents.shape == (2, BATCH, SMALL.latent)
  assert np.unique(latents).size == latents.size


def test_four_devices_draw_what_one_draws(draws, label):
  shares = label.reshape(2, DEVICES, -1, CLASSES).swapaxes(0, 1)
  split = jax.jit(
    jax.vmap(
      lambda share: stargan2.draw(jax.random.key(7), share, "batch"),
      axis_name="batch",
    )
  )(shares)
  keys, theirs = (
    jax.random.key_data(x.more["key"]).reshape(BATCH, -1)
    for x in (split, draws)
  )
  np.testing.assert_array_equal(keys, theirs)


def test_at_test_each_domain_has_a_style_though_a_latent_of_zeros_has_none(
  initialize,
):
  params = initialize(SMALL, (1, 8, 8, 3), (1, CLASSES))
  flat = traverse_util.flatten_dict(params)
  # As at the start.
  fresh = {k: x * (k[-1] != "bias") for k, x in flat.items()}
  variables = {"params": traverse_util.unflatten_dict(fresh)}
  domains, zeros = jnp.eye(CLASSES), jnp.zeros((CLASSES, SMALL.latent))
  mean = SMALL.apply(variables, domains, method="mean_style")
  none = SMALL.apply(variables, zeros, domains, method="map_latent")
  np.testing.assert_array_equal(none, 0)
  apart = np.abs(mean[:, None] - mean[None]).max(-1)
  assert apart[~np.eye(CLASSES, dtype=bool)].min() > 0.1 * abs(mean).max() > 0
  halfway = SMALL.apply(variables, domains[:1] / 2, method="mean_style")
  np.testing.assert_allclose(halfway, mean[:1] / 2, rtol=1e-6)


@pytest.mark.parametrize(
  ("step", "left"), [(0, 1.0), (25, 0.75), (100, 0.0), (150, 0.0)]
)
def test_diversity_counts_linearly_less_until_the_last_step(step, left):
  config = recipe.get_config("debug")
  config.steps = 100
  ones, zeros = jnp.ones((1, 8, 8, 3)), jnp.zeros((1, 8, 8, 3))
  names = ("style", "seen")
  others = {f"{x}{half}": ones[0, 0, :1] for x in names
            for half in ("", "_reference")}  # fmt: skip
  others |= {"restored": ones, "restored_reference": ones, "contrast": zeros}
  others["picture_reference"] = 2 * ones
  translation = Translation(ones, {}, None, ones, None, others, None)
  discriminator = Judge()
  model = Model(None, {}, Networks(None, discriminator))
  scores = Scores(jnp.zeros((1, 1, 1, 1)), None, {})
  batch = GeneratorBatch(jnp.float32(step), ones, *[jnp.ones((1, 1))] * 3)
  terms, _ = generator_terms(
    Pass(model, translation, scores, None), batch, config
  )
  assert terms["g_loss_diversity"] == pytest.approx(-left)
  assert terms["g_loss_diversity_reference"] == pytest.approx(-2 * left)


class Judge:
  """A discriminator that says nothing."""

  def apply(self, variables, image, method):
    return jnp.zeros((len(image), 1)), {}


def test_the_last_block_is_the_decoders_last():
  generator = Generator(layers=4)
  for hook, method in (("norm", "grad_cam"), ("block", "hires_cam")):
    options = ConfigDict({"hook": hook, "block": "last", "method": method})
    assert STARGAN2.name_activation(options, generator) == f"{hook}_11"


@pytest.mark.parametrize("hook", ["block", "branch"])
def test_where_grad_cam_sees_nothing_it_is_refused(hook):
  config = changed(recipe.get_config("debug"), {"attention.hook": hook})
  message = error(validation.check, config)
  assert f"config.attention.hook={hook!r} has no map" in message
  assert "'norm'" in message and "'hires_cam'" in message
  validation.check(changed(config, {"attention.method": "hires_cam"}))


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"data.image_size": 48}, "config.data.image_size=48 must be 8 or more"),
    ({"data.image_size": 4}, "config.data.image_size=4 must be 8 or more"),
    ({"generator.layers": 4}, "config.generator.layers=4 must be at most 3"),
    (
      {"data.label_rule": "multilabel"},
      "config.data.label_rule='multilabel' must be 'exclusive'",
    ),
    ({"n_critic": 1}, "config.n_critic=1 must be 2"),
  ],
)
def test_what_the_system_can_not_have_is_refused_by_name(fields, message):
  config = changed(recipe.get_config("debug"), fields)
  assert error(validation.check, config).startswith(message)


def test_it_has_no_teacher():
  own = recipe.get_config("debug")
  message = error(validation.check, student.taught(own, own))
  assert message == (
    "config.teacher='runs/teacher' must be '' for config.system='stargan2'"
  )


def test_only_the_mapping_network_has_another_step_size():
  config = recipe.get_config("celeba")
  rate = config.optimizer.learning_rate
  assert {k: x * rate for k, x in STARGAN2.rates(config).items()} == {
    "mapping": pytest.approx(1e-6)
  }
  own = other_recipe.get_config("celeba")
  assert own.optimizer.weight_decay == 0
