"""One training step: n_critic discriminator updates, one generator update.

A system says which micro-batch each of them sees (`System.arrange`), and which
network moves first. StarGAN counts iterations in discriminator updates and
updates the generator on every fifth, on the same batch. The generator does not
move in between, so five iterations are exactly five updates of the
discriminator on five micro-batches, then one of the generator on the last of
them. With two label sets a step has a second, shorter cycle.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.mapping import Teacher
from akd_jax.distillation.terms import distillation_terms, tapped
from akd_jax.distillation.terms import weights as distillation_weights
from akd_jax.models.convolutions import on_cpu
from akd_jax.models.pixels import to_unit
from akd_jax.systems import adversary, system_of
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import (
  Metrics,
  Model,
  Networks,
  Params,
  Translation,
  over_devices,
)
from akd_jax.systems.randomness import Draws
from akd_jax.systems.system import System, Terms
from akd_jax.training.metrics_file import WEIGHTED
from akd_jax.training.optimizers import learning_rate, moving_average, update
from akd_jax.training.state import TrainState

Batch = dict[str, jax.Array]


def train_step(
  state: TrainState,
  teacher: Teacher | None,
  batch: Batch,
  *,
  networks: Networks,
  config: ConfigDict,
  axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
  """Trains on one batch of real data; randomness is drawn from (seed, step).

  Args:
    state: what is trained.
    teacher: what it learns from; None without distillation.
    batch: `image` uint8 [m, B, S, S, 3] and `label` [m, B, C], in the system's
      number of micro-batches.
    networks: those of `state`.
    config: resolved.
    axis_name: of pmap, whose replicas stay in step.

  Returns:
    The next state and every loss term, averaged over the global batch.
  """
  before, found = state.step, []
  key = jax.random.fold_in(jax.random.key(config.seed), before)
  for index, part in enumerate(_parts(batch, config)):
    label = part["label"].astype(jnp.float32)
    of_part = jax.random.fold_in(key, index) if index else key
    state, metrics = cycle(
      dataclasses.replace(state, step=before),
      teacher,
      {"image": to_unit(part["image"]), "label": label},
      system_of(config).draw(of_part, label, axis_name),
      networks=networks,
      config=config,
      axis_name=axis_name,
    )
    found.append(metrics)
  return state, jax.tree.map(lambda *x: sum(x) / len(x), *found)


def _parts(batch: Batch, config: ConfigDict) -> list[Batch]:
  """Divides a step into cycles: with two label sets, which take turns, two.

  As released, the generator is updated on the last micro-batch of the first
  set, then the discriminator on that of the second, and the generator again.
  """
  if not config.data.second:
    return [batch]
  return [
    {name: x[part] for name, x in batch.items()}
    for part in (slice(-1), slice(-1, None))
  ]


def cycle(
  state: TrainState,
  teacher: Teacher | None,
  batch: Batch,
  draws: Draws,
  *,
  networks: Networks,
  config: ConfigDict,
  axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
  """Does `train_step` with images in [-1, 1] and all that is random given."""
  rate = learning_rate(state.step, config)
  system = system_of(config)
  discriminator_batches, generator_batch = system.arrange(
    state.step, batch["image"], batch["label"], draws
  )
  model = over_devices(state.model(networks), axis_name)
  if adversary.learns(config):
    discriminator_batches, model = _make_fakes(
      system, model, discriminator_batches
    )
  given = system.generator_label(generator_batch.target, generator_batch.label)
  names = tapped(config, system, networks) if teacher is not None else ()

  def update_discriminator(carry, seen):
    params, moments = carry
    gradient, metrics = jax.grad(discriminator_loss, has_aux=True)(
      params, model, seen, config
    )
    gradient = _mean_over_devices(gradient, axis_name)
    metrics["d_gradient_norm"] = optax.tree.norm(gradient)
    return update(gradient, params, moments, rate, config), metrics

  def loss(params, learnt):
    # The discriminator is updated in here, a constant to the gradient, so that
    # one pass makes its last fake and the generator's.
    translation = system.translate(
      dataclasses.replace(model, generator=params),
      generator_batch,
      given,
      names,
    )
    discriminator = state.discriminator
    moments = state.discriminator_moments
    metrics: Metrics = {}
    if adversary.learns(config):
      seen = discriminator_batches
      if system.shares_fake:
        shared = translation.image[None]
        fake = lax.stop_gradient(jnp.concatenate([seen.fake, shared]))
        seen = seen._replace(fake=fake)
      (discriminator, moments), metrics = _scan(
        update_discriminator, (discriminator, moments), seen
      )
    scored_by = state.discriminator if system.generator_first else discriminator
    total, generator_metrics = generator_loss(
      dataclasses.replace(model, generator=params, discriminator=scored_by),
      translation,
      teacher,
      generator_batch,
      config,
      learnt,
    )
    metrics = jax.tree.map(jnp.mean, metrics) | generator_metrics
    statistics = translation.model.statistics
    return total, (discriminator, moments, statistics, metrics)

  gradients, (discriminator, discriminator_moments, statistics, metrics) = (
    jax.grad(loss, argnums=(0, 1), has_aux=True)(state.generator, state.learnt)
  )
  (gradient, learnt_gradient), metrics = _mean_over_devices(
    (gradients, metrics), axis_name
  )
  generator, generator_moments = update(
    gradient,
    state.generator,
    state.generator_moments,
    rate,
    config,
    system.rates(config),
  )
  learnt, learnt_moments = state.learnt, state.learnt_moments
  if learnt is not None:
    # No network: what is to stay as it was drawn has a gradient of 0.
    learnt, learnt_moments = update(
      learnt_gradient, learnt, learnt_moments, rate, config, decays=False
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
    learnt=learnt,
    learnt_moments=learnt_moments,
    statistics=statistics,
  )
  return new_state, metrics


def _make_fakes(
  system: System, model: Model, batches: DiscriminatorBatch
) -> tuple[DiscriminatorBatch, Model]:
  """Makes the fakes that the generator's own pass will not make."""
  if not system.shares_fake:
    given = system.generator_label(batches.target, batches.label)
    return system.fakes(model, batches, given)
  earlier = jax.tree.map(lambda x: x[:-1], batches)
  given = system.generator_label(earlier.target, earlier.label)
  made, model = system.fakes(model, earlier, given)
  return batches._replace(fake=made.fake), model


