"""The terms that a teacher adds to the generator's loss."""

from collections.abc import Mapping

import jax
from ml_collections import ConfigDict

from akd_jax.distillation import METHODS
from akd_jax.distillation.mapping import Teacher, map_label
from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems.model import Metrics, Networks, Pass, complete, translate
from akd_jax.systems.system import GeneratorBatch, System


def active_methods(config: ConfigDict) -> dict[str, Method]:
  """Returns the methods whose weight is not 0, by their names."""
  return {
    name: method
    for name, method in METHODS.items()
    if name in config.distill and config.distill[name].weight > 0
  }


def distils(config: ConfigDict) -> bool:
  """Returns whether the config asks for anything of a teacher."""
  return bool(config.teacher) and bool(active_methods(config))


def tapped(
  config: ConfigDict, system: System, networks: Networks
) -> tuple[str, ...]:
  """Returns the activations of a network that the active methods look at."""
  if any(m.names_activation for m in active_methods(config).values()):
    return (system.name_activation(config.attention, networks.generator),)
  return ()


def weights(config: ConfigDict) -> Mapping[str, float]:
  """Returns the weight of each method's term."""
  return {
    method.term: config.distill[name].weight
    for name, method in active_methods(config).items()
  }


def distillation_terms(
  student: Pass,
  teacher: Teacher,
  batch: GeneratorBatch,
  config: ConfigDict,
) -> tuple[Metrics, Metrics]:
  """Returns the terms [B] of the active methods, and their metrics.

  One pass through the teacher serves all of them.

  Args:
    student: its pass of the batch.
    teacher: what it learns from.
    batch: what both translate.
    config: the student's, resolved.
  """
  given = teacher.system.generator_label(
    *(map_label(x, teacher.mapping) for x in (batch.target, batch.label))
  )
  names = tapped(config, teacher.system, teacher.model.networks)
  translated = translate(teacher.model, batch.image, given, names)
  lesson = Lesson(
    student,
    complete(translated, teacher.model),
    batch.target,
    batch.active,
    teacher.mapping,
  )
  terms: dict[str, jax.Array] = {}
  metrics: Metrics = {}
  for method in active_methods(config).values():
    terms[method.term], more = method.distances(lesson, config)
    metrics |= more
  return terms, metrics
