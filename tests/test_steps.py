"""A step computes each thing once, and what its config asks for."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax import objectives, steps
from akd_jax.configs import teacher
from akd_jax.draws import Draws
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.state import Networks, create_state


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


def test_half_of_the_class_loss_is_of_a_picture_worse_than_any_as_far():
  config = teacher.get_config("debug")
  networks = Networks(Generator(8, 1), Discriminator(8, 3, 7))
  params = create_state(config, networks).discriminator
  rng = np.random.default_rng(0)
  image = rng.uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
  label = rng.integers(0, 2, (4, 7)).astype(np.float32)

  @functools.partial(jax.jit, static_argnums=1)
  def terms(image, radius):
    config.loss.cls_radius = radius
    return objectives.discriminator_loss(
      params, image, image, label, label[:, 0],
      networks=networks, config=config,
    )[1]  # fmt: skip

  at_the_picture, both = terms(image, 0.0), terms(image, 1.0)
  worst = 2 * both["d_loss_cls"] - at_the_picture["d_loss_cls"]
  for _ in range(5):
    noise = rng.normal(size=image.shape).astype(np.float32)
    noise /= np.linalg.norm(noise.reshape(4, -1), axis=1)[:, None, None, None]
    assert worst > terms(image + noise, 0.0)["d_loss_cls"]
  # The critic sees the pictures as they are.
  for name in ("d_loss_real", "d_loss_fake", "d_loss_gp"):
    np.testing.assert_allclose(both[name], at_the_picture[name], rtol=1e-5)
