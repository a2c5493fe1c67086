"""What a student learns from its teacher: where to look, and what to draw.

L_akd, the papers': the student's attention is to match the teacher's. L_out,
what those who compress GANs do (Li et al., GAN Compression, 2020, for data
without pairs): its pictures are to match the teacher's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation import attention
from akd_jax.systems import losses
from akd_jax.training.state import Networks, Params, bind

Metrics = dict[str, jax.Array]

# Fields of config.attention whose values are names, with all of them.
OPTIONS = {
  "method": tuple(attention.METHODS),
  "discriminator": ("teacher", "own"),
  "target": ("sum", "sampled", "each"),
  "normalize": attention.NORMALIZATIONS,
  "norm": ("l1_mean", "l1_sum", "l2"),
}


class Teacher(NamedTuple):
  """Parameters of a trained teacher: an argument of the step, never state."""

  generator: Params
  discriminator: Params


class Distillation(NamedTuple):
  """What of the teacher is fixed when the step is compiled.

  Attributes:
    networks: the teacher's.
    mapping: [C, T], attributes of the student to the teacher's.
  """

  networks: Networks
  mapping: np.ndarray


def check_options(options: ConfigDict) -> None:
  """Refuses names in config.attention that mean nothing.

  The block and the hook depend on a generator: `attention.activation_name`
  checks them.

  Raises:
    UserError: a field has none of its values.
  """
  for field, known in OPTIONS.items():
    if options[field] not in known:
      raise UserError(
        f"config.attention.{field}={options[field]!r} is none of"
        f" {', '.join(known)}"
      )


def distillation_terms(
  scores: attention.Scores,
  params: Params,
  teacher: Teacher,
  image: jax.Array,
  target: jax.Array,
  active: jax.Array,
  *,
  networks: Networks,
  distillation: Distillation,
  config: ConfigDict,
) -> tuple[Metrics, Any, Metrics]:
  """The terms that a teacher adds to the generator's loss.

  Takes what `attention_loss` does. One pass through the teacher serves both
  terms; one of weight 0 is not computed.

  Returns:
    `g_loss_akd` and `g_loss_out` [B], the aux of `scores`, and metrics.
  """
  terms = {}
  if config.distill.akd.weight > 0:
    terms["g_loss_akd"], aux, wanted, metrics = attention_loss(
      scores,
      params,
      teacher,
      image,
      target,
      active,
      networks=networks,
      distillation=distillation,
      config=config,
    )
  else:
    _, (_, aux) = scores({})
    generate = bind(distillation.networks.generator, teacher.generator)
    wanted, _ = generate(image, teacher_target(target, distillation.mapping))
    metrics = {}
  if config.distill.output.weight > 0:
    terms["g_loss_out"] = losses.imitation(aux[0], wanted)
  return terms, aux, metrics


def attention_loss(
  scores: attention.Scores,
  params: Params,
  teacher: Teacher,
  image: jax.Array,
  target: jax.Array,
  active: jax.Array,
  *,
  networks: Networks,
  distillation: Distillation,
  config: ConfigDict,
) -> tuple[jax.Array, Any, jax.Array, Metrics]:
  """L_akd (paper 2 eq. 6 and 9, paper 1 eq. 3 and 6).

  Args:
    scores: taps -> (the logits of the student's discriminator, (features,
      aux)), where aux starts with the student's image.
    params: the student's generator.
    teacher: parameters.
    image: [B, S, S, 3].
    target: [B, C].
    active: [B, C], the class whose map `attention.target="sampled"` takes.
    networks: the student's.
    distillation: the teacher's networks and the mapping of attributes.
    config: resolved.

  Returns:
    The distance of each sample [B], the aux of `scores`, the teacher's image
    [B, S, S, 3], and the raw size of both maps.
  """
  options = config.attention
  name, teacher_name = (
    attention.activation_name(options.block, options.hook, g.blocks)
    for g in (networks.generator, distillation.networks.generator)
  )
  taps = attention.zero_taps(networks.generator, params, image, target, [name])
  wanted = teacher_target(target, distillation.mapping)
  teacher_scores, teacher_taps = _teacher_scores(
    teacher, distillation.networks, image, wanted, teacher_name
  )
  own = options.discriminator == "own"
  if not own:
    scores = _judged_by(distillation.networks, teacher, scores)
  distances, counts, sizes = [], [], []
  aux: Any = None
  teacher_image: Any = None
  for selector in _selectors(options.target, target, active):
    teacher_selector = teacher_target(selector, distillation.mapping)
    student_maps, aux = attention.attention_maps(
      scores,
      taps,
      # The teacher's discriminator has logits for its own attributes.
      selector if own else teacher_selector,
      method=options.method,
      second_order=options.second_order,
    )
    teacher_maps, teacher_image = attention.attention_maps(
      teacher_scores, teacher_taps, teacher_selector, method=options.method
    )
    # The teacher's maps are constants: the gradient is taken with respect to
    # the student only, and stop_gradient says so to the reader.
    pair = student_maps[name], lax.stop_gradient(teacher_maps[teacher_name])
    sizes.append(jnp.stack([m for maps in pair for m in _sizes(maps)]))
    distances.append(
      losses.attention_distance(
        attention.normalize(pair[0], options.normalize),
        attention.normalize(pair[1], options.normalize),
        options.norm,
      )
    )
    counts.append(jnp.any(selector > 0, axis=-1).astype(jnp.float32))
  names = ("student_mean", "student_max", "teacher_mean", "teacher_max")
  metrics = {
    f"attention_{name}": size
    for name, size in zip(names, jnp.mean(jnp.stack(sizes), 0), strict=True)
  }
  # A target with no active attribute has empty maps and contributes 0.
  distance = sum(distances) / jnp.maximum(sum(counts), 1)
  return distance, aux, teacher_image, metrics


def _selectors(
  kind: str, target: jax.Array, active: jax.Array
) -> list[jax.Array]:
  """The logits of each map that is compared, for `attention.target`."""
  if kind == "sum":
    return [target]
  if kind == "sampled":
    return [active]
  classes = target.shape[-1]
  return [target * jax.nn.one_hot(c, classes) for c in range(classes)]


def _judged_by(
  networks: Networks, teacher: Teacher, scores: attention.Scores
) -> attention.Scores:
  """The same scores, with the logits of the teacher's discriminator."""
  judge = bind(networks.discriminator, teacher.discriminator)

  def judged(taps):
    _, (features, aux) = scores(taps)
    return judge(aux[0])[0][1], (features, aux)

  return judged


