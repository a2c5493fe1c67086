"""From a description of a person to the picture of an avatar.

The parts come from DiceBear's Avataaars style (artwork by Pablo Stanley, free
for personal and commercial use). They are laid over each other here, so that
one can change and no other pixel does. Small marks that the style lacks
(fringe, lashes, earrings, blush, lips, lines of age) are shapes of our own.
"""

import io
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from akd_jax.data.avatars.parts import (
  SVG,
  clip,
  draw_body,
  draw_circle,
  draw_lines,
  draw_part,
)

# Part of what names a cache: raise it when a description gives other pixels.
VERSION = 7
# The square of the style's 280 x 280 canvas that is shown: the face fills it.
_VIEW = "50 22 180 180"

_HAIR = {
  "Black_Hair": ("#2c1b18",),
  "Brown_Hair": ("#724133", "#a55728", "#4a312c"),
  "Blond_Hair": ("#d6b370", "#ecdcbf", "#b58143"),
  "Gray_Hair": ("#e8e1e1",),
  "other": ("#c93305", "#f59797"),
}
_PALE = "#ffdbb4"
_SKIN = ("#edb98a", "#d08b5b", "#ae5d29", "#7d5540")
_BEARD = ("#2c1b18", "#4a312c", "#724133")
_BACKGROUND = (
    "#9cc5d8", "#b9b3d9", "#a9cfae", "#6f8fae", "#c9cfd6", "#7fa59a",
)  # fmt: skip
_CLOTHES = (
    "blazerAndShirt", "collarAndSweater", "hoodie", "shirtCrewNeck",
    "shirtScoopNeck", "shirtVNeck",
)  # fmt: skip
_COLORS = ("#262e33", "#5199e4", "#25557c", "#e6e6e6", "#a7ffc4", "#ff5c5c")
_HATS = ("hat", "winterHat1", "winterHat02", "winterHat03", "winterHat04")
_HAT_COLORS = ("#ff5c5c", "#5199e4", "#25557c", "#262e33", "#ff488e")
_GLASSES = ("prescription01", "prescription02", "round")
_GLASSES_COLORS = ("#262e33", "#25557c", "#3c4f5c")
_MUSTACHES = ("moustacheFancy", "moustacheMagnum")
# Tops that leave the forehead free: (short, long).
_TOPS = {
    "Straight_Hair": (
        ("shortFlat", "shortRound"), ("straight01", "straight02"),
    ),
    "Wavy_Hair": (("shortWaved", "shortCurly"), ("dreads", "curly")),
    "Receding_Hairline": (("sides",), ("sides",)),
    "other": (("frizzle", "dreads01"), ("bun", "fro")),
}  # fmt: skip
# Expression: eyebrows, eyes, closed mouths, open mouths.
_FACES: dict[str, tuple[Sequence[str], ...]] = {
    "angry": (("angry", "angryNatural"), ("default",), ("sad",), ("grimace",)),
    "contemptuous": (
        ("upDown", "upDownNatural"), ("side",), ("serious",), ("default",),
    ),
    "disgusted": (
        ("frownNatural",), ("squint",), ("sad",), ("tongue",),
    ),
    "fearful": (
        ("sadConcerned", "sadConcernedNatural"), ("surprised",), ("serious",),
        ("grimace",),
    ),
    "happy": (
        ("default", "defaultNatural"), ("default", "happy"), ("twinkle",),
        ("smile",),
    ),
    "neutral": (
        ("default", "defaultNatural"), ("default",), ("serious",), ("serious",),
    ),
    "sad": (
        ("sadConcerned", "sadConcernedNatural"), ("default", "closed"),
        ("sad",), ("concerned",),
    ),
    "surprised": (
        ("default", "defaultNatural"), ("surprised",), ("serious",),
        ("disbelief", "screamOpen"),
    ),
}  # fmt: skip
_ARCHED = ("raisedExcited", "raisedExcitedNatural")

