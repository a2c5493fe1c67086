"""The terms that a teacher adds to the generator's loss."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, suggest
from akd_jax.common.ranges import RANGES
from akd_jax.distillation import METHODS
from akd_jax.distillation.mapping import Place, Teacher, map_label, placed
from akd_jax.distillation.method import Lesson, Method, Pairs
from akd_jax.models.taps import Activations
from akd_jax.systems import adversary, system_of
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Metrics, Networks, Params, Pass, translate
from akd_jax.systems.system import System, Terms


def active_methods(config: ConfigDict) -> dict[str, Method]:
  """Returns the methods whose weight is not 0, by their names."""
  return {
    name: method
    for name, method in METHODS.items()
    if name in config.distill and config.distill[name].weight > 0
  }


def check_added(config: ConfigDict) -> None:
  """Checks what somebody has added to config.distill, which has no range.

  Args:
    config: that something is to be trained by.

  Raises:
    UserError: a method has no weight, or a weight no method: the file that adds
      it to METHODS has not been imported.
  """
  for name, section in config.distill.items():
    field = f"config.distill.{name}"
    if f"distill.{name}.weight" in RANGES:
      continue
    if not isinstance(section, ConfigDict):
      raise UserError(
        f"{field}={section!r} must be a section: ConfigDict({{'weight': 1.0}})"
      )
    weight = section.get("weight", None if name in METHODS else 0)
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 <= weight < math.inf:
      raise UserError(f"{field}.weight={weight!r} must be a number, 0 or more")
    if weight and name not in METHODS:
      raise UserError(
        f"{field}.weight={weight:g} would teach nothing: METHODS has no"
        f" {name!r}{suggest(name, METHODS)}; import the file that adds it first"
      )


def distils(config: ConfigDict) -> bool:
  """Returns whether the config asks for anything of a teacher.

  That is its lessons, its weights to start from, or its discriminator.
  """
  if not config.teacher:
    return False
  starts = config.get("init", "scratch") != "scratch"
  against = adversary.is_teachers(config)
  return starts or against or bool(active_methods(config))


def tapped(
  config: ConfigDict,
  system: System,
  networks: Networks,
  place: Place | None = None,
) -> tuple[str, ...]:
  """Returns the activations of a network that the active methods look at.

  Args:
    config: the student's.
    system: the network's.
    networks: it, and its discriminator.
    place: `Teacher.place`.
  """
  if any(m.names_activation for m in active_methods(config).values()):
    options = placed(config.attention, place)
    return (system.name_activation(options, networks.generator),)
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
  learnt: Mapping[str, Params] | None = None,
) -> tuple[Terms, Metrics]:
  """Returns the terms of the active methods, [B] each, and their metrics.

  One pass through the teacher serves all of them; what no active method looks
  at is not computed, since the step is compiled.

  Args:
    student: its pass of the batch.
    teacher: what it learns from.
    batch: what both translate.
    config: the student's, resolved.
    learnt: the methods' own parameters, see `create_learnt`.
  """
  # A constant to whoever differentiates, its networks' parameters included.
  teacher = lax.stop_gradient(teacher)
  system, model = teacher.system, teacher.model
  labels = [map_label(x, teacher.mapping) for x in (batch.target, batch.label)]
  given = system.generator_label(*labels)
  names = tapped(config, system, model.networks, teacher.place)
  translated = translate(model, batch.image, given, names)
  teacher_pass = system.complete(model, translated)
  scores, pull = system.score(model, student.image, batch.image, given)
  by_teacher = config.attention.discriminator == "teacher"
  explaining = system if by_teacher else system_of(config)
  lesson = Lesson(
    image=batch.image,
    student=student,
    teacher=teacher_pass,
    scores=scores,
    fool=system.fool,
    class_loss=system.class_loss(config),
    pull_classes=pull,
    pairs=_paired(
      student.activations,
      teacher_pass.activations,
      _depths(student.model.networks, teacher, config),
    ),
    target=batch.target,
    explained=explaining.explained(batch.target, batch.label),
    taught=system.explained(*labels),
    active=batch.active,
    mapping=teacher.mapping,
    learnt=learnt or {},
  )
  terms: Terms = {}
  metrics: Metrics = {}
  for method in active_methods(config).values():
    terms[method.term], more = method.distances(lesson, config)
    metrics |= more
  return terms, metrics


def create_learnt(
  key: jax.Array, networks: Networks, teacher: Teacher, config: ConfigDict
) -> dict[str, Params]:
  """Creates the own parameters of those active methods that have any.

  Args:
    key: of their start values.
    networks: the student's.
    teacher: what it learns from.
    config: the student's, resolved.

  Returns:
    {method: parameters}.
  """
  creators = {
    name: (i, method.create)
    for i, (name, method) in enumerate(active_methods(config).items())
    if method.create is not None
  }
  if not creators:
    return {}
  size = config.data.image_size
  image = jnp.zeros((1, size, size, 3))

  def activations(generator: Any, classes: int) -> Activations:
    given = image, jnp.zeros((1, classes))
    found: Activations = generator.init_with_output(key, *given)[0][1]
    return found

  def pairs() -> Pairs:
    return _paired(
      activations(networks.generator, len(config.data.attributes)),
      activations(teacher.model.networks.generator, len(teacher.attributes)),
      _depths(networks, teacher, config),
    )

  shapes = jax.eval_shape(pairs)
  return {
    name: create(jax.random.fold_in(key, i), shapes)
    for name, (i, create) in creators.items()
  }


def _depths(
  networks: Networks, teacher: Teacher, config: ConfigDict
) -> list[tuple[str, str]]:
  """Returns names of the student's and the teacher's activations, in pairs."""
  options = config.attention
  ours = system_of(config).list_activations(options, networks.generator)
  theirs = teacher.system.list_activations(
    placed(options, teacher.place), teacher.model.networks.generator
  )
  return paired_names(ours, theirs)


def paired_names(
  ours: Sequence[str], theirs: Sequence[str]
) -> list[tuple[str, str]]:
  """Returns each of ours with its partner among theirs.

  Both lists end together: of three blocks and six, the first goes with the
  second, the second with the fourth, the last with the last.
  """
  count = len(ours)
  return [
    (name, theirs[math.ceil((i + 1) * len(theirs) / count) - 1])
    for i, name in enumerate(ours)
  ]


def _paired(
  ours: Activations, theirs: Activations, names: list[tuple[str, str]]
) -> Pairs:
  return [(ours[own], theirs[other]) for own, other in names]
