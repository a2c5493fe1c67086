"""What a published system is made of, as the step and the evaluation use it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from akd_jax.systems.model import Metrics, Model, Networks, Params, Pass
from akd_jax.systems.randomness import Draws

# Terms by their names in metrics.jsonl, [B] each.
Terms = dict[str, jax.Array]


class DiscriminatorBatch(NamedTuple):
  """What one update of the discriminator sees.

  Attributes:
    step: [], generator updates before this one.
    image: [B, S, S, 3], real, in [-1, 1].
    fake: [B, S, S, 3], translated.
    label: 0/1 [B, C], of the real ones.
    alpha: [B], where the gradient penalty looks.
  """

  step: jax.Array
  image: jax.Array
  fake: jax.Array
  label: jax.Array
  alpha: jax.Array


class GeneratorBatch(NamedTuple):
  """What one update of the generator sees.

  Attributes:
    step: [], generator updates before this one.
    image: [B, S, S, 3], real, in [-1, 1].
    label: 0/1 [B, C], its own.
    target: 0/1 [B, C], the label that it is translated to.
    active: [B, C], one active class of each target, one-hot.
  """

  step: jax.Array
  image: jax.Array
  label: jax.Array
  target: jax.Array
  active: jax.Array


@dataclasses.dataclass(frozen=True)
class System:
  """A published image translator: one entry of SYSTEMS.

  Attributes:
    create_networks: resolved config -> the modules.
    generator_label: (target, label) 0/1 [B, C] -> what the generator is given.
    name_activation: (config.attention, generator module) -> the activation
      that attention is taken from. Raises UserError where there is none.
    list_activations: (config.attention, generator module) -> the activations
      that can be looked at with its hook, in the order of the data flow.
    draw: (key, label [n, B, C], pmap's axis or None) -> all that is random in
      a step.
    discriminator_terms: (model, batch, config) -> the terms that the
      discriminator lowers, and further metrics.
    generator_terms: (pass, batch, config) -> the same for the generator. The
      pass is that of the batch's images to its targets.
    weights: config -> {term: its weight}. A term of weight 0 is not computed.
    slice_generator: (a wide generator's parameters, a narrow one's fresh
      parameters) -> the narrow one's, cut out of the wide one's. Raises
      UserError where it can not be cut out.
  """

  create_networks: Callable[[ConfigDict], Networks]
  generator_label: Callable[[jax.Array, jax.Array], jax.Array]
  name_activation: Callable[[ConfigDict, Any], str]
  list_activations: Callable[[ConfigDict, Any], tuple[str, ...]]
  draw: Callable[[jax.Array, jax.Array, str | None], Draws]
  discriminator_terms: Callable[
    [Model, DiscriminatorBatch, ConfigDict], tuple[Terms, Metrics]
  ]
  generator_terms: Callable[
    [Pass, GeneratorBatch, ConfigDict], tuple[Terms, Metrics]
  ]
  weights: Callable[[ConfigDict], Mapping[str, float]]
  slice_generator: Callable[[Params, Params], Params]
