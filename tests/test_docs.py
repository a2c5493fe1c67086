"""What the documentation names is there."""

import importlib.util
import pathlib
import re

import numpy as np
import pytest

from akd_jax.common.config import RENAMED
from akd_jax.configs import student
from akd_jax.data import pipeline
from akd_jax.data.attributes import set_attribute
from akd_jax.inference.translator import load_translators, translate
from akd_jax.training.run_dir import load_run
from tests.training import ROOT, shared_runs  # noqa: F401

DOCS = ROOT / "docs"
WRITTEN = [
  *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
  *DOCS.glob("*.md"),
  *(DOCS / "findings").glob("*.md"),
]
# Those of experiments stay as a command once wrote them.
PAGES = [*WRITTEN, *(DOCS / "results").glob("*.md")]

LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MODULE = re.compile(r"python -m (akd_jax[\w.]*)")
FILE = re.compile(
  r"(?<![\w./-])((?:akd_jax|configs|launch|benchmarks|docs|tests)/[\w/.]*\w)"
)
# config.SECTION.FIELD, and `SECTION.FIELD` where the section is known.
FIELD = re.compile(r"(?<![\w/])config\.([a-z_\d]+(?:\.[a-z_\d]+)*)(?!\.?\w)")
QUOTED = re.compile(r"`([a-z_]+\.[a-z_.\d]*[a-z_\d])\b")
ENDINGS = ("json", "jsonl", "md", "png", "py")


def name_of(path: pathlib.Path) -> str:
  return str(path.relative_to(ROOT))


def has_field(name: str) -> bool:
  """Whether a student's recipe has a field, by its name now or once."""
  fields = student.get_config("debug").to_dict()
  for part in RENAMED.get(name, name).split("."):
    if not isinstance(fields, dict) or part not in fields:
      return False
    fields = fields[part]
  return True


def anchors(page: pathlib.Path) -> set[str]:
  """What a link can point to in a page, as GitHub names its headings."""
  return {
    re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    for heading in HEADING.findall(page.read_text())
  }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_picture_is_there(page):
  for link in LINK.findall(page.read_text()):
    if link.startswith(("http:", "https:")):
      continue
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    assert target.exists(), link
    assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_module_and_file_named_is_there(page):
  text = page.read_text()
  for module in MODULE.findall(text):
    assert importlib.util.find_spec(module), module
  for name in FILE.findall(text):
    assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_field_named_is_one_of_the_recipe(page):
  text = page.read_text()
  fields = [x for x in FIELD.findall(text) if x not in ENDINGS]
  sections = student.get_config("debug").to_dict()
  for name in QUOTED.findall(text):
    section, *_, last = name.split(".")
    if isinstance(sections.get(section), dict) and last not in ENDINGS:
      fields.append(name)
  for name in fields:
    assert has_field(name), name


def test_the_readme_takes_five_minutes():
  assert len((ROOT / "README.md").read_text().split()) <= 900


def test_the_untaught_student_has_one_accuracy():
  quickstart = (ROOT / "launch" / "quickstart.sh").read_text()
  (accuracy,) = re.findall(r'^untaught="(\S+?) ?%"', quickstart, re.MULTILINE)
  readme = (ROOT / "README.md").read_text()
  page = (DOCS / "findings" / "quickstart.md").read_text()
  for text, row in ((readme, "accuracy"), (page, "**mean**")):
    (line,) = [x for x in text.splitlines() if x.startswith(f"| {row} ")][:1]
    assert f"| {accuracy}" in line


def test_faces_are_those_of_both_networks_without_attention(runs, monkeypatch):
  spec = importlib.util.spec_from_file_location("faces", DOCS / "faces.py")
  assert spec and spec.loader
  faces = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(faces)
  drawn = []
  monkeypatch.setattr(
    faces.sample_grid, "sample_sheet", lambda *parts: drawn.append(parts)
  )
  run = load_run(str(runs.student))
  source = pipeline.open_source(run.config.data, "test")
  networks = load_translators(run)
  faces.draw(source, networks)
  ((_, attributes, images, lines),) = drawn
  labels = np.stack([source[i]["label"] for i in range(faces.PEOPLE)])
  assert [line.legend for line in lines] == ["teacher", "student"]
  for line, network in zip(lines, networks, strict=True):
    assert line.attention is None
    for column, name in enumerate(attributes):
      target = set_attribute(labels, attributes, name, source.exclusive)
      alone = translate(network, images, target, labels)
      np.testing.assert_array_equal(line.images[:, column], alone)
