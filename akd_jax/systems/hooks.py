"""Activations by the names that config.attention gives them."""

from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, nearest

# {hook: the activations that it names, in the order of the data flow}.
Hooks = Mapping[str, Sequence[str]]


def name_activation(options: ConfigDict, hooks: Hooks) -> str:
  """Names the activation that attention is taken from.

  Args:
    options: config.attention: `hook`, one of `hooks`, and `block`, which of its
      activations: an index, "last" or "second_last".
    hooks: those of a generator.

  Raises:
    UserError: there is no such hook or block.
  """
  names, block = list_activations(options, hooks), options.block
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


def list_activations(options: ConfigDict, hooks: Hooks) -> tuple[str, ...]:
  """Lists the activations of config.attention.hook, along the data flow.

  Raises:
    UserError: there is no such hook.
  """
  if options.hook not in hooks:
    raise UserError(
      f"config.attention.hook={options.hook!r} is none of {', '.join(hooks)}"
      f"{nearest(options.hook, hooks)}"
    )
  return tuple(hooks[options.hook])
