"""What a distillation method is made of."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from akd_jax.systems.model import Metrics, Pass


class Lesson(NamedTuple):
  """One batch as student and teacher have translated it.

  Attributes:
    student: its pass, a function of its parameters.
    teacher: its pass of the same images to its counterparts of the targets.
    target: 0/1 [B, C], the student's.
    active: [B, C], one active class of each target, one-hot.
    mapping: [C, T], the student's attributes to the teacher's.
  """

  student: Pass
  teacher: Pass
  target: jax.Array
  active: jax.Array
  mapping: jax.Array


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
  """

  term: str
  distances: Callable[[Lesson, ConfigDict], tuple[jax.Array, Metrics]]
  check: Callable[[ConfigDict, ConfigDict], None]
  names_activation: bool
