"""A step computes each thing once, and what its config asks for."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax import objectives, steps
from akd_jax.configs import teacher
from akd_jax.distillation import Metrics
from akd_jax.draws import Draws
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.state import Networks, TrainState, create_state


def flops(function: Callable, *arguments) -> float:
  return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("n_critic", [1, 2])
def test_the_last_fake_of_the_discriminator_is_the_generators(n_critic):
  config = teacher.get_config("debug")
  networks = Networks(Generator(8, 1), Discriminator(4, 2, 7))
  state = create_state(config, networks)
  image = jnp.zeros((n_critic, 4, 32, 32, 3))
  label = jnp.zeros((n_critic, 4, 7))
  draws = Draws(label, alpha=jnp.zeros((n_critic, 4)), active=label[-1])
  fixed = {"networks": networks, "config": config}
  whole = flops(
    functools.partial(steps.cycle, distillation=None, **fixed),
    *(state, None, image, label, draws),
  )
  discriminator = flops(
    jax.grad(
      functools.partial(objectives.discriminator_loss, **fixed), has_aux=True
    ),
    *(state.discriminator, image[0], image[0], label[0], draws.alpha[0]),
  )
  generator = flops(
    jax.grad(
      functools.partial(objectives.generator_loss, distillation=None, **fixed),
      has_aux=True,
    ),
    *(state.generator, state.discriminator, None, image[0]),
    *(label[0], label[0], label[0]),
  )
  forward = flops(
    networks.generator.apply, {"params": state.generator}, image[0], label[0]
  )
  fakes = whole - n_critic * discriminator - generator
  assert abs(fakes / forward - (n_critic - 1)) < 0.1


RNG = np.random.default_rng(0)
IMAGE = RNG.uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
LABEL = RNG.integers(0, 2, (4, 7)).astype(np.float32)


@functools.cache
def small() -> tuple[ConfigDict, Networks, TrainState]:
  config = teacher.get_config("debug")
  networks = Networks(Generator(4, 1), Discriminator(8, 3, 7))
  return config, networks, create_state(config, networks)


def of_discriminator(image: jax.Array, radius: float) -> Metrics:
  config, networks, state = small()
  config.loss.cls_radius = radius
  return objectives.discriminator_loss(
    state.discriminator, image, image, LABEL, LABEL[:, 0],
    networks=networks, config=config,
  )[1]  # fmt: skip


def of_generator(fake: jax.Array, radius: float) -> Metrics:
  config, networks, state = small()
  config.loss.cls_radius = radius
  return objectives.generator_loss(
    state.generator, state.discriminator, None, IMAGE, LABEL, LABEL, LABEL,
    networks=networks, distillation=None, config=config, fake=fake,
  )[1]  # fmt: skip


def as_far(distance: float) -> np.ndarray:
  noise = RNG.normal(size=IMAGE.shape).astype(np.float32)
  norm = np.linalg.norm(noise.reshape(len(noise), -1), axis=1)
  return distance * noise / norm[:, None, None, None]


def test_half_of_a_discriminators_class_loss_is_of_pictures_worse_than_any():
  there, nearby = of_discriminator(IMAGE, 0.0), of_discriminator(IMAGE, 1.0)
  worst = 2 * nearby["d_loss_cls"] - there["d_loss_cls"]
  for _ in range(5):
    elsewhere = of_discriminator(IMAGE + as_far(1.0), 0.0)
    assert worst > elsewhere["d_loss_cls"]
  # The critic sees the pictures as they are.
  for name in ("d_loss_real", "d_loss_fake", "d_loss_gp"):
    np.testing.assert_allclose(nearby[name], there[name], rtol=1e-5)


def test_a_generators_class_loss_is_of_pictures_worse_than_any_as_far():
  there, nearby = of_generator(IMAGE, 0.0), of_generator(IMAGE, 1.0)
  for _ in range(5):
    elsewhere = of_generator(IMAGE + as_far(1.0), 0.0)
    assert nearby["g_loss_cls"] > elsewhere["g_loss_cls"]
  for name in ("g_loss_fake", "g_loss_rec", "fake_agreement"):
    np.testing.assert_allclose(nearby[name], there[name], rtol=1e-5)


def test_a_generator_learns_from_the_worst_picture_nearby():
  config, networks, state = small()

  def gradient(radius):
    config.loss.update({"cls_radius": radius, "lambda_rec": 0.0})
    loss = functools.partial(
      objectives.generator_loss,
      networks=networks, distillation=None, config=config,
    )  # fmt: skip
    return jax.jit(jax.grad(loss, has_aux=True))(
      state.generator, state.discriminator, None, IMAGE, LABEL, LABEL, LABEL
    )[0]

  there, nearby = (gradient(radius)["output"]["kernel"] for radius in (0, 1.0))
  assert np.linalg.norm(nearby) > 0.1 * np.linalg.norm(there)
  assert np.linalg.norm(nearby - there) > 0.01 * np.linalg.norm(there)
