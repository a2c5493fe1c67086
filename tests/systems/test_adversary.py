"""What a generator is trained against, asked of every system."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common.config import RECIPES
from akd_jax.configs import student
from akd_jax.systems import SYSTEMS, adversary, system_of
from akd_jax.systems.model import Model
from akd_jax.training import validation
from akd_jax.training.shapes import network_shapes
from akd_jax.training.step import generator_loss
from tests import small_runs
from tests.systems.test_every_system import small

# Who takes no teacher has nothing to learn from without an adversary.
TAUGHT = [name for name, x in SYSTEMS.items() if "teacher" not in x.fields]


@pytest.mark.parametrize(
  ("value", "scores", "learns", "is_teachers"),
  [
    ("scratch", True, True, False),
    ("teacher", True, True, True),
    ("frozen", True, False, True),
    ("none", False, False, False),
  ],
)
def test_each_adversary_is_known_for_what_it_does(
  value, scores, learns, is_teachers
):
  config = student.get_config("debug")
  config.adversary = value
  assert adversary.scores(config) == scores
  assert adversary.learns(config) == learns
  assert adversary.is_teachers(config) == is_teachers


def of_student(name):
  """A student that is given a teacher's pictures, whatever its adversary."""
  sizes = {"n_critic": 1, "generator.blocks": 1, "discriminator.layers": 2}
  config = small(name, **(sizes if name == "stargan" else {}))
  # All of its own terms count.
  config.loss.update({term: 1.0 for term in config.loss})
  config = student.taught(config, RECIPES[name].get_config("debug"))
  config.distill.output.weight = 1.0
  config.attention.discriminator = "teacher"
  return config


def loss_beside_nan(config):
  """L_G, but for a teacher's terms, where the discriminator is all NaN."""
  system, shapes = system_of(config), network_shapes(config)
  networks = system.create_networks(config)

  def full(part, value):
    return jax.tree.map(
      lambda x: np.full(x.shape, value, x.dtype), shapes[part]
    )

  model = Model(
    full("generator", 0.1),
    full("discriminator", np.nan),
    networks,
    full("statistics", 0.1) if "statistics" in shapes else None,
  )
  size, classes = config.data.image_size, len(config.data.attributes)
  count = system.micro_batches(config)
  label = jnp.zeros((count, 2, classes))
  _, batch = system.arrange(
    jnp.zeros(()),
    jnp.zeros((count, 2, size, size, 3)),
    label,
    system.draw(jax.random.key(0), label, None),
  )

  @jax.jit
  def loss(model):
    given = system.generator_label(batch.target, batch.label)
    translation = system.translate(model, batch, given, ())
    return generator_loss(model, translation, None, batch, config)[0]

  return loss(model)


@pytest.mark.parametrize("name", TAUGHT)
def test_without_an_adversary_no_term_asks_a_discriminator(name):
  config = of_student(name)
  config.adversary = "none"
  validation.check(config)
  config = small_runs.resolved(config)
  assert np.isfinite(loss_beside_nan(config))
  config.adversary = "frozen"
  assert np.isnan(loss_beside_nan(config))