# What is chosen freely, each by its own number in [0, 1).
PICKS = (
    "background", "clothes", "clothes color", "skin", "hair color", "top",
    "hat", "hat color", "glasses", "glasses color", "mustache",
    "beard color", "eyebrows", "eyes", "mouth",
)  # fmt: skip


# The head without the ears.
_HEAD = "M84 90a56 56 0 0 1 112 0v36a56 56 0 0 1-112 0z"
# A fringe and its shadow.
_BANGS = (
  '<path d="M88 79C88 45 112 37 140 37s52 8 52 42l-9 8-9-9-11 10-11-10-12 10'
  '-12-10-11 10-11-10-9 9z" fill="{color}"/>'
  '<path d="M97 87l9-9 11 10 11-10 12 10 12-10 11 10 11-10 9 9v4l-9-9-11 10'
  '-11-10-12 10-12-10-11 10-11-10-9 9z" fill="black" fill-opacity=".16"/>'
)


@dataclass(frozen=True)
class Person:
  """A description of all that a picture shows.

  Attributes:
    on: the attributes that are on.
    long: whether the hair is long where the top has a choice.
    picks: role -> number in [0, 1) that chooses among the possible parts. It
      does not depend on `on`, so that a person stays the same when edited.
  """

  on: Set[str]
  long: bool
  picks: Mapping[str, float]

  def pick(self, role: str, options: Sequence[str]) -> str:
    """Returns the person's own choice among `options`."""
    return options[int(self.picks[role] * len(options))]


def render(person: Person, size: int) -> np.ndarray:
  """Draws a person: uint8 [size, size, 3]."""
  import resvg_py
  from PIL import Image

  png = resvg_py.svg_to_bytes(
    svg_string=draw_svg(person), width=size, height=size, skip_system_fonts=True
  )
  with Image.open(io.BytesIO(bytes(png))) as image:
    return np.asarray(image.convert("RGB"))


def draw_svg(person: Person) -> str:
  """Draws a person as SVG text, from back to front."""
  on, pick = person.on, person.pick
  clothes = pick("clothes", _CLOTHES), pick("clothes color", _COLORS)
  background = pick("background", _BACKGROUND)
  layers = [
    f'<rect width="280" height="280" fill="{background}"/>',
    draw_body(_pick_skin(person)),
    draw_part("clothes", *clothes),
    *_draw_lower_face(person),
    *_draw_eyes(person),
    *_draw_top(person),
    *_draw_beard(person),
  ]
  if "Eyeglasses" in on:
    color = pick("glasses color", _GLASSES_COLORS)
    layers.append(draw_part("accessories", pick("glasses", _GLASSES), color))
  if "Wearing_Earrings" in on:
    layers += [draw_circle(x, 139, 6, "#ffd24d", 1.0) for x in (81, 199)]
  head = f'<svg xmlns="{SVG}" viewBox="{_VIEW}" fill="none">'
  return "".join([head, *layers, "</svg>"])


def _draw_lower_face(person: Person) -> list[str]:
  """Draws cheeks, lines of age, mouth and nose."""
  on, layers = person.on, []
  if "Rosy_Cheeks" in on:
    layers += [draw_circle(x, 146, 12, "#ff3b4e", 0.4) for x in (101, 179)]
  if "Young" not in on:
    layers.append(draw_lines("M120 132q-11 9-11 23M160 132q11 9 11 23", 4, 0.4))
    layers.append(draw_lines("M118 72q22-5 44 0M122 63q18-4 36 0", 3.5, 0.4))
  expression = next(name for name in _FACES if name in on)
  opened = "Mouth_Slightly_Open" in on
  variant = person.pick("mouth", _FACES[expression][3 if opened else 2])
  stretched = opened and variant == "serious"
  edit = "translate(0 15) scale(1 2.4) translate(0 -15)" if stretched else ""
  mouth = draw_part("mouth", variant, edit=edit)
  if "Wearing_Lipstick" in on:
    # The strokes of a copy beneath show as a rim: the lips.
    layers.append(f'<g stroke="#d0103a" stroke-width="8">{mouth}</g>')
  nose = "translate(12 4) scale(1.8) translate(-12 -4)"
  big = nose if "Big_Nose" in on else ""
  return [*layers, mouth, draw_part("nose", "default", edit=big)]


