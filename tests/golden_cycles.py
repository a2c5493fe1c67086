"""A cycle of the reference, of a teacher and of a student, and ours."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from akd_jax.configs import student as student_recipe
from akd_jax.configs import teacher as teacher_recipe
from akd_jax.distillation.mapping import Teacher
from akd_jax.interop.torch_stargan import (
  discriminator_from_torch,
  generator_from_torch,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Networks
from akd_jax.systems.randomness import Draws
from akd_jax.systems.stargan import STARGAN
from akd_jax.training import step as steps
from akd_jax.training.optimizers import adam
from akd_jax.training.state import TrainState
from tests.golden_arrays import load, loss_of_generator, model_of, nhwc, part

NETWORKS = Networks(
  Generator(width=8, blocks=2), Discriminator(width=8, layers=4, classes=5)
)


class Outcome(NamedTuple):
  """What a cycle comes to: two trees each, ours and the reference's.

  Attributes:
    losses: the terms; with a teacher the mean of both attention maps, too.
    gradient: the generator's, of L_G or, with a teacher, of L_akd.
    discriminator: parameters after five updates.
    generator: parameters after one.
  """

  losses: tuple
  gradient: tuple
  discriminator: tuple
  generator: tuple


def teacher():
  """The outcome of a teacher's cycle."""
  arrays = load("cycle_teacher")
  config = teacher_recipe.get_config("celeba")
  state, metrics = _cycle(arrays, config)
  loss = _generator_loss(arrays, config, "D1/")
  gradient = _gradient(arrays, lambda params: loss(params)[0])
  return _outcome(arrays, state, metrics, (gradient, "G_grad/"))


def student():
  """The outcome of the cycle of a student that learns attention."""
  arrays = load("cycle_student")
  config = student_recipe.get_config("celeba")
  config.distill.akd.weight = float(arrays["lambda_akd"])
  networks = Networks(
    Generator(width=16, blocks=3),
    Discriminator(width=8, layers=4, classes=5),
  )
  taught_by = model_of(arrays, networks, "TG/", "TD/")
  teacher = Teacher(taught_by, jnp.eye(5), STARGAN, ("",) * 5)
  state, metrics = _cycle(arrays, config, teacher)
  loss = _generator_loss(arrays, config, "D0/", teacher)
  gradient = _gradient(arrays, lambda params: loss(params)[1]["g_loss_akd"])
  outcome = _outcome(arrays, state, metrics, (gradient, "G_grad_akd/"))
  ours, reference = outcome.losses
  for side in ("teacher", "student"):
    name = f"attention_{side}_mean"
    ours[name] = metrics[name]
    reference[name] = arrays[f"attention_{side}"].mean()
  ours["g_loss_akd"] = metrics["g_loss_akd"]
  reference["g_loss_akd"] = arrays["g_loss_akd"]
  return outcome


def first_state(arrays, config):
  """The state before any update: G0 and D0."""
  generator = generator_from_torch(part(arrays, "G0/"))
  discriminator = discriminator_from_torch(part(arrays, "D0/"))
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    discriminator=discriminator,
    generator_moments=adam(config).init(generator),
    discriminator_moments=adam(config).init(discriminator),
    ema=None,
  )


def _cycle(arrays, config, teacher=None):
  state = first_state(arrays, config)
  target = jnp.asarray(arrays["c_trg"])
  alpha = jnp.asarray(arrays["gp_alpha"][..., 0, 0, 0])
  step = functools.partial(steps.cycle, networks=NETWORKS, config=config)
  return jax.jit(step)(
    state,
    teacher,
    {"image": nhwc(arrays["x_real"]), "label": jnp.asarray(arrays["c_org"])},
    Draws(target, alpha, active=target[-1]),
  )


def _generator_loss(arrays, config, discriminator, teacher=None):
  """The generator's parameters -> L_G and its terms."""
  model = model_of(arrays, NETWORKS, "G0/", discriminator)
  label, target = (jnp.asarray(arrays[x])[-1] for x in ("c_org", "c_trg"))
  batch = GeneratorBatch(
    jnp.zeros(()), nhwc(arrays["x_real"])[-1], label, target, target
  )
  return lambda params: loss_of_generator(params, model, batch, config, teacher)


def _gradient(arrays, loss):
  return jax.jit(jax.grad(loss))(generator_from_torch(part(arrays, "G0/")))


def _outcome(arrays, state, metrics, gradient):
  gradient, prefix = gradient
  discriminator = discriminator_from_torch(part(arrays, "D1/"))
  (source, _), _ = jax.jit(NETWORKS.discriminator.apply)(
    {"params": discriminator}, nhwc(arrays["x_real"])[-1]
  )
  return Outcome(
    _losses(arrays, metrics, float(jnp.abs(source).max())),
    (gradient, generator_from_torch(part(arrays, prefix))),
    (state.discriminator, discriminator),
    (state.generator, generator_from_torch(part(arrays, "G1/"))),
  )


def _losses(arrays, metrics, size):
  """Terms, ours and the reference's.

  Three are means of a map whose values cancel: beside them stands `size`, the
  largest of such a map, since that is what their error is to be held against.
  """
  ours, reference = {}, {}
  for name in ("d_loss_cls", "d_loss_gp", "g_loss_cls", "g_loss_rec"):
    ours[name], reference[name] = metrics[name], arrays[name].mean()
  for name in ("d_loss_real", "d_loss_fake", "g_loss_fake"):
    ours[name] = np.array([float(metrics[name]), size])
    reference[name] = np.array([arrays[name].mean(), size])
  return ours, reference


def far_weights(ours, reference, tolerance):
  """How many of an array's weights differ by more, and how far the furthest.

  Adam's first step is 1e-4 times the sign of the gradient. Where a gradient is
  rounding noise its sign is, too: there a weight may be two steps of each
  update away. (So in label taps of the first convolution, whose gradient
  InstanceNorm cancels, and behind LeakyReLUs that are hardly ever on.)

  Args:
    ours: an array.
    reference: likewise.
    tolerance: relative to the reference's largest magnitude.
  """
  difference = np.abs(np.asarray(ours) - np.asarray(reference))
  far = difference > tolerance * np.abs(reference).max()
  return int(far.sum()), float(difference.max())
