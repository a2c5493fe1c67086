"""One training step: n_critic discriminator updates, one generator update.

StarGAN counts iterations in discriminator updates and updates the generator
on every fifth, on the same batch. The generator does not move in between, so
five iterations are exactly five updates of the discriminator on five
micro-batches, then one of the generator on the last of them.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.akd import Distillation, Metrics, Teacher
from akd_jax.models.convolutions import on_cpu
from akd_jax.systems.stargan import discriminator_loss, generator_loss
from akd_jax.training.randomness import Draws, draw
from akd_jax.training.state import (
  Networks,
  TrainState,
  adam_update,
  bind,
  class_radius,
  learning_rate,
  moving_average,
)


def train_step(
  state: TrainState,
  teacher: Teacher | None,
  batch: dict[str, jax.Array],
  *,
  networks: Networks,
  distillation: Distillation | None,
  config: ConfigDict,
  axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
  """One step on real data, with its randomness drawn from (seed, step).

  Args:
    state: what is trained.
    teacher: its parameters; None without distillation.
    batch: `image` uint8 [n_critic, B, S, S, 3] and `label` [n_critic, B, C].
    networks: those of `state`.
    distillation: what else of the teacher is needed; None without.
    config: resolved.
    axis_name: of pmap, whose replicas stay in step.

  Returns:
    The next state and every loss term, averaged over the global batch.
  """
  key = jax.random.fold_in(jax.random.key(config.seed), state.step)
  label = batch["label"].astype(jnp.float32)
  return cycle(
    state,
    teacher,
    batch["image"].astype(jnp.float32) / 127.5 - 1,
    label,
    draw(key, label, axis_name),
    networks=networks,
    distillation=distillation,
    config=config,
    axis_name=axis_name,
  )


def cycle(
  state: TrainState,
  teacher: Teacher | None,
  image: jax.Array,
  label: jax.Array,
  draws: Draws,
  *,
  networks: Networks,
  distillation: Distillation | None,
  config: ConfigDict,
  axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
  """`train_step` with image [n, B, S, S, 3] in [-1, 1] and draws given."""
  rate = learning_rate(state.step, config)
  radius = class_radius(state.step, config)
  earlier = _translated(
    bind(networks.generator, state.generator), image[:-1], draws.target[:-1]
  )

  def update_discriminator(carry, micro_batch):
    params, moments = carry
    gradient, metrics = jax.grad(discriminator_loss, has_aux=True)(
      params, *micro_batch, networks=networks, config=config, radius=radius
    )
    gradient = _mean_over_devices(gradient, axis_name)
    metrics["d_gradient_norm"] = optax.tree.norm(gradient)
    return adam_update(gradient, params, moments, rate, config), metrics

  def loss(params):
    # The discriminator is updated in here, a constant to the gradient, so that
    # one pass makes its last fake and the generator's.
    last, _ = bind(networks.generator, params)(image[-1], draws.target[-1])
    fake = lax.stop_gradient(jnp.concatenate([earlier, last[None]]))
    discriminator, metrics = _scan(
      update_discriminator,
      (state.discriminator, state.discriminator_moments),
      (image, fake, label, draws.alpha),
    )
    total, generator_metrics = generator_loss(
      params,
      discriminator[0],
      teacher,
      image[-1],
      label[-1],
      draws.target[-1],
      draws.active,
      networks=networks,
      distillation=distillation,
      config=config,
      fake=last,
      radius=radius,
    )
    metrics = jax.tree.map(jnp.mean, metrics) | generator_metrics
    return total, (*discriminator, metrics)

  gradient, (discriminator, discriminator_moments, metrics) = jax.grad(
    loss, has_aux=True
  )(state.generator)
  gradient, metrics = _mean_over_devices((gradient, metrics), axis_name)
  generator, generator_moments = adam_update(
    gradient, state.generator, state.generator_moments, rate, config
  )
  metrics["learning_rate"] = rate
  metrics["g_gradient_norm"] = optax.tree.norm(gradient)
  new_state = TrainState(
    step=state.step + 1,
    generator=generator,
    discriminator=discriminator,
    generator_moments=generator_moments,
    discriminator_moments=discriminator_moments,
    ema=moving_average(state.ema, generator, state.step, config.optimizer.ema),
  )
  return new_state, metrics


def _scan(f: Callable[..., Any], carry: Any, batches: Any) -> tuple[Any, Any]:
  """`lax.scan` without a loop where a loop is slow.

  A scan's body is a while loop, in which XLA's CPU back end runs convolutions
  on one thread, by another algorithm: 11.6 s instead of 0.9 s. Unrolled, it
  does not; but JAX unrolls no scan of a single turn.
  """
  if jax.tree.leaves(batches)[0].shape[0] > 1:
    return lax.scan(f, carry, batches, unroll=True if on_cpu() else 1)
  carry, output = f(carry, jax.tree.map(lambda x: x[0], batches))
  return carry, jax.tree.map(lambda x: x[None], output)


def _translated(
  generate: Callable[..., Any], image: jax.Array, target: jax.Array
) -> jax.Array:
  """Translates n micro-batches [n, B, S, S, 3], n may be 0, in one pass."""
  if not len(image):
    return image
  merged = (x.reshape(-1, *x.shape[2:]) for x in (image, target))
  return generate(*merged)[0].reshape(image.shape)


def _mean_over_devices(tree: Any, axis_name: str | None) -> Any:
  return tree if axis_name is None else lax.pmean(tree, axis_name)
