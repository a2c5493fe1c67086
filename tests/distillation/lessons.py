"""A lesson of plain arrays: what each method makes of it, and its gradients.

No generator is compiled: a method sees pictures, activations and what a
discriminator says of them.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.distillation import METHODS
from akd_jax.distillation.method import Lesson
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems import losses
from akd_jax.systems.model import Model, Networks, Pass, Scores, Translation

SIZE, BATCH, CLASSES = 16, 3, 3
# Channels and pixels of the activations, as generators of width 2 and 3 have.
NARROW, WIDE, SIDE = 8, 12, 4
NETWORKS = Networks(Generator(), Discriminator(4, 2, CLASSES))
# Two active attributes, one, none.
TARGET = np.float32([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
# They look at arrays alone; L_akd needs generators and has tests of its own.
TAUGHT = [name for name in METHODS if name != "akd"]


class Given(NamedTuple):
  """What a lesson is made of.

  Attributes:
    image: [B, S, S, 3], the photos.
    ours, theirs: the student's and the teacher's translations.
    own, taught: the student's and the teacher's activations, of two blocks.
    learnt: {method: its own parameters}.
    discriminator: parameters of the teacher's.
  """

  image: Any
  ours: Any
  theirs: Any
  own: Any
  taught: Any
  learnt: Any
  discriminator: Any

  @property
  def pairs(self) -> list[tuple[Any, Any]]:
    return list(zip(self.own, self.taught, strict=True))


class Found(NamedTuple):
  """What a method makes of a lesson: its values [B], metrics and gradients."""

  values: Any
  metrics: dict[str, Any]
  gradient: Given


def draw(initialize: Callable[..., Any]) -> Given:
  """Pictures, activations and parameters, all at random."""
  rng = np.random.default_rng(3)

  def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)

  image, ours, theirs = np.tanh(normal(3, BATCH, SIZE, SIZE, 3))
  shape = BATCH, SIDE, SIDE
  own, taught = (
    [normal(*shape, width) for _ in range(2)] for width in (NARROW, WIDE)
  )
  pairs = list(zip(own, taught, strict=True))
  learnt = {
    name: jax.tree.map(
      lambda x: normal(*x.shape),
      jax.eval_shape(method.create, jax.random.key(0), pairs),
    )
    for name, method in METHODS.items()
    if method.create is not None
  }
  judge = initialize(NETWORKS.discriminator, image.shape)
  return Given(image, ours, theirs, own, taught, learnt, judge)


def config() -> ConfigDict:
  return student.get_config("debug")


def discriminate(given: Given, picture: Any) -> Scores:
  """What the teacher's discriminator says of pictures."""
  return _scored(given.discriminator, picture)


@jax.jit
def _scored(params: Any, picture: Any) -> Scores:
  return Model(None, params, NETWORKS).discriminate(picture)


def find(name: str, given: Given) -> Found:
  """What a method makes of it."""
  found = jax.device_get(_program(name)(given))
  (_, (values, metrics)), gradient = found
  return Found(values, metrics, gradient)


@functools.cache
def _program(name: str) -> Callable[[Given], Any]:
  method, options = METHODS[name], config()

  def total(given: Given) -> Any:
    values, metrics = method.distances(_lesson(given), options)
    return jnp.sum(values), (values, metrics)

  return jax.jit(jax.value_and_grad(total, has_aux=True))


def _lesson(given: Given) -> Lesson:
  model = Model(None, given.discriminator, NETWORKS)

  def whole(picture: Any) -> Pass:
    scores = model.discriminate(picture)
    drawn = Translation(picture, {}, None, given.image, None, {}, model)
    return Pass(model, drawn, scores, None)  # type: ignore

  ours, theirs = whole(given.ours), whole(given.theirs)
  return Lesson(
    image=given.image,
    student=ours,
    teacher=theirs,
    scores=ours.scores,
    fool=losses.fool_critic,
    class_loss=losses.class_loss(config()),
    pull_classes=None,  # type: ignore
    pairs=given.pairs,
    target=jnp.asarray(TARGET),
    explained=jnp.asarray(TARGET),
    taught=jnp.asarray(TARGET),
    active=jnp.asarray(TARGET),
    mapping=jnp.eye(CLASSES),
    learnt=given.learnt,
  )