def discriminator_loss(
  params: Params, model: Model, batch: DiscriminatorBatch, config: ConfigDict
) -> tuple[jax.Array, Metrics]:
  """Returns L_D of discriminator parameters, and its terms."""
  system = system_of(config)
  terms, metrics = system.discriminator_terms(
    dataclasses.replace(model, discriminator=params), batch, config
  )
  total, weighted = _weigh(terms, system.weights(config))
  return total, weighted | metrics


def generator_loss(
  model: Model,
  translation: Translation,
  teacher: Teacher | None,
  batch: GeneratorBatch,
  config: ConfigDict,
  learnt: Mapping[str, Params] | None = None,
) -> tuple[jax.Array, Metrics]:
  """Returns L_G (paper 2 eq. 8 and 10), and its terms.

  Without a teacher there is no term of one, and none of its cost.

  Args:
    model: the generator, and the discriminator that scores it.
    translation: the model's own of the batch, with the way back to the
      activations that distillation looks at.
    teacher: what it learns from; None without distillation.
    batch: what it translates.
    config: resolved.
    learnt: the distillation methods' own parameters, where any has some.
  """
  system, weights = system_of(config), {}
  translated = system.complete(model, translation)
  terms, metrics = system.generator_terms(translated, batch, config)
  if teacher is not None:
    more_terms, more = distillation_terms(
      translated, teacher, batch, config, learnt
    )
    terms, metrics = terms | more_terms, metrics | more
    weights = dict(distillation_weights(config))
  total, weighted = _weigh(terms, weights | dict(system.weights(config)))
  return total, weighted | metrics


def _weigh(
  terms: Terms, weights: Mapping[str, float]
) -> tuple[jax.Array, Metrics]:
  """The loss, and each term that counts, raw and as it enters the loss."""
  means = {
    name: jnp.mean(term) for name, term in terms.items() if weights[name]
  }
  weighted = {
    f"{WEIGHTED}{name}": weights[name] * mean for name, mean in means.items()
  }
  return jnp.sum(jnp.stack(list(weighted.values()))), means | weighted


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


def _mean_over_devices(tree: Any, axis_name: str | None) -> Any:
  return tree if axis_name is None else lax.pmean(tree, axis_name)
