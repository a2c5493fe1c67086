"""Attributes of avatars: names, usual shares, and what goes with what."""

from collections.abc import Set

from akd_jax.data.attributes import EXPRESSIONS, HAIR_COLORS

# {attribute: share of the avatars that have it}, of all but those in TWIN.
# Male is a label of the person behind the picture. It shows in that there are
# no lashes. Short hair, and what CONDITIONAL says, is more probable with it.
SHARES = {
    "Black_Hair": 0.2, "Brown_Hair": 0.2, "Blond_Hair": 0.2, "Gray_Hair": 0.14,
    "Bald": 0.1, "Wearing_Hat": 0.1,
    "Straight_Hair": 0.36, "Wavy_Hair": 0.3, "Receding_Hairline": 0.08,
    "Bangs": 0.3,
    "Male": 0.5, "Young": 0.6,
    "No_Beard": 0.65, "Goatee": 0.12, "Mustache": 0.15,
    "5_o_Clock_Shadow": 0.12, "Sideburns": 0.12,
    "Eyeglasses": 0.35, "Pale_Skin": 0.3, "Rosy_Cheeks": 0.25,
    "Wearing_Lipstick": 0.25, "Wearing_Earrings": 0.25,
    "Big_Nose": 0.3, "Bags_Under_Eyes": 0.25, "Bushy_Eyebrows": 0.35,
    "happy": 0.3, "angry": 0.1, "contemptuous": 0.1, "disgusted": 0.1,
    "fearful": 0.1, "sad": 0.1, "surprised": 0.1, "neutral": 0.1,
    "Mouth_Slightly_Open": 0.45, "Arched_Eyebrows": 0.3, "Narrow_Eyes": 0.25,
}  # fmt: skip
# P(attribute | condition) as CONDITIONAL[condition][attribute].
CONDITIONAL = {
    "Bald": {"Male": 0.8},
    "Male": {
        "No_Beard": 0.3, "Sideburns": 0.24, "Wearing_Lipstick": 0.1,
        "Wearing_Earrings": 0.1,
    },
}  # fmt: skip
# Another name of the same thing.
TWIN = {"Smiling": "happy"}
# Attributes that are always on with an expression.
IMPLIED = {"surprised": ("Mouth_Slightly_Open", "Arched_Eyebrows")}

ALL_ATTRIBUTES = tuple(sorted([*SHARES, *TWIN]))

# Groups of which one is frequent where others are rare. Of the expressions one
# is always on.
PARTITIONS = ((*HAIR_COLORS, "Bald", "Wearing_Hat"), EXPRESSIONS)
# Expressions that decide about the eyebrows.
_FROWNING = ("angry", "contemptuous", "disgusted", "fearful", "sad")
# Groups of attributes of which at most one is on.
EXCLUSIVE: tuple[tuple[str, ...], ...] = (
  *PARTITIONS,
  ("Straight_Hair", "Wavy_Hair", "Receding_Hairline", "Bald", "Wearing_Hat"),
  ("Bangs", "Receding_Hairline", "Bald", "Wearing_Hat"),
  ("No_Beard", "Goatee"),
  ("No_Beard", "Mustache"),
  ("No_Beard", "5_o_Clock_Shadow"),
  *((name, "Smiling") for name in EXPRESSIONS if name != "happy"),
  *((name, "Arched_Eyebrows") for name in _FROWNING),
  ("fearful", "Narrow_Eyes"),
  ("surprised", "Narrow_Eyes"),
)
_BEARDS = {"Goatee", "Mustache", "5_o_Clock_Shadow"}
# {attribute that is switched off: what is switched on instead}.
_OPPOSITE = {
    "Black_Hair": ("Blond_Hair",), "Brown_Hair": ("Black_Hair",),
    "Blond_Hair": ("Black_Hair",), "Gray_Hair": ("Black_Hair",),
    "Bald": ("Black_Hair", "Straight_Hair"),
    "Wearing_Hat": ("Black_Hair", "Straight_Hair"),
    "Straight_Hair": ("Wavy_Hair",), "Wavy_Hair": ("Straight_Hair",),
    "Receding_Hairline": ("Straight_Hair",), "neutral": ("happy",),
}  # fmt: skip


def find_excluded(name: str) -> frozenset[str]:
  """Returns the attributes that cannot be on where `name` is."""
  groups = [group for group in EXCLUSIVE if name in group]
  return frozenset(other for group in groups for other in group) - {name}


def switch_on(on: Set[str], name: str) -> frozenset[str]:
  """Returns what is on with `name` switched on and what it excludes off."""
  after = (on - find_excluded(name)) | {name, *IMPLIED.get(name, ())}
  return _complete(after)


def switch_off(on: Set[str], name: str) -> frozenset[str]:
  """Returns what is on with `name` switched off and its opposite on."""
  gone = {name, TWIN.get(name, name)}
  after = {n for n in on if TWIN.get(n, n) not in gone and n not in gone}
  after |= set(_OPPOSITE.get(name, ()))
  if name in _BEARDS and not after & _BEARDS:
    after.add("No_Beard")
  return _complete(after)


def _complete(on: Set[str]) -> frozenset[str]:
  """Returns what is on with an expression, and both names of what has two."""
  on = {TWIN.get(name, name) for name in on}
  if not on & set(EXPRESSIONS):
    on.add("neutral")
  return frozenset(on | {name for name, twin in TWIN.items() if twin in on})
