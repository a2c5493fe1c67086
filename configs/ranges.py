"""What a field may be: its range stands beside its default in the recipes.

`Field(0.5, number(0, 1, "[)"))` is 0.5 unless a recipe or a user says
otherwise, and lies in [0, 1). akd_jax/common/ranges.py holds configs to it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

# The last of a step's 32 bits, and of a seed's.
MOST = 2**31 - 1
LAST_SEED = 2**32 - 1
# Of a weight. Arithmetic has 32 bits, in which a product of two is finite.
HEAVIEST = 10**9


class Range(NamedTuple):
  """The values that a field may have.

  Attributes:
    text: ends the sentence "config.FIELD=VALUE must ...".
    holds: whether a value, of whichever type, is one of them.
    choices: all of them, where they are a list.
    inside: of a mapping: the range of the entry of a name.
    is_path: whether it names a file or a folder.
    as_written: of a path: whether ~ stays, for whoever reads it to expand.
  """

  text: str
  holds: Callable[[Any], bool]
  choices: tuple[str, ...] = ()
  inside: Callable[[str], "Range | None"] | None = None
  is_path: bool = False
  as_written: bool = False


class Field(NamedTuple):
  """A field of the config: its default, and its range."""

  default: Any
  range: Range


class Section:
  """Fields of the config, set as attributes: `section.width = Field(...)`."""


def defaults(section: Section) -> ConfigDict:
  """Returns a config of the default of each field."""
  return ConfigDict(
    {
      name: defaults(x) if isinstance(x, Section) else x.default
      for name, x in vars(section).items()
    }
  )


def ranges(section: Section) -> dict[str, Range]:
  """Returns {dotted name: range} of each field."""
  found: dict[str, Range] = {}
  for name, x in vars(section).items():
    if isinstance(x, Section):
      found |= {f"{name}.{inner}": y for inner, y in ranges(x).items()}
    else:
      found[name] = x.range
  return found


def whole(low: int, high: int) -> Range:
  """Whole numbers, both ends included."""
  return Range(
    f"be a whole number in [{low}, {high}]",
    lambda x: _is_number(x, int) and low <= x <= high,
  )


def number(low: float, high: float, ends: str = "[]") -> Range:
  """Numbers; of `ends`, "[" and "]" include theirs, "(" and ")" do not."""

  def holds(value: Any) -> bool:
    # So written, NaN is refused, too.
    return (
      _is_number(value, int | float)
      and (low <= value if ends[0] == "[" else low < value)
      and (value <= high if ends[1] == "]" else value < high)
    )

  return Range(f"lie in {ends[0]}{low}, {high}{ends[1]}", holds)


def weight() -> Range:
  """Weights of a term: 0 is without it."""
  return number(0, HEAVIEST)


def flag() -> Range:
  """Yes or no."""
  return Range("be True or False", lambda x: isinstance(x, bool))


def one_of(*choices: str) -> Range:
  """One of some words; "" is none."""
  listed = ", ".join(choice or '""' for choice in choices)
  return Range(
    f"be one of {listed}",
    lambda x: isinstance(x, str) and x in choices,
    choices,
  )


def word() -> Range:
  """A name that something else knows: a table, or the data set."""
  return Range("be a name", _is_name)


def names() -> Range:
  """Different names, in order; () is none."""
  return Range(
    "be different names: ('Smiling', 'Goatee'), or ()",
    lambda x: (
      isinstance(x, tuple | list)
      and all(map(_is_name, x))
      and len(set(x)) == len(x)
    ),
  )


def path(as_written: bool = False) -> Range:
  """A file or a folder, whether or not it is there; "" is none.

  Args:
    as_written: whether a recipe keeps it as it is, and is known by that.
  """
  return Range(
    "be a path: names of at most 255 bytes, 4,095 in all",
    lambda x: (
      isinstance(x, str)
      and "\0" not in x
      and _bytes(x) < 4096
      and all(_bytes(name) < 256 for name in x.split("/"))
    ),
    is_path=True,
    as_written=as_written,
  )


def mapping(inside: Range) -> Range:
  """Names, and of each a value in a range; {} is none."""
  return Range(
    "be a mapping of names: {'Smiling': ...}, or {}",
    _is_mapping,
    inside=lambda name: inside,
  )


def part(section: Section) -> Range:
  """Some fields of a section, each in its own range; {} is none."""
  known = ranges(section)
  return Range("be a mapping of fields, or {}", _is_mapping, inside=known.get)


def _is_number(value: Any, kind: Any) -> bool:
  # To Python, True is a number.
  return isinstance(value, kind) and not isinstance(value, bool)


def _is_name(value: Any) -> bool:
  return isinstance(value, str) and bool(value) and "\0" not in value


def _is_mapping(value: Any) -> bool:
  return isinstance(value, Mapping | ConfigDict) and all(map(_is_name, value))


def _bytes(text: str) -> int:
  return len(text.encode(errors="surrogateescape"))
