"""What a published system is made of, as the step and the evaluation use it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from akd_jax.interop.numpy_program import Step
from akd_jax.systems import arrangements, losses
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.hooks import Hooks, list_activations, name_activation
from akd_jax.systems.model import (
  Metrics,
  Model,
  Networks,
  Params,
  Pass,
  Pull,
  Scores,
  Translation,
  score_logits,
)
from akd_jax.systems.randomness import Draws

# Of a field that counts channels, layers or blocks. The papers' largest is
# 2,048; a discriminator of so many channels has two billion parameters.
MOST_CHANNELS = 16_384
# Terms by their names in metrics.jsonl, [B] each.
Terms = dict[str, jax.Array]
# What a field may be: one of some values, or a number of this type that is at
# least as large.
Allowed = tuple[Any, ...] | int | float


class NetworkProgram(NamedTuple):
  """A generator as `interop.numpy_program` runs it.

  Attributes:
    steps: what to do, one after the other.
    multiple: of which the side of a picture must be one.
  """

  steps: list[Step]
  multiple: int


Slicer = Callable[[Params, Params], Params]


def explain_target(target: jax.Array, label: jax.Array) -> jax.Array:
  """Returns the target: all that is wanted, whether new or there already."""
  del label
  return target


def equal_rates(config: ConfigDict) -> Mapping[str, float]:
  """Returns nothing: all parts of the generator have one step size."""
  del config
  return {}


@dataclasses.dataclass(frozen=True)
class System:
  """A published image translator: one entry of SYSTEMS.

  Attributes:
    fields: {dotted name: its values} of every field of config.generator,
      config.discriminator and config.loss that it reads, and of those others
      of which it does not take all values.
    create_networks: resolved config -> the modules.
    generator_label: (target, label) [B, C] -> what the generator is given:
      an affine function of both, which are 0 or 1, in between or beyond.
    hooks: generator module -> {hook: the activations that attention can be
      taken from by that config.attention.hook, in the order of the data flow}.
    draw: (key, label [m, B, C], pmap's axis or None) -> all that is random in
      a step.
    discriminator_terms: (model, batch, config) -> the terms that the
      discriminator lowers, and further metrics.
    generator_terms: (pass, batch, config) -> the same for the generator. The
      pass is that of the batch's images to its targets.
    fool: a critic map -> the adversarial loss of a generator, [B].
    class_loss: config -> (class logits, label) [B, C] -> their loss, [B].
    weights: config -> {term: its weight}. A term of weight 0 is not computed;
      `translate` may draw the pictures for it all the same. What a
      discriminator says of the generator's pictures has a weight only where
      `adversary.scores`.
    micro_batches: config -> m, how many micro-batches a step has.
    rates: config -> {part of the generator: its step size as a share of
      config.optimizer.learning_rate}, of those that have another.
    arrange: (step, images [m, B, S, S, 3], labels [m, B, C], draws) -> what
      each of n updates of the discriminator sees, [n, ...], still without
      fakes, and what the update of the generator does.
    shares_fake: whether the generator's picture of its batch is the last fake
      of the discriminator. If not, all fakes are made first.
    generator_first: whether the generator moves before the discriminator,
      which then sees the picture that was made before.
    fakes: (model, discriminator batches [n, ...], what the generator is given
      [n, B, C]) -> the batches with their fakes, and the model, whose
      statistics may have moved; n may be 0.
    vanishing_hooks: {a hook at which a constant that is added to a channel
      changes no picture: why}. There, Grad-CAM's map is rounding noise.
    translate: (model, batch, what the generator is given, names of
      activations) -> the generator's pass of its own batch, with all else that
      it draws for its loss: nothing later moves its statistics.
    score: (model, images, what they are translated from, what the generator
      was given) -> the scores of the images, and the way back from the class
      score to them.
    explained: (target, label) [B, C] -> the weights of the classes in a map of
      all that is asked for.
    classifies: whether its discriminator has class logits.
    test_strength: at test, how far the attribute that is set goes from what is
      there (0) to what is wanted (1), or beyond.
    slice_generator: (a wide generator's parameters, a narrow one's fresh
      parameters) -> the narrow one's, cut out of the wide one's; statistics
      stand beside the scales of their norms. Raises UserError where it can not
      be cut out. None of a system without.
    take_classes: (model, networks of some of its classes, their columns) ->
      the model of these, which draws and says what the model does where all
      others are 0. None of a system that is trained on one label set alone.
    network: name of its generator's architecture, in exported files.
    program: generator module -> its `NetworkProgram`; None where NumPy can not
      run it.
    recognizer: discriminator module -> the steps from "image" to its class
      logits; None where it has none, or they have no program.
  """

  # A mapping has no hash.
  fields: Mapping[str, Allowed] = dataclasses.field(hash=False)
  create_networks: Callable[[ConfigDict], Networks]
  generator_label: Callable[[jax.Array, jax.Array], jax.Array]
  hooks: Callable[[Any], Hooks]
  draw: Callable[[jax.Array, jax.Array, str | None], Draws]
  discriminator_terms: Callable[
    [Model, DiscriminatorBatch, ConfigDict], tuple[Terms, Metrics]
  ]
  generator_terms: Callable[
    [Pass, GeneratorBatch, ConfigDict], tuple[Terms, Metrics]
  ]
  weights: Callable[[ConfigDict], Mapping[str, float]]
  micro_batches: Callable[[ConfigDict], int]
  network: str
  arrange: Callable[
    [jax.Array, jax.Array, jax.Array, Draws],
    tuple[DiscriminatorBatch, GeneratorBatch],
  ] = arrangements.all_then_last
  fool: Callable[[jax.Array], jax.Array] = losses.fool_critic
  class_loss: Callable[[ConfigDict], losses.ClassLoss] = losses.class_loss
  rates: Callable[[ConfigDict], Mapping[str, float]] = equal_rates
  shares_fake: bool = True
  generator_first: bool = False
  fakes: Callable[
    [Model, DiscriminatorBatch, jax.Array], tuple[DiscriminatorBatch, Model]
  ] = arrangements.fakes_at_once
  vanishing_hooks: Mapping[str, str] = dataclasses.field(
    default_factory=dict, hash=False
  )
  translate: Callable[
    [Model, GeneratorBatch, jax.Array, Sequence[str]], Translation
  ] = arrangements.translate_once
  score: Callable[
    [Model, jax.Array, jax.Array, jax.Array], tuple[Scores, Pull]
  ] = score_logits
  explained: Callable[[jax.Array, jax.Array], jax.Array] = explain_target
  classifies: bool = True
  test_strength: float = 1.0
  slice_generator: Slicer | None = None
  take_classes: Callable[[Model, Networks, Sequence[int]], Model] | None = None
  program: Callable[[Any], NetworkProgram] | None = None
  recognizer: Callable[[Any], list[Step]] | None = None

  def list_activations(
    self, options: ConfigDict, generator: Any
  ) -> tuple[str, ...]:
    """Lists what config.attention.hook offers; see `hooks.list_activations`."""
    refused = self.list_refused(options.get("method", ""))
    return list_activations(options, self.hooks(generator), refused)

  def list_refused(self, method: str) -> Mapping[str, str]:
    """Lists hooks that have no map by config.attention.method, and why."""
    return self.vanishing_hooks if method == "grad_cam" else {}

  def name_activation(self, options: ConfigDict, generator: Any) -> str:
    """Names what config.attention looks at; see `hooks.name_activation`."""
    return name_activation(options, self.list_activations(options, generator))

  def complete(self, model: Model, translation: Translation) -> Pass:
    """Scores a translation by the discriminator of a model of this system."""
    scores, pull = self.score(
      model, translation.image, translation.original, translation.given
    )
    return Pass(model, translation, scores, pull)

  def test_label(
    self, target: jax.Array, label: jax.Array, edits: jax.Array
  ) -> jax.Array:
    """Returns what a trained generator is given, [B, C].

    Args:
      target: [B, C], what is wanted.
      label: [B, C], what is there.
      edits: 0/1 [B, C], what was set; not what changes because of it.
    """
    if self.test_strength != 1:
      further = (self.test_strength - 1) * edits
      target = target + further * (target - label)
    return self.generator_label(target, label)
