"""Attributes: their names, and labels with one of them switched on."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from akd_jax.common.errors import UserError, suggest
from akd_jax.configs.data import EXPRESSIONS as EXPRESSIONS

# The 40 attributes of CelebA, in the order of list_attr_celeba.txt.
CELEBA = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes",
    "Bald", "Bangs", "Big_Lips", "Big_Nose", "Black_Hair", "Blond_Hair",
    "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin",
    "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones",
    "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard",
    "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline",
    "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair",
    "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie", "Young",
)  # fmt: skip

# Line breaks and other controls, halves of what is no UTF-8.
_NO_SIGNS = {"Cc", "Cs", "Zl", "Zp"}

HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")


def check_names(names: Sequence[str], where: str) -> None:
  """Refuses names that cannot be told apart or written out.

  Anything else may be an attribute's name.

  Args:
    names: of all attributes.
    where: they are from, for errors.

  Raises:
    UserError: one is empty, is there twice, has a line break or another sign
      that cannot be printed, or is no UTF-8.
  """
  for position, name in enumerate(names, 1):
    if not name.strip():
      raise UserError(f"{where}: attribute {position} has no name")
    if {unicodedata.category(sign) for sign in name} & _NO_SIGNS:
      raise UserError(
        f"{where}: attribute {ascii(name)[:80]} needs another name: it has a"
        " line break or another control, or is not UTF-8"
      )
  if len(set(names)) < len(names):
    twice = next(name for name in names if list(names).count(name) > 1)
    raise UserError(f"{where} has two attributes named {twice!r}")


def attribute_indices(
  available: Sequence[str], wanted: Sequence[str], where: str
) -> list[int]:
  """Returns the positions of the `wanted` attributes among the `available`.

  Raises:
    UserError: a wanted name is not available, or is wanted twice; the message
      says `where` it was looked for.
  """
  for name in wanted:
    if not isinstance(name, str):
      raise UserError(
        f"attribute {name!r} is no name: config.data.attributes are texts, each"
        f" in quotation marks ({str(name)!r})"
      )
    if name not in available:
      raise UserError(
        f"attribute {name!r} is not in {where}{_meant(name, available)}"
      )
    if list(wanted).count(name) > 1:
      raise UserError(f"attribute {name!r} is asked for twice")
  return [list(available).index(name) for name in wanted]


def _meant(name: str, available: Sequence[str]) -> str:
  """Returns a hint for what is no name: the nearest, or how to write some."""
  parts = [part.strip() for part in name.split(",")]
  if len(parts) > 1 and set(parts) <= set(available):
    return f'; several are written "({", ".join(map(repr, parts))})"'
  return suggest(name, available)


def set_attribute(
  labels: np.ndarray,
  attributes: Sequence[str],
  name: str,
  exclusive: Sequence[Sequence[str]],
) -> np.ndarray:
  """Returns labels [N, C] with the attribute `name` switched on.

  Attributes that share an `exclusive` group with it are switched off:
  Blond_Hair on a brown-haired person clears Brown_Hair.
  """
  edited = np.array(labels, copy=True)
  for group in exclusive:
    if name in group:
      for other in group:
        if other in attributes:
          edited[:, list(attributes).index(other)] = 0
  edited[:, list(attributes).index(name)] = 1
  return edited
