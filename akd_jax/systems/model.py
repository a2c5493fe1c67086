"""A generator and its discriminator, and one batch on its way through both."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
from jax import lax

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
    logits: [B, C], one a class; None of a system that does not classify.
    features: {layer: [B, h, w, K]}, the discriminator's own activations.
  """

  critic: jax.Array
  logits: Any
  features: Activations


# Flax's name of the running statistics of norms.
STATISTICS = "batch_stats"


def generator_to_use(
  parameters: Params, ema: Params, statistics: Any
) -> Params:
  """Returns a generator's running average, where one is kept.

  Running statistics are of the parameters themselves; an average has none.

  Args:
    parameters: as they are trained.
    ema: their running average; None without one.
    statistics: of norms; None or empty where there are none.
  """
  return parameters if ema is None or statistics else ema


@flax.struct.dataclass
class Model:
  """A generator with the discriminator that scores it.

  One pytree: the parameters are traced, the networks are static.

  Attributes:
    generator: parameters.
    discriminator: parameters.
    networks: the modules.
    statistics: running statistics of the generator's norms; None where it has
      none.
  """

  generator: Params
  discriminator: Params
  networks: Networks = flax.struct.field(pytree_node=False)
  statistics: Params = None

  @property
  def variables(self) -> dict[str, Params]:
    """The generator's parameters and statistics, as Flax takes them."""
    if self.statistics is None:
      return {"params": self.generator}
    return {"params": self.generator, STATISTICS: self.statistics}

  def generate(
    self,
    image: jax.Array,
    label: jax.Array,
    taps: Mapping[str, jax.Array] | None = None,
  ) -> tuple[jax.Array, Activations]:
    """Translates image [B, S, S, 3]: the picture and all named activations.

    By running statistics: a picture depends on no other of its batch.
    """
    outputs: Any = self.networks.generator.apply(
      self.variables, image, label, taps
    )
    return outputs

  def move(
    self, *inputs: Any, method: str | Callable[..., Any] | None = None
  ) -> tuple[Any, "Model"]:
    """Runs the generator as in training: by the statistics of the batch.

    Args:
      inputs: of the generator, or of its method.
      method: by its name, or a function of the generator, too; None calls it.

    Returns:
      What the generator returns, and the model with statistics that have moved
      towards those of the batch. Without statistics, the model as it is.
    """
    apply = self.networks.generator.apply
    if self.statistics is None:
      return apply(self.variables, *inputs, method=method), self
    outputs, moved = apply(
      self.variables, *inputs, method=method, mutable=[STATISTICS]
    )
    return outputs, dataclasses.replace(self, statistics=moved[STATISTICS])

  def discriminate(self, image: jax.Array) -> Scores:
    """Scores image [B, S, S, 3]."""
    outputs: Any = self.networks.discriminator.apply(
      {"params": self.discriminator}, image
    )
    (critic, logits), features = outputs
    return Scores(critic, logits, features)


def over_devices(model: Model, axis_name: str | None) -> Model:
  """Returns a model whose statistics of a batch are those of all devices.

  Args:
    model: whose generator.
    axis_name: of pmap; None without one.
  """
  if model.statistics is None or axis_name is None:
    return model
  # An exchange with nobody would keep XLA from sharing and fusing passes.
  if lax.axis_size(axis_name) == 1:
    return model
  generator = model.networks.generator.clone(axis_name=axis_name)
  networks = model.networks._replace(generator=generator)
  return dataclasses.replace(model, networks=networks)


class Translation(NamedTuple):
  """A batch after a generator, with the way back to named activations.

  Attributes:
    image: [B, S, S, 3], the translated pictures.
    activations: {name: [B, h, w, K]}, all that have a name.
    pull: gradient of a scalar with respect to the image -> {name: its gradient
      with respect to the activation}, of those that were asked for.
    original: [B, S, S, 3], what was translated.
    given: [B, C], what the generator was given.
    others: further pictures, and styles, of the same pass, by name.
    model: as it is after the pass, which may move statistics.
  """

  image: jax.Array
  activations: Activations
  pull: Callable[[jax.Array], Activations]
  original: jax.Array
  given: jax.Array
  others: dict[str, jax.Array]
  model: Model


# Weights of the classes [B, C] -> the gradient of the class score with respect
# to the image, [B, S, S, 3].
Pull = Callable[[jax.Array], jax.Array]


class Pass(NamedTuple):
  """A batch after a generator and its discriminator.

  Attributes:
    model: both networks.
    translation: what the generator has made.
    scores: the discriminator's, of the translated pictures.
    pull_classes: the way back from the class score to the pictures.
  """

  model: Model
  translation: Translation
  scores: Scores
  pull_classes: Pull

  @property
  def image(self) -> jax.Array:
    """The translated pictures, [B, S, S, 3]."""
    return self.translation.image

  @property
  def activations(self) -> Activations:
    """All activations that have a name, {name: [B, h, w, K]}."""
    return self.translation.activations

  @property
  def pull(self) -> Callable[[jax.Array], Activations]:
    """`Translation.pull`: the way back to the activations asked for."""
    return self.translation.pull


def score_logits(
  model: Model, image: jax.Array, original: jax.Array, given: jax.Array
) -> tuple[Scores, Pull]:
  """Scores image [B, S, S, 3], and keeps the way back from the logits.

  The class score is the weighted sum of the logits, whatever the picture is
  translated from (`original`) and the generator was `given`.
  """
  del original, given

  def logits_first(image):
    scores = model.discriminate(image)
    return scores.logits, scores

  _, pull, scores = jax.vjp(logits_first, image, has_aux=True)
  return scores, lambda weights: pull(weights)[0]


# Taps, or None -> the picture, all named activations, and anything else.
Run = Callable[[Any], tuple[jax.Array, Activations, Any]]


def tap(
  run: Run, names: Sequence[str]
) -> tuple[jax.Array, Activations, Callable[[jax.Array], Activations], Any]:
  """Runs a generator, and keeps the way back to the named activations.

  Args:
    run: the generator, a function of its taps.
    names: of activations.

  Returns:
    The picture, which does not depend on `names`, so that one pass serves it
    and every map; all activations; `Translation.pull`; and what else `run` has
    returned.
  """
  if not names:
    image, activations, rest = run(None)
    return image, activations, lambda _: {}, rest
  shapes = jax.eval_shape(lambda: run(None)[1])
  taps = {name: jnp.zeros_like(shapes[name]) for name in names}

  def picture_first(taps):
    image, *others = run(taps)
    return image, others

  image, pull, (activations, rest) = jax.vjp(picture_first, taps, has_aux=True)
  return image, activations, lambda x: pull(x)[0], rest


def translate(
  model: Model, image: jax.Array, given: jax.Array, names: Sequence[str] = ()
) -> Translation:
  """Translates by running statistics, as whoever has been trained does.

  Args:
    model: whose generator.
    image: [B, S, S, 3] in [-1, 1].
    given: [B, C], what the generator is given.
    names: of activations, to which the way back is kept.
  """
  translated, activations, pull, _ = tap(
    lambda taps: (*model.generate(image, given, taps), None), names
  )
  return Translation(translated, activations, pull, image, given, {}, model)
