"""Imports go one way, and files stay readable."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "akd_jax"
FILES = sorted(PACKAGE.rglob("*.py"))

# The rooms, from the ground up: each imports only from itself and from those
# before it. Commands stand above all of them, and so does what they share with
# Python code: api.py.
ROOMS = [
  "common",
  "plotting",
  "interop",
  "data",
  "models",
  "systems",
  "distillation",
  "training",
  "inference",
  "evaluation",
  "experiments",
]


def room_of(path: Path) -> str:
  """The room of a file; "" of commands and of the package itself."""
  first, *deeper = path.relative_to(PACKAGE).parts
  return first if deeper else ""


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


def rooms_imported(path: Path) -> set[str]:
  """What a file imports of the package, but for recipes."""
  parts = [name.split(".") for name in imports(path)]
  return {p[1] for p in parts if p[0] == "akd_jax"} - {"configs"}


def test_every_folder_is_a_room():
  folders = {p.name for p in PACKAGE.iterdir() if list(p.glob("*.py"))}
  assert folders == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
  room = room_of(path)
  below = ROOMS[: ROOMS.index(room) + 1] if room else [*ROOMS, "api"]
  assert rooms_imported(path) <= set(below)


def test_recipes_import_only_recipes():
  for path in (ROOT / "configs").rglob("*.py"):
    known = ("akd_jax.configs", "ml_collections", "typing", "collections.abc")
    assert all(name.startswith(known) for name in imports(path)), path


def test_only_commands_import_what_commands_share():
  # It defines a flag, which another program may have, too.
  users = {path for path in FILES if "akd_jax.common.cli" in imports(path)}
  assert users and not any(map(room_of, users))


def test_only_the_loop_and_its_writers_import_clu():
  assert importers("clu") <= {"training/loop.py", "training/writers.py"}


def test_only_data_imports_tensorflow_datasets():
  for name in importers("tensorflow_datasets"):
    assert name.startswith("data/")


def test_only_the_pipeline_imports_grain():
  assert importers("grain") == {"data/pipeline.py"}


def test_a_command_that_does_not_train_starts_without_tensorflow():
  slow = {"tensorflow", "tensorflow_datasets", "clu", "matplotlib", "torch"}
  for path in FILES:
    if path.relative_to(PACKAGE).as_posix() in (
      "training/loop.py",
      "training/writers.py",
      "interop/torch/torch_program.py",  # Copied away, and imported there.
    ):
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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_takes_more_than_seven_arguments(path):
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.FunctionDef):
      every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
      names = [a.arg for a in every if a.arg not in ("self", "cls")]
      assert len(names) <= 7, node.name
