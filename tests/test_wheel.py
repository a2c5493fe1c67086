"""What is installed is whole: recipes, shipped weights, data, commands."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

from tests import small_runs


def run(arguments, folder):
  done = subprocess.run(
    list(map(str, arguments)),
    cwd=folder,
    env=small_runs.environment(devices=1) | {"PYTHONPATH": ""},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


@pytest.fixture(scope="module")
def installed(caches, tmp_path_factory):
  """The Python of an environment that has the wheel, and a folder to be in."""
  folder = tmp_path_factory.mktemp("elsewhere")
  pip = [sys.executable, "-m", "pip"]
  options = ["--quiet", "--no-deps", "--disable-pip-version-check"]
  # From a copy: a build leaves its files beside the sources.
  for name in ("akd_jax", "configs"):
    shutil.copytree(small_runs.ROOT / name, folder / "tree" / name)
  for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
    shutil.copy(small_runs.ROOT / name, folder / "tree")
  run([*pip, "wheel", *options, "--wheel-dir", folder, folder / "tree"], folder)
  (wheel,) = folder.glob("akd_jax-*.whl")
  venv = folder / "venv"
  run([sys.executable, "-m", "venv", "--without-pip", venv], folder)
  python = venv / "bin" / "python"
  run([*pip, "--python", python, "install", *options, wheel], folder)
  # Its dependencies are those of the tests; the checkout is not among them.
  (site,) = venv.glob("lib/python*/site-packages")
  (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
  return python, folder


def test_a_wheel_elsewhere_trains_evaluates_and_exports(installed):
  python, folder = installed
  where = run([python, "-c", "import akd_jax; print(akd_jax.__file__)"], folder)
  package = pathlib.Path(where.strip()).parent
  assert package.is_relative_to(folder)
  # The classifier that all machines measure by.
  assert list(package.glob("pretrained/classifiers/classifier-*.npz"))
  # What is copied from there.
  for file in ("torch/torch_program.py", "web/app.js"):
    assert (package / "interop" / file).exists()
  run(
    [
      *(python, "-m", "akd_jax.main", "--config=configs/teacher.py:debug"),
      *("--config.data.image_size=16", "--config.discriminator.layers=2"),
      *("--config.generator.blocks=1", "--config.steps=1"),
      "--config.held_out.images=0",
    ],
    folder,
  )
  run(
    [
      *(python, "-m", "akd_jax.evaluate", "--workdir=runs/debug/teacher"),
      "--attributes=Smiling",
    ],
    folder,
  )
  assert (folder / "runs/debug/teacher/evaluation_partial.json").exists()
  # The weights that are shipped.
  run(
    [
      *(python, "-m", "akd_jax.export", "--workdir=pretrained:avatars"),
      "--out=teacher.npz",
    ],
    folder,
  )
  assert (folder / "teacher.npz").stat().st_size > 10_000
