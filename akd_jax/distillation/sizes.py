"""Whether a student's activations can be compared with a teacher's."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.mapping import Place, placed
from akd_jax.distillation.terms import active_methods, paired_names
from akd_jax.systems import system_of


def check_sizes(
  config: ConfigDict, teacher: ConfigDict, place: Place | None
) -> None:
  """Refuses methods that compare activations, where those differ in size.

  Networks of one architecture have equal sizes at one hook, however wide or
  deep; nothing is traced for them.

  Args:
    config: the student's, resolved.
    teacher: the teacher's.
    place: `Teacher.place`.

  Raises:
    UserError: it names the method and both activations.
  """
  methods = {
    name: method
    for name, method in active_methods(config).items()
    if method.names_activation or method.same_size
  }
  same_hook = place is None or place[1] == config.attention.hook
  alike = same_hook and _architecture(config) == _architecture(teacher)
  if not methods or alike:
    return
  ours = _find_activations(config, config.attention)
  theirs = _find_activations(teacher, placed(config.attention, place))
  for name, method in methods.items():
    pairs = paired_names(ours.listed, theirs.listed)
    if method.names_activation:
      pairs = [(ours.named, theirs.named)]
    for own, other in pairs:
      if ours.sizes[own] != theirs.sizes[other]:
        raise UserError(
          f"config.distill.{name}.weight={config.distill[name].weight} compares"
          f" activations, but the student's {own} is {ours.sizes[own]} and the"
          f" teacher's {other} {theirs.sizes[other]}: choose others by"
          " config.attention, or it must be 0"
        )


def _architecture(config: ConfigDict) -> dict[str, Any]:
  """Returns what decides the sizes of a generator's activations."""
  fields = config.generator.to_dict() | {"network": system_of(config).network}
  return {k: v for k, v in fields.items() if k not in ("width", "blocks")}


class _Activations(NamedTuple):
  """The activations of a network.

  Attributes:
    named: the one that attention is taken from.
    listed: all that can be looked at.
    sizes: {activation: its height and width, in words}.
  """

  named: str
  listed: Sequence[str]
  sizes: dict[str, str]


def _find_activations(config: ConfigDict, options: ConfigDict) -> _Activations:
  system = system_of(config)
  generator = system.create_networks(config).generator
  return _Activations(
    system.name_activation(options, generator),
    system.list_activations(options, generator),
    _sizes(generator, config.data.image_size, len(config.data.attributes)),
  )


# Tracing takes a second, and many runs have the same networks.
@functools.cache
def _sizes(generator: Any, size: int, classes: int) -> dict[str, str]:
  (_, activations), _ = jax.eval_shape(
    lambda: generator.init_with_output(
      jax.random.key(0),
      jnp.zeros((1, size, size, 3)),
      jnp.zeros((1, classes)),
    )
  )
  return {
    name: f"{x.shape[1]} x {x.shape[2]}" for name, x in activations.items()
  }