def _draw_eyes(person: Person) -> list[str]:
  """Draws eyes, what surrounds them, and eyebrows."""
  on, layers = person.on, []
  expression = next(name for name in _FACES if name in on)
  brows, eyes = _FACES[expression][:2]
  narrow = "translate(0 22) scale(1 .4) translate(0 -22)"
  edit = narrow if "Narrow_Eyes" in on else ""
  layers.append(draw_part("eyes", person.pick("eyes", eyes), edit=edit))
  if "Bags_Under_Eyes" in on:
    layers.append(draw_lines("M103 131q10 8 19 0M158 131q10 8 19 0", 4.5, 0.4))
  if "Male" not in on:
    lashes = "M101 117l-8-5M102 112l-6-7M179 117l8-5M178 112l6-7"
    layers.append(draw_lines(lashes, 3.5, 0.9))
  brow = person.pick("eyebrows", _ARCHED if "Arched_Eyebrows" in on else brows)
  drawn = draw_part("eyebrows", brow)
  if "Bushy_Eyebrows" in on:
    drawn = f'<g stroke="black" stroke-width="6" opacity=".75">{drawn}</g>'
  return [*layers, drawn]


def _draw_top(person: Person) -> list[str]:
  """Draws hair, or a hat, which hides all hair."""
  on = person.on
  if "Bald" in on:
    return []
  if "Wearing_Hat" in on:
    color = person.pick("hat color", _HAT_COLORS)
    return [draw_part("top", person.pick("hat", _HATS), color)]
  cut = next((name for name in _TOPS if name in on), "other")
  tones = next((name for name in _HAIR if name in on), "other")
  color = person.pick("hair color", _select_visible(_HAIR[tones], person))
  layers = [
    draw_part("top", person.pick("top", _TOPS[cut][person.long]), color)
  ]
  if "Bangs" in on:
    layers.append(_BANGS.format(color=color))
  return layers


def _draw_beard(person: Person) -> list[str]:
  """Draws hair on the face: a chin curtain where no beard has a name."""
  on, layers = person.on, []
  color = person.pick("beard color", _select_visible(_BEARD, person))
  beard = draw_part("facialHair", "beardMedium", color)
  if "5_o_Clock_Shadow" in on:
    shadow = draw_part("facialHair", "beardMedium", "#2c1b18")
    layers.append(f'<g opacity=".3">{clip(shadow, _HEAD)}</g>')
  if "Sideburns" in on:
    layers.append(clip(beard, "M60 90h43v62H60zM177 90h43v62h-43z"))
  if "Goatee" in on:
    layers.append(clip(beard, "M114 166h52v50h-52z"))
  if "Mustache" in on:
    mustache = person.pick("mustache", _MUSTACHES)
    layers.append(draw_part("facialHair", mustache, color))
  if not on & {"No_Beard", "Goatee", "Mustache", "5_o_Clock_Shadow"}:
    jaw = "M60 90h43v70l20 16h34l20-16V90h43v130H60z"
    layers.append(clip(beard, jaw))
  return layers


def _pick_skin(person: Person) -> str:
  return _PALE if "Pale_Skin" in person.on else person.pick("skin", _SKIN)


def _select_visible(colors: Sequence[str], person: Person) -> Sequence[str]:
  """Returns the colours that stand out from the person's skin, pale or not."""
  # Both, so that pale skin changes nothing else.
  skins = [_parse_rgb(_PALE), _parse_rgb(person.pick("skin", _SKIN))]
  return [
      color for color in colors
      if all(np.linalg.norm(_parse_rgb(color) - skin) > 30 for skin in skins)
  ]  # fmt: skip


def _parse_rgb(color: str) -> np.ndarray:
  return np.array(list(bytes.fromhex(color[1:])), np.float64)