def _teacher_scores(teacher, networks, image, target, name):
  generate = bind(networks.generator, teacher.generator)
  judge = bind(networks.discriminator, teacher.discriminator)

  def scores(taps):
    fake, features = generate(image, target, taps)
    return judge(fake)[0][1], (features, fake)

  taps = attention.zero_taps(
    networks.generator, teacher.generator, image, target, [name]
  )
  return scores, taps


def _sizes(maps: jax.Array) -> tuple[jax.Array, jax.Array]:
  return jnp.mean(maps), jnp.mean(jnp.max(maps, axis=(1, 2)))


def teacher_target(
  target: jax.typing.ArrayLike, mapping: np.ndarray
) -> jax.Array:
  """The teacher's counterpart c_pse of the student's target c.

  Args:
    target: [B, C], the student's attributes, 0 or 1.
    mapping: [C, T], 1 where an attribute of the student stands for one of
      the teacher; many to one allowed. The identity without pseudo-attention.

  Returns:
    [B, T], 0 or 1.
  """
  return jnp.minimum(jnp.asarray(target, jnp.float32) @ mapping, 1)


def mapping_matrix(
  attributes: Sequence[str],
  teacher_attributes: Sequence[str],
  mapping: Mapping[str, str] | None,
) -> np.ndarray:
  """The matrix [C, T] of `teacher_target`.

  Args:
    attributes: the student's.
    teacher_attributes: the teacher's.
    mapping: {attribute of the student: attribute of the teacher}, or None
      where both know the same attributes.

  Raises:
    UserError: an attribute is missing on either side.
  """
  if mapping is None:
    if tuple(attributes) != tuple(teacher_attributes):
      raise UserError(
        f"the student's attributes are {', '.join(attributes)}, the"
        f" teacher's {', '.join(teacher_attributes)}: they must be the same,"
        " or config.pseudo.reading must say how the one stands for the other"
        " (a new directory as config.teacher trains one that fits)"
      )
    return np.eye(len(attributes), dtype=np.float32)
  matrix = np.zeros((len(attributes), len(teacher_attributes)), np.float32)
  for i, name in enumerate(attributes):
    if name not in mapping:
      raise UserError(f"config.pseudo.mapping has no entry for {name!r}")
    if mapping[name] not in teacher_attributes:
      raise UserError(
        f"config.pseudo.mapping.{name}={mapping[name]!r} is not an attribute"
        f" of the teacher, which knows {', '.join(teacher_attributes)}"
      )
    matrix[i, list(teacher_attributes).index(mapping[name])] = 1
  return matrix
