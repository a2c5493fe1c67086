"""A generator and its discriminator, and one batch on its way through both."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from akd_jax.models.taps import Activations

Params = Any
Metrics = dict[str, jax.Array]


class Networks(NamedTuple):
  """The modules of a model, without parameters."""

  generator: nn.Module
  discriminator: nn.Module


class Scores(NamedTuple):
  """What a discriminator says of images.

  Attributes:
    critic: [B, h, w, 1], large where an image looks real.
    logits: [B, C], one a class.
    features: {layer: [B, h, w, K]}, the discriminator's own activations.
  """

  critic: jax.Array
  logits: jax.Array
  features: Activations


@flax.struct.dataclass
class Model:
  """A generator with the discriminator that scores it.

  One pytree: the parameters are traced, the networks are static.

  Attributes:
    generator: parameters.
    discriminator: parameters.
    networks: the modules.
  """

  generator: Params
  discriminator: Params
  networks: Networks = flax.struct.field(pytree_node=False)

  def generate(
    self,
    image: jax.Array,
    label: jax.Array,
    taps: Mapping[str, jax.Array] | None = None,
  ) -> tuple[jax.Array, Activations]:
    """Translates image [B, S, S, 3]: the picture and all named activations."""
    outputs: Any = self.networks.generator.apply(
      {"params": self.generator}, image, label, taps
    )
    return outputs

  def discriminate(self, image: jax.Array) -> Scores:
    """Scores image [B, S, S, 3]."""
    outputs: Any = self.networks.discriminator.apply(
      {"params": self.discriminator}, image
    )
    (critic, logits), features = outputs
    return Scores(critic, logits, features)

  def score(
    self, image: jax.Array
  ) -> tuple[Scores, Callable[[jax.Array], jax.Array]]:
    """Scores image [B, S, S, 3], and keeps the way back from the logits.

    Returns:
      The scores, and a function from weights of the logits [B, C] to the
      gradient of their weighted sum with respect to the image [B, S, S, 3].
    """

    def logits_first(image):
      scores = self.discriminate(image)
      return scores.logits, scores

    _, pull, scores = jax.vjp(logits_first, image, has_aux=True)
    return scores, lambda weights: pull(weights)[0]


class Translation(NamedTuple):
  """A batch after a generator, with the way back to named activations.

  Attributes:
    image: [B, S, S, 3], the translated pictures.
    activations: {name: [B, h, w, K]}, all that have a name.
    pull: gradient of a scalar with respect to the image -> {name: its gradient
      with respect to the activation}, of those that were asked for.
  """

  image: jax.Array
  activations: Activations
  pull: Callable[[jax.Array], Activations]


class Pass(NamedTuple):
  """A batch after a generator and its discriminator.

  Attributes:
    model: both networks.
    image, activations, pull: see `Translation`.
    scores: the discriminator's, of the translated pictures.
    pull_logits: weights of the logits [B, C] -> the gradient of their weighted
      sum with respect to the image.
  """

  model: Model
  image: jax.Array
  activations: Activations
  pull: Callable[[jax.Array], Activations]
  scores: Scores
  pull_logits: Callable[[jax.Array], jax.Array]


def translate(
  model: Model, image: jax.Array, label: jax.Array, names: Sequence[str] = ()
) -> Translation:
  """Translates, and keeps the way back to the named activations.

  The picture does not depend on `names`: one pass serves it and every map.

  Args:
    model: whose generator.
    image: [B, S, S, 3] in [-1, 1].
    label: [B, C], what the generator is given.
    names: of activations.
  """
  if not names:
    return Translation(*model.generate(image, label), lambda _: {})
  _, shapes = jax.eval_shape(model.generate, image, label)
  taps = {name: jnp.zeros_like(shapes[name]) for name in names}
  translated, pull, activations = jax.vjp(
    lambda taps: model.generate(image, label, taps), taps, has_aux=True
  )
  return Translation(translated, activations, lambda x: pull(x)[0])


def complete(translation: Translation, model: Model) -> Pass:
  """Scores a translation by the discriminator of `model`."""
  scores, pull_logits = model.score(translation.image)
  return Pass(model, *translation, scores, pull_logits)
