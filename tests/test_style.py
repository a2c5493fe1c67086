"""Imports go one way, and files stay readable."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "akd_jax"
FILES = sorted(PACKAGE.rglob("*.py"))

# What data flows through, in its order: each imports only what stands before
# it. A folder is one entry.
ORDER = [
  "errors",
  "files",
  "cli",
  "overrides",
  "compilation",
  "pieces",
  "interruption",
  "validation",
  "data",
  "models",
  "attention",
  "losses",
  "state",
  "draws",
  "distillation",
  "objectives",
  "steps",
  "parallel",
  "checkpoint",
  "runs",
  "teaching",
  "metrics",
  "interop",
  "classify",
  "judge",
  "reference",
  "pictures",
  "curves",
  "matrices",
  "inference",
  "samples",
  "trials",
  "subjects",
  "portraits",
  "evaluation",
  "comparison",
  "summary",
  "window",
  "writers",
  "train",
  "jobs",
  "report",
  "experiment",
  "evaluate",
  "export",
  "main",
]
# Commands: no file imports them.
COMMANDS = ("evaluate", "experiment", "export", "main")


def name_of(path: Path) -> str:
  """Its entry in ORDER."""
  return path.relative_to(PACKAGE).with_suffix("").parts[0]


@functools.cache
def imports(path: Path, at_start: bool = False) -> list[str]:
  """Dotted names of all that a file imports: anywhere, or when it starts."""
  tree = ast.parse(path.read_text())
  names = []
  for node in tree.body if at_start else ast.walk(tree):
    if isinstance(node, ast.Import):
      names += [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f"{path}: relative import"
      names += [f"{node.module}.{alias.name}" for alias in node.names]
  return names


def importers(package: str) -> set[str]:
  return {
    path.relative_to(PACKAGE).as_posix()
    for path in FILES
    if any(name.split(".")[0] == package for name in imports(path))
  }


def ours(path: Path) -> set[str]:
  """Entries of ORDER that a file imports, but for its own (and recipes)."""
  parts = [name.split(".") for name in imports(path)]
  names = {p[1] for p in parts if p[0] == "akd_jax"}
  return names - {name_of(path), "__init__", "configs"}


def test_every_file_has_its_place_in_the_order():
  found = {name_of(path) for path in FILES} - {"__init__"}
  assert found <= set(ORDER), "give new files a place in ORDER"
  assert set(ORDER) <= found, "these files are gone: take them out of ORDER"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
  if name_of(path) == "__init__":
    assert not ours(path)
    return
  before = ORDER[: ORDER.index(name_of(path))]
  assert ours(path) <= set(before)


def test_only_two_files_import_train_and_no_command_is_imported():
  for path in FILES:
    assert not ours(path) & set(COMMANDS), path
    if name_of(path) not in ("jobs", "main"):
      assert "train" not in ours(path), path


def test_recipes_import_only_recipes():
  for path in (ROOT / "configs").rglob("*.py"):
    known = ("akd_jax.configs", "ml_collections", "typing", "collections.abc")
    assert all(name.startswith(known) for name in imports(path)), path


def test_only_training_and_its_writers_import_clu():
  assert importers("clu") <= {"train.py", "writers.py"}


def test_only_data_imports_tensorflow_datasets():
  for name in importers("tensorflow_datasets"):
    assert name.startswith("data/")


def test_only_the_pipeline_imports_grain():
  assert importers("grain") == {"data/pipeline.py"}


def test_a_command_that_does_not_train_starts_without_tensorflow():
  slow = {"tensorflow", "tensorflow_datasets", "clu", "matplotlib", "torch"}
  for path in FILES:
    if name_of(path) in ("train", "writers"):
      continue
    at_start = {name.split(".")[0] for name in imports(path, at_start=True)}
    assert not at_start & slow, path


def test_nothing_is_unpickled():
  assert not importers("pickle") | importers("dill")


@pytest.mark.parametrize(
  "path",
  [*FILES, *sorted((ROOT / "configs").rglob("*.py"))],
  ids=lambda p: str(p.relative_to(ROOT)),
)
def test_no_file_is_longer_than_300_lines(path):
  assert len(path.read_text().splitlines()) <= 300
