"""A step computes each thing once, and what its config asks for."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems import losses
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import (
  Metrics,
  Model,
  Networks,
  Params,
  Translation,
  translate,
)
from akd_jax.systems.randomness import Draws
from akd_jax.training import step as steps
from akd_jax.training.state import create_state


def lower(function: Callable, *arguments) -> jax.stages.Lowered:
  return jax.jit(function).lower(*arguments)


def asked(function: Callable, *arguments) -> float:
  """The operations that a function asks for; nothing is compiled."""
  return lower(function, *arguments).cost_analysis()["flops"]


def done(function: Callable, *arguments) -> float:
  """Those that are left where what is asked for twice is done once."""
  return lower(function, *arguments).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("n_critic", [1, 2])
def test_the_last_fake_of_the_discriminator_is_the_generators(n_critic):
  config = teacher.get_config("debug")
  networks = Networks(Generator(8, 1), Discriminator(4, 2, 7))
  state = create_state(config, networks)
  model = state.model(networks)
  image = jnp.zeros((n_critic, 4, 32, 32, 3))
  label = jnp.zeros((n_critic, 4, 7))
  draws = Draws(label, alpha=jnp.zeros((n_critic, 4)), active=label[-1])
  whole = asked(
    functools.partial(steps.cycle, networks=networks, config=config),
    *(state, None, {"image": image, "label": label}, draws),
  )
  of_discriminator = DiscriminatorBatch(
    state.step, image[0], image[0], label[0], draws.alpha[0], label[0]
  )
  discriminator = asked(
    jax.grad(
      lambda p, b: steps.discriminator_loss(p, model, b, config), has_aux=True
    ),
    *(state.discriminator, of_discriminator),
  )
  batch = GeneratorBatch(state.step, image[0], label[0], label[0], label[0])

  def generator_loss(params, batch):
    model = Model(params, state.discriminator, networks)
    translation = translate(model, batch.image, batch.target)
    return steps.generator_loss(model, translation, None, batch, config)

  generator = asked(
    jax.grad(generator_loss, has_aux=True), state.generator, batch
  )
  forward = asked(model.generate, image[0], label[0])
  fakes = whole - n_critic * discriminator - generator
  assert abs(fakes / forward - (n_critic - 1)) < 0.1


IMAGE = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3))
IMAGE = IMAGE.astype(np.float32)
CONFIG = teacher.get_config("debug")
LABEL = np.random.default_rng(1).integers(0, 2, (4, 7)).astype(np.float32)


CONFIG.steps = 4


@functools.cache
def small() -> Model:
  networks = Networks(Generator(4, 1), Discriminator(8, 3, 7))
  return create_state(CONFIG, networks).model(networks)


def with_radius(radius: float | None) -> ConfigDict:
  config = ConfigDict(CONFIG.to_dict())
  config.loss.cls_radius = radius or 0.0
  return config


# A quarter of the steps, from which on the radius has its full length.
GROWN = jnp.asarray(1.0)


def of_discriminator(
  params: Params, image: np.ndarray, radius: float | None
) -> Metrics:
  batch = DiscriminatorBatch(GROWN, image, image, LABEL, LABEL[:, 0], LABEL)
  config = with_radius(radius)
  return steps.discriminator_loss(params, small(), batch, config)[1]


def of_generator(
  params: Params, fake: jax.Array, radius: float | None
) -> Metrics:
  model = dataclasses.replace(small(), generator=params)
  return steps.generator_loss(
    model,
    Translation(fake, {}, lambda _: {}, IMAGE, LABEL, {}, model),
    None,
    GeneratorBatch(GROWN, IMAGE, LABEL, LABEL, LABEL),
    with_radius(radius),
  )[1]


d_terms = jax.jit(of_discriminator, static_argnums=2)
g_terms = jax.jit(of_generator, static_argnums=2)


def directions(count: int) -> Iterator[np.ndarray]:
  """Random steps of length 1 from each image."""
  noise = np.random.default_rng(2).normal(size=(count, *IMAGE.shape))
  for step in noise.astype(np.float32):
    length = np.linalg.norm(step.reshape(len(step), -1), axis=1)
    yield step / length[:, None, None, None]


def test_half_of_a_discriminators_class_loss_is_of_adversarial_examples():
  params = small().discriminator
  there, robust = (d_terms(params, IMAGE, r) for r in (None, 1.0))
  worst = 2 * robust["d_loss_cls"] - there["d_loss_cls"]
  for step in directions(5):
    elsewhere = d_terms(params, IMAGE + step, None)
    assert worst > elsewhere["d_loss_cls"]
  # The critic score is of the pictures as they are.
  for name in ("d_loss_real", "d_loss_fake", "d_loss_gp"):
    np.testing.assert_allclose(robust[name], there[name], rtol=1e-5)


def test_a_generators_class_loss_is_of_adversarial_examples():
  params = small().generator
  there, robust = (g_terms(params, IMAGE, r) for r in (None, 1.0))
  for step in directions(5):
    elsewhere = g_terms(params, IMAGE + step, None)
    assert robust["g_loss_cls"] > elsewhere["g_loss_cls"]
  for name in ("g_loss_fake", "g_loss_rec", "fake_agreement"):
    np.testing.assert_allclose(robust[name], there[name], rtol=1e-5)


def test_a_generator_learns_from_its_adversarial_examples():
  model = small()

  def class_loss(params, radius, step):
    moved = dataclasses.replace(model, generator=params)
    fake, _ = moved.generate(IMAGE, LABEL)
    return of_generator(params, fake + step, radius)["g_loss_cls"]

  gradient = jax.jit(jax.grad(class_loss), static_argnums=1)
  robust = gradient(model.generator, 1.0, 0.0)

  def at(x):
    logits = model.discriminate(x).logits
    return losses.classification(logits, LABEL, "multilabel")

  @jax.jit
  def step_of_examples():
    fake, _ = model.generate(IMAGE, LABEL)
    return losses.adversarial_examples(at, fake, 1.0) - fake

  step = step_of_examples()
  for found, expected in zip(
    jax.tree.leaves(robust),
    jax.tree.leaves(gradient(model.generator, None, step)),
    strict=True,
  ):
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_adversarial_examples_cost_a_discriminator_four_passes_more():
  forward = done(small().discriminate, IMAGE)

  def update(radius):
    return done(
      jax.grad(lambda p: of_discriminator(p, IMAGE, radius)["d_loss_cls"]),
      small().discriminator,
    )

  # The image's gradient, then forward and backward; its forward is at hand.
  assert abs((update(1.0) - update(None)) / forward - 4) < 0.5
