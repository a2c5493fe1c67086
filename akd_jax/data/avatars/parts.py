"""Pieces of SVG: the parts of DiceBear's Avataaars style, and plain shapes."""

import functools
import importlib.metadata
import json
import xml.etree.ElementTree as ElementTree
import zlib
from importlib.resources import files
from typing import Any

SVG = "http://www.w3.org/2000/svg"
_UNUSED = "#010203"


@functools.cache
def _load_style() -> tuple[Any, dict[str, Any]]:
  """Returns DiceBear's style and its definition."""
  from dicebear import Style

  text = files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8")
  definition = json.loads(text)
  return Style(definition), definition


def find_style_version() -> str:
  """Returns the version of the artwork."""
  return importlib.metadata.version("dicebear-styles")


def draw_body(skin: str) -> str:
  """Draws head, neck and the shadow of the chin: the style's fixed paths."""
  paths = []
  for element in _load_style()[1]["canvas"]["elements"]:
    if element["name"] == "path":
      attributes = dict(element["attributes"])
      if isinstance(attributes["fill"], dict):
        attributes["fill"] = skin
      text = "".join(f' {k}="{v}"' for k, v in attributes.items())
      paths.append(f"<path{text}/>")
  return "".join(paths)


@functools.cache
def draw_part(
  component: str, variant: str, color: str = "", edit: str = ""
) -> str:
  """Draws one part at its place on the canvas, as SVG text.

  Args:
    component: DiceBear's component.
    variant: which of its variants.
    color: the colour, for a component that has one.
    edit: a further transformation in the part's own coordinates.
  """
  from dicebear import Avatar

  style, definition = _load_style()
  options: dict[str, Any] = {"seed": "", "backgroundColor": [_UNUSED]}
  for name, content in definition["components"].items():
    chosen = variant if name == component else next(iter(content["variants"]))
    options[f"{name}Variant"] = [chosen]
    options[f"{name}Probability"] = 100 if name == component else 0
  # DiceBear replaces a colour that equals the skin's or the background's, so
  # these are given one that nothing has.
  own = ("hair", "hat") if component == "top" else (component,)
  for name in definition["colors"]:
    options[f"{name}Color"] = [color if color and name in own else _UNUSED]
  tree = ElementTree.fromstring(Avatar(style, options).to_string())
  ElementTree.register_namespace("", SVG)
  drawn = next(
      element for element in tree.iter()
      if element.get("id", "").startswith(f"{component}-{variant}-")
  )  # fmt: skip
  place = next(
    element["attributes"]["transform"]
    for element in definition["canvas"]["elements"]
    if element["name"] == component
  )
  text = ElementTree.tostring(drawn, encoding="unicode")
  return f'<g transform="{place} {edit}">{text}</g>'


def draw_circle(
  x: float, y: float, radius: float, color: str, opacity: float
) -> str:
  """Draws a disc around (x, y)."""
  return (
    f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"'
    f' fill-opacity="{opacity}"/>'
  )


def draw_lines(path: str, width: float, opacity: float) -> str:
  """Draws black strokes along `path`."""
  return (
    f'<path d="{path}" stroke="black" stroke-width="{width}"'
    f' stroke-opacity="{opacity}" stroke-linecap="round"/>'
  )


def clip(drawing: str, path: str) -> str:
  """Cuts off what of a drawing lies outside `path`."""
  name = f"cut{zlib.crc32(path.encode())}"
  return (
    f'<clipPath id="{name}"><path d="{path}"/></clipPath>'
    f'<g clip-path="url(#{name})">{drawing}</g>'
  )
