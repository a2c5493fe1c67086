"""What a student's attributes are to its teacher (pseudo-attention)."""

from collections.abc import Mapping, Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.systems.model import Model
from akd_jax.systems.system import System

# A block and a hook, as config.attention has them.
Place = tuple[str, str]


@flax.struct.dataclass
class Teacher:
  """A trained model, and what its labels are to the student.

  An argument of the step: neither in the state nor in the checkpoint.

  Attributes:
    model: parameters and networks.
    mapping: [C, T], see `map_label`.
    system: what its generator is given; it may be another than the student's.
    attributes: the T names.
    place: where its attention is taken; None where its system is the student's,
      whose config.attention says it.
  """

  model: Model
  mapping: jax.Array
  system: System = flax.struct.field(pytree_node=False)
  attributes: tuple[str, ...] = flax.struct.field(pytree_node=False)
  place: Place | None = flax.struct.field(pytree_node=False, default=None)


def placed(options: ConfigDict, place: Place | None) -> ConfigDict:
  """Returns config.attention with another block and hook, where there are."""
  if place is None:
    return options
  block, hook = place
  return ConfigDict(options.to_dict() | {"block": block, "hook": hook})


def map_label(
  label: jax.typing.ArrayLike, mapping: jax.typing.ArrayLike
) -> jax.Array:
  """Returns the teacher's counterpart c_pse of a student's label c.

  Args:
    label: [B, C], the student's attributes, 0 or 1.
    mapping: [C, T], 1 where an attribute of the student stands for one of
      the teacher; many to one allowed. The identity without pseudo-attention.

  Returns:
    [B, T], 0 or 1.
  """
  return jnp.minimum(jnp.asarray(label, jnp.float32) @ jnp.asarray(mapping), 1)


def mapping_matrix(
  attributes: Sequence[str],
  teacher_attributes: Sequence[str],
  mapping: Mapping[str, str] | None,
) -> np.ndarray:
  """Returns the matrix [C, T] of `map_label`.

  Args:
    attributes: the student's.
    teacher_attributes: the teacher's.
    mapping: {attribute of the student: attribute of the teacher}, where a dot
      in the first is written %2E, which names of fields may not have; or None
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
        " (a new directory as config.teacher trains a compatible one)"
      )
    return np.eye(len(attributes), dtype=np.float32)
  matrix = np.zeros((len(attributes), len(teacher_attributes)), np.float32)
  fields = [name.replace(".", "%2E") for name in attributes]
  for i, name in enumerate(fields):
    if name not in mapping:
      raise UserError(f"config.pseudo.mapping has no entry for {name!r}")
    if mapping[name] not in teacher_attributes:
      raise UserError(
        f"config.pseudo.mapping.{name}={mapping[name]!r} is not an attribute"
        f" of the teacher, which knows {', '.join(teacher_attributes)}"
      )
    matrix[i, list(teacher_attributes).index(mapping[name])] = 1
  return matrix
