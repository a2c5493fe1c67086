"""The attributes of avatars: names, usual shares, and what goes together."""

from collections.abc import Set

from akd_jax.data.attributes import EXPRESSIONS, HAIR_COLORS

# The share of avatars that have an attribute, for all but those in TWIN.
# Male is a label of the person behind the picture. It shows as the absence of
# lashes; short hair and what CONDITIONAL says go along with it by chance.
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
# Attributes that an expression brings along.
IMPLIED = {"surprised": ("Mouth_Slightly_Open", "Arched_Eyebrows")}

AVATAR_ATTRIBUTES = tuple(sorted([*SHARES, *TWIN]))

# The groups whose shares make room for each other; one expression is always on.
PARTITIONS = ((*HAIR_COLORS, "Bald", "Wearing_Hat"), EXPRESSIONS)
# Their eyebrows are their own.
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
# What comes in place of an attribute switched off, where something must.
_OPPOSITE = {
    "Black_Hair": ("Blond_Hair",), "Brown_Hair": ("Black_Hair",),
    "Blond_Hair": ("Black_Hair",), "Gray_Hair": ("Black_Hair",),
    "Bald": ("Black_Hair", "Straight_Hair"),
    "Wearing_Hat": ("Black_Hair", "Straight_Hair"),
    "Straight_Hair": ("Wavy_Hair",), "Wavy_Hair": ("Straight_Hair",),
    "Receding_Hairline": ("Straight_Hair",), "neutral": ("happy",),
}  # fmt: skip


def excluders(name: str) -> frozenset[str]:
  """The attributes that `name` cannot be on with."""
  groups = [group for group in EXCLUSIVE if name in group]
  return frozenset(other for group in groups for other in group) - {name}


def switched_on(on: Set[str], name: str) -> frozenset[str]:
  """What is on after `name` is switched on and what it excludes off."""
  after = (on - excluders(name)) | {name, *IMPLIED.get(name, ())}
  return _settled(after)


def switched_off(on: Set[str], name: str) -> frozenset[str]:
  """What is on after `name` is switched off and its opposite on."""
  gone = {name, TWIN.get(name, name)}
  after = {n for n in on if TWIN.get(n, n) not in gone and n not in gone}
  after |= set(_OPPOSITE.get(name, ()))
  if name in _BEARDS and not after & _BEARDS:
    after.add("No_Beard")
  return _settled(after)


def _settled(on: Set[str]) -> frozenset[str]:
  """With an expression, and with both names of what has two."""
  on = {TWIN.get(name, name) for name in on}
  if not on & set(EXPRESSIONS):
    on.add("neutral")
  return frozenset(on | {name for name, twin in TWIN.items() if twin in on})
