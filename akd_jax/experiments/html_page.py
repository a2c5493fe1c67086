"""The page that a browser shows: runs side by side, in one file."""

import importlib.resources
import pathlib
from collections.abc import Sequence

from akd_jax.common.files import write_whole
from akd_jax.evaluation import record
from akd_jax.experiments import html_tables as tables
from akd_jax.experiments.columns import columns_of, say_verdict
from akd_jax.experiments.compared import Variant, compare_fields
from akd_jax.experiments.html_faces import Faces
from akd_jax.plotting.curves import choose_colours
from akd_jax.training.pace import format_duration


def write(path: pathlib.Path, page: str) -> None:
  """Writes a page, whole or not at all."""
  with write_whole(path) as partial:
    # Of a path that is no UTF-8 there are bytes that no text has.
    partial.write_text(page, encoding="utf-8", errors="backslashreplace")


def render(
  title: str, command: str, variants: Sequence[Variant], faces: Faces
) -> str:
  """Renders the page.

  Args:
    title: its heading.
    command: that makes it.
    variants: the first is what the others are compared with.
    faces: of people, by each of them.

  Returns:
    HTML that refers to nothing outside of itself.
  """
  # Here, since only those who want a page need it.
  import jinja2

  environment = jinja2.Environment(
    # Names of attributes and directories are text, whatever they look like.
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
  )
  environment.filters["duration"] = format_duration
  environment.filters["readable"] = lambda name: name.replace("_", " ")
  differing, same = compare_fields(variants)
  columns = columns_of(variants)
  first = variants[0]
  said = say_verdict(columns)
  if columns and not first.results:
    said = f"{first.name} has not been evaluated: nothing is compared with it."
  results = [result for variant in variants for result in variant.results]
  shown = dict.fromkeys(x.name for x in (*variants, *reversed(columns)))
  colours = choose_colours(list(shown))
  return environment.from_string(_text("page.html")).render(
    title=title,
    command=command,
    style=_text("page.css"),
    verdict=said,
    variants=variants,
    colours=colours,
    differing=differing,
    same=same,
    figures=tables.figures(columns),
    classifiers=record.say_classifiers(results),
    differences=tables.differences(columns) if first.results else None,
    by_attribute=tables.by_attribute(columns, record.find_doubted(results)),
    faces=faces,
    training=tables.training(variants, colours),
    sizes=tables.sizes(columns, colours),
    leakage=tables.leakage(columns),
  )


def _text(name: str) -> str:
  folder = importlib.resources.files("akd_jax.experiments")
  return (folder / name).read_text(encoding="utf-8")
