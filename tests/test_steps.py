"""A step computes each thing once."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest

from akd_jax import steps
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
      functools.partial(steps.discriminator_loss, **fixed), has_aux=True
    ),
    *(state.discriminator, image[0], image[0], label[0], draws.alpha[0]),
  )
  generator = flops(
    jax.grad(
      functools.partial(steps.generator_loss, distillation=None, **fixed),
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
