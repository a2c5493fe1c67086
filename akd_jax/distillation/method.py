"""What a distillation method is made of."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.systems.losses import ClassLoss
from akd_jax.systems.model import Metrics, Params, Pass, Pull, Scores

# Activations of a student and a teacher at the same depth, [B, h, w, K] each.
Pairs = list[tuple[Any, Any]]


class Lesson(NamedTuple):
  """One batch as student and teacher have translated it.

  Attributes:
    image: [B, S, S, 3], what both translate.
    student: its pass, a function of its parameters.
    teacher: its pass of the same images to its counterparts of the targets.
    scores: what the teacher's discriminator says of the student's pictures.
    fool: its critic map -> the adversarial loss of a generator, [B].
    class_loss: (its class logits, the target) -> their loss, [B].
    pull_classes: the way from the class score of the teacher's discriminator
      back to the student's pictures.
    pairs: activations of both, from the first block to the last.
    target: 0/1 [B, C], the student's.
    explained: [B, C], the weights of the classes in a map of
      config.attention.target="sum", by the system whose discriminator gives the
      student's map.
    taught: [B, T], the same by the teacher's system, of its own label.
    active: 0/1 [B, C], one class that the student's system explains, one-hot;
      zeros where there is none.
    mapping: [C, T], the student's attributes to the teacher's.
    learnt: {method: its own parameters}.
  """

  image: jax.Array
  student: Pass
  teacher: Pass
  scores: Scores
  fool: Callable[[jax.Array], jax.Array]
  class_loss: ClassLoss
  pull_classes: Pull
  pairs: Pairs
  target: jax.Array
  explained: jax.Array
  taught: jax.Array
  active: jax.Array
  mapping: jax.Array
  learnt: Mapping[str, Params]


def accept(config: ConfigDict, teacher: ConfigDict) -> None:
  """Accepts every teacher."""
  del config, teacher


@dataclasses.dataclass(frozen=True)
class Method:
  """A way to learn from a teacher: one entry of METHODS.

  Its options are the section of the same name in config.distill; `weight` is
  one of them, and 0 switches the method off.

  Attributes:
    term: its name in metrics.jsonl.
    distances: (lesson, config) -> what is to fall, [B], and further metrics.
    check: (config, the teacher's config) -> None; raises UserError where the
      method can not teach this student.
    names_activation: whether it needs the activation of config.attention.
    same_size: whether it compares activations of both, all blocks with their
      partners, which must have the same height and width.
    create: (key, shapes of `Lesson.pairs`) -> parameters of its own, which are
      trained along; None where it has none.
  """

  term: str
  distances: Callable[[Lesson, ConfigDict], tuple[jax.Array, Metrics]]
  check: Callable[[ConfigDict, ConfigDict], None] = accept
  names_activation: bool = False
  same_size: bool = False
  create: Callable[[jax.Array, Pairs], Params] | None = None


def same_attributes(
  name: str,
) -> Callable[[ConfigDict, ConfigDict], None]:
  """Returns a `Method.check` that refuses a teacher of other attributes.

  Such a teacher draws other pictures, and its discriminator asks for other
  things.

  Args:
    name: of the method.
  """

  def check(config: ConfigDict, teacher: ConfigDict) -> None:
    del teacher
    if config.pseudo.reading != "off":
      raise UserError(
        f"config.distill.{name}.weight={config.distill[name].weight} needs a"
        " teacher of the student's attributes, which"
        f" config.pseudo.reading={config.pseudo.reading!r} does not have: it"
        " must be 0"
      )

  return check
