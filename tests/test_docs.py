"""What the documentation names is there."""

import dataclasses
import importlib.util
import pathlib
import re
import types

import numpy as np
import pytest
from PIL import Image

from akd_jax.common.config import RECIPES, RENAMED
from akd_jax.configs import student
from akd_jax.distillation import METHODS
from akd_jax.distillation.method import Lesson, Method
from akd_jax.evaluation.metrics import METRICS
from akd_jax.plotting import sample_grid

ROOT = pathlib.Path(__file__).parents[1]
DOCS = ROOT / "docs"
WRITTEN = [
  *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
  ROOT / "benchmarks" / "README.md",
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
# Those that docs/extending.md adds.
EXAMPLES = ("squared", "brightness", "postcards")


def without_examples(names: list[str]) -> list[str]:
  return [x for x in names if not any(example in x for example in EXAMPLES)]


def name_of(path: pathlib.Path) -> str:
  return str(path.relative_to(ROOT))


def has_field(name: str) -> bool:
  """Whether a student's or a system's recipe has a field, now or once."""
  # A second label set has the fields of the first.
  name = name.replace("data.second.", "data.")
  recipes = (student, *RECIPES.values())
  return any(
    _has(x.get_config("debug").to_dict(), RENAMED.get(name, name))
    for x in recipes
  )


def _has(fields: dict, name: str) -> bool:
  for part in name.split("."):
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
  for name in without_examples(FILE.findall(text)):
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
  for name in without_examples(fields):
    assert has_field(name), name


def test_every_benchmark_that_is_a_command_has_its_line():
  folder = ROOT / "benchmarks"
  listed = (folder / "README.md").read_text()
  commands = [
    path.name
    for path in folder.glob("*.py")
    if f"\n  python benchmarks/{path.name}" in path.read_text()
  ]
  assert len(commands) > 20
  # soak.py starts this one.
  commands.remove("soak_struck.py")
  unlisted = [x for x in commands if f"benchmarks/{x}" not in listed]
  assert not unlisted


def cells(page: str) -> set[str]:
  """What the first columns of a page's tables name."""
  rows = re.findall(r"^\| ([^|]*) \|", (DOCS / page).read_text(), re.MULTILINE)
  return {x.strip("`- ") for row in rows for x in row.split(", ")}


def test_every_method_has_its_line():
  assert set(METHODS) <= cells("method.md")


def test_every_part_of_a_method_has_its_line():
  fields = {x.name for x in dataclasses.fields(Method)} | set(Lesson._fields)
  assert fields <= cells("extending.md")


@pytest.mark.parametrize(
  "name",
  [
    "attention_iou",
    "mask_inside",
    "mask_iou",
    "face_distance",
    "face_kept",
    "change_inside",
  ],
)
def test_a_figure_has_its_line(name):
  assert METRICS[name].title in cells("metrics.md")


def test_the_readme_takes_five_minutes():
  assert len((ROOT / "README.md").read_text().split()) <= 900


@pytest.mark.parametrize(
  "page", [ROOT / "README.md", DOCS / "findings" / "distillation.md"], ids=str
)
def test_the_students_have_the_accuracy_of_the_published_numbers(page):
  numbers = (DOCS / "results" / "distillation.csv").read_text()
  found = re.findall(r"^(.*),\d,accuracy,,(.*)$", numbers, re.MULTILINE)
  (row,) = [
    line
    for line in page.read_text().splitlines()
    if line.startswith("| accuracy (true translations")
  ]
  for variant in ("that pays", "attention", "untaught"):
    values = [float(value) for name, value in found if name == variant]
    assert f"| {np.mean(values):.1f} ± {np.std(values, ddof=1):.1f} % |" in row


class Faces:
  """Black pictures of people who lack both attributes."""

  attributes, exclusive = ("Eyeglasses", "Smiling"), ()

  def __len__(self) -> int:
    return 5

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    image = np.zeros((16, 16, 3), np.uint8)
    return {"image": image, "label": np.zeros(2, np.uint8)}


def load_script(name: str) -> types.ModuleType:
  """A script of docs/, as a module."""
  spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
  assert spec and spec.loader
  script = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(script)
  return script


def test_people_are_named_after_what_they_have(tmp_path):
  class Smilers(Faces):
    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
      label = np.array([index % 2, 1], np.uint8)
      return super().__getitem__(index) | {"label": label}

  load_script("people").write(Smilers(), tmp_path)
  names = [f"{i}_Eyeglasses_Smiling" if i % 2 else f"{i}_Smiling"
           for i in range(5)]  # fmt: skip
  assert sorted(x.stem for x in tmp_path.iterdir()) == names
  with Image.open(tmp_path / "0_Smiling.png") as picture:
    assert picture.size == (16, 16)


def test_faces_are_a_line_of_every_network_for_each_person(monkeypatch):
  faces = load_script("faces")

  def paint(network, images, wanted):
    assert not wanted.labels.any()
    targets = wanted.targets
    # A colour tells the network and the attributes that are on.
    colours = np.stack([np.full(len(images), network.red), *targets.T], axis=1)
    return np.broadcast_to(
      colours[:, None, None].astype(np.uint8), images.shape
    )

  monkeypatch.setattr(faces, "translate", paint)
  networks = [
    types.SimpleNamespace(name=name, red=red)
    for name, red in (("teacher", 200), ("student", 100))
  ]
  picture = faces.draw(Faces(), networks)
  seen = {
    (network.name, column): np.argwhere(
      (picture == (network.red, column == 0, column == 1)).all(-1)
    )
    for network in networks
    for column in (0, 1)
  }
  # As large as the person's picture, so nothing is laid over it.
  assert {len(x) for x in seen.values()} == {faces.PEOPLE * sample_grid.CELL**2}
  for column in (0, 1):
    teacher, student_ = seen["teacher", column], seen["student", column]
    assert teacher[0, 0] < student_[0, 0]
    assert teacher[0, 1] == student_[0, 1]
