"""L_akd: the student's attention is to be the teacher's.

Paper 2 eq. 6 and 9, paper 1 eq. 3 and 6: E ||A_T(x, c) - A_S(x, c)||, of the
same images, the same targets (or their counterparts) and the same block.
"""

from collections.abc import Callable, Collection

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.ranges import check_choice
from akd_jax.distillation.attention import MAPS, NORMALIZATIONS, attention_maps
from akd_jax.distillation.mapping import map_label
from akd_jax.distillation.method import Lesson, Method
from akd_jax.systems import system_of
from akd_jax.systems.losses import check_same_shape, l2_norm
from akd_jax.systems.model import Metrics, Pass


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_akd of each sample, [B], and the mean size of both maps.

  A target that nothing is explained of contributes 0, whatever its maps.
  """
  options = config.attention
  student, teacher = lesson.student, lesson.teacher
  pull_student = student.pull_classes
  if options.discriminator == "teacher":
    pull_student = lesson.pull_classes
  totals, sizes, count = [], [], jnp.zeros(len(lesson.target))
  for weights in TARGETS[options.target](lesson):
    # The teacher's discriminator has logits for its own attributes. A RelGAN
    # teacher explains only attributes that change in its own label.
    theirs = map_label(weights, lesson.mapping) * lesson.taught
    ours = theirs
    if options.discriminator == "own":
      # Only classes whose counterpart the teacher explains, too.
      ours = weights * (theirs @ lesson.mapping.T > 0)
    student_map = _map(
      student, pull_student(ours), options, options.second_order
    )
    # The teacher's maps are constants: the gradient is taken with respect to
    # the student only, and stop_gradient says so to the reader.
    teacher_map = lax.stop_gradient(
      _map(teacher, teacher.pull_classes(theirs), options, True)
    )
    # RelGAN's score has a gradient even there.
    asked = jnp.any(weights > 0, axis=-1) & jnp.any(theirs > 0, axis=-1)
    normalize = NORMALIZATIONS[options.normalize]
    distance = compare(
      normalize(student_map), normalize(teacher_map), options.norm
    )
    totals.append(asked * distance)
    sizes.append(
      [asked * x for x in (*_sizes(student_map), *_sizes(teacher_map))]
    )
    count += asked
  count = jnp.maximum(count, 1)
  names = ("student_mean", "student_max", "teacher_mean", "teacher_max")
  metrics = {
    f"attention_{name}": jnp.mean(sum(size) / count)
    for name, size in zip(names, zip(*sizes, strict=True), strict=True)
  }
  return sum(totals, jnp.zeros(())) / count, metrics


def _map(
  translated: Pass,
  score_gradient: jax.Array,
  options: ConfigDict,
  second_order: bool,
) -> jax.Array:
  """The map of the only activation that the pass has kept."""
  (one,) = attention_maps(
    translated,
    score_gradient,
    method=options.method,
    second_order=second_order,
  ).values()
  return one


def _sizes(maps: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Mean and maximum of each map: [B, h, w] to [B] twice."""
  return jnp.mean(maps, axis=(1, 2)), jnp.max(maps, axis=(1, 2))


def _each(lesson: Lesson) -> list[jax.Array]:
  whole = lesson.explained
  classes = whole.shape[-1]
  return [whole * jax.nn.one_hot(c, classes) for c in range(classes)]


# By config.attention.target: the weights of the classes, [B, C], of each map
# that is compared.
TARGETS: dict[str, Callable[[Lesson], list[jax.Array]]] = {
  "sum": lambda lesson: [lesson.explained],
  "sampled": lambda lesson: [lesson.active],
  "each": _each,
}


# By config.attention.norm: the difference of two maps, [B, h, w], to [B].
NORMS: dict[str, Callable[[jax.Array], jax.Array]] = {
  "l1_mean": lambda x: jnp.mean(jnp.abs(x), axis=(1, 2)),
  "l1_sum": lambda x: jnp.sum(jnp.abs(x), axis=(1, 2)),
  "l2": l2_norm,
}


def compare(student: jax.Array, teacher: jax.Array, norm: str) -> jax.Array:
  """Returns ||A_T(x, c) - A_S(x, c)||, [B, h, w] twice to [B].

  Args:
    student: the student's maps.
    teacher: the teacher's.
    norm: one of NORMS.
  """
  check_same_shape(student, teacher)
  return NORMS[norm](student - teacher)


# Fields of config.attention whose values are names, with all of them.
OPTIONS: dict[str, Collection[str]] = {
  "method": MAPS,
  "discriminator": ("teacher", "own"),
  "target": TARGETS,
  "normalize": NORMALIZATIONS,
  "norm": NORMS,
}
# Whose logit gives the student's map in each reading of pseudo-attention.
_READINGS = {"paper1": "teacher", "paper2": "own"}


def check_options(options: ConfigDict) -> None:
  """Refuses names in config.attention that mean nothing.

  The block and the hook depend on the system: `System.name_activation`
  checks them.

  Raises:
    UserError: a field has none of its values.
  """
  for field, known in OPTIONS.items():
    check_choice(f"attention.{field}", options[field], known)


def check_reading(config: ConfigDict) -> None:
  """Refuses a discriminator that the reading of pseudo-attention can not use.

  Whatever is distilled: evaluation takes maps by it, too.

  Raises:
    UserError: it names both fields.
  """
  reading = config.pseudo.reading
  wanted = _READINGS.get(reading)
  if wanted not in (None, config.attention.discriminator):
    raise UserError(
      f"config.pseudo.reading={reading!r} needs"
      f" config.attention.discriminator={wanted!r}, not"
      f" {config.attention.discriminator!r}"
    )


def check_sampled(config: ConfigDict, teacher: ConfigDict) -> None:
  """Refuses to sample from other classes than the maps explain.

  Args:
    config: the student's, resolved.
    teacher: the teacher's.

  Raises:
    UserError: the systems explain other classes. A draw that only one of them
      explains would be wrong, or count as 0.
  """
  ours, theirs = system_of(config), system_of(teacher)
  sampled = config.attention.target == "sampled"
  if sampled and ours.explained is not theirs.explained:
    raise UserError(
      f"config.attention.target='sampled' draws a class that {config.system}"
      f" explains, and {teacher.system} explains others: take 'sum' or 'each'"
    )


AKD = Method(
  "g_loss_akd", distances, names_activation=True, check=check_sampled
)
