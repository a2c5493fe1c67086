"""Activations by the names that config.attention gives them."""

from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.ranges import check_choice

# {hook: the activations that it names, in the order of the data flow}.
Hooks = Mapping[str, Sequence[str]]


def name_activation(options: ConfigDict, names: Sequence[str]) -> str:
  """Names the activation that attention is taken from.

  Args:
    options: config.attention, whose `block` says which of the names: an index,
      "last" or "second_last".
    names: what `list_activations` returns.

  Raises:
    UserError: there is no such block.
  """
  block = options.block
  named = {"last": len(names) - 1, "second_last": len(names) - 2}
  try:
    index = named[block] if block in named else int(block)
  except ValueError:
    index = -1
  if not 0 <= index < len(names):
    few = "0 or 'last'"
    many = f"0 to {len(names) - 1}, 'last' or 'second_last'"
    raise UserError(
      f"config.attention.block={block!r} is none of the {len(names)} that"
      f" config.attention.hook={options.hook!r} has: give"
      f" {few if len(names) == 1 else many}"
    )
  return names[index]


def list_activations(
  options: ConfigDict, hooks: Hooks, refused: Mapping[str, str]
) -> tuple[str, ...]:
  """Lists the activations of config.attention.hook, along the data flow.

  Args:
    options: config.attention.
    hooks: those of a generator.
    refused: {a hook that has no map: why}.

  Raises:
    UserError: there is no such hook.
  """
  hooks = {name: listed for name, listed in hooks.items() if listed}
  if options.hook in refused:
    raise UserError(
      f"config.attention.hook={options.hook!r} {refused[options.hook]}"
    )
  check_choice("attention.hook", options.hook, hooks)
  return tuple(hooks[options.hook])
