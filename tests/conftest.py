"""What all tests share: how they compile, and networks that cost nothing."""

import gc
import importlib.metadata
import os
import pathlib
import shutil

# Tests compile far more than they compute, so all that makes a program fast
# is left out. Set before JAX starts; commands that a test starts as processes
# inherit it.
os.environ["XLA_FLAGS"] = " ".join(
  [
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    # In one piece: the other core has another test.
    "--xla_cpu_parallel_codegen_split_count=1",
    # The older emitter takes a third of the time. JAX 0.12 has lost it.
    "--xla_cpu_use_fusion_emitters=false"
    if importlib.metadata.version("jax").startswith("0.10.")
    else "",
    os.environ.get("XLA_FLAGS", ""),
  ]
)
# Every program is kept, however quick to compile: another process needs it.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags

from akd_jax.common import cache

# What JAX traces lives on: to look for garbage among it takes a twentieth of
# the time.
gc.set_threshold(100_000, 50, 100)
# No test goes through app.run; what reads a flag finds its default.
flags.FLAGS.mark_as_parsed()


# Files that neither train nor compile a network: `pytest -m quick`.
_QUICK = (
  "common/test_config",
  "common/test_files",
  "data/test_celeba",
  "data/test_folder",
  "data/test_images",
  "data/test_photos",
  "data/test_table",
  "evaluation/test_agreement",
  "evaluation/test_counterfactual",
  "evaluation/test_distances",
  "evaluation/test_frechet",
  "evaluation/test_gender",
  "evaluation/test_identity",
  "evaluation/test_leakage",
  "evaluation/test_localization",
  "evaluation/test_metrics",
  "evaluation/test_record",
  "evaluation/test_selection",
  "evaluation/test_table",
  "experiments/test_markdown_page",
  "experiments/test_statistics",
  "inference/test_photos",
  "interop/test_torch_file",
  "plotting/test_curves",
  "plotting/test_lettering",
  "plotting/test_sample_grid",
  "systems/test_losses",
  "test_configs",
  "test_docs",
  "test_style",
  "training/test_metrics_file",
  "training/test_optimizers",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  """Marks the tests of the files above."""
  here = pathlib.Path(__file__).parent
  for item in items:
    name = item.path.relative_to(here).with_suffix("").as_posix()
    if name in _QUICK:
      item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """Sends every cache, of all processes of these tests, to one new folder.

  Drawn avatars and compiled programs are shared, but not among the user's.
  Returns the folder above it, which is common to all of pytest's workers.
  """
  root = tmp_path_factory.getbasetemp()
  if "PYTEST_XDIST_WORKER" in os.environ:
    root = root.parent
  os.environ["XDG_CACHE_HOME"] = str(root / "cache")
  cache.use_persistent_cache()
  return root


# Imported where they are made: most tests need no training.


@pytest.fixture(scope="session")
def runs(caches: pathlib.Path) -> Any:
  """`small_runs.Runs` that all tests share; not to be written to."""
  from tests import small_runs

  student, teacher = (caches / "shared" / who for who in ("student", "teacher"))
  command = small_runs.student_command(student, teacher)
  output = small_runs.output_of(command, student)
  return small_runs.Runs(student, teacher, output)


@pytest.fixture(scope="session")
def untrained_teacher(
  caches: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
  """A file of a teacher of small students that nobody had to train."""
  from akd_jax.systems.model import Model
  from akd_jax.systems.stargan import create_networks
  from akd_jax.training import run_file
  from akd_jax.training.run import Run
  from tests import small_runs

  config = small_runs.resolved(small_runs.teacher_config())
  networks = create_networks(config)
  names = tuple(config.data.attributes)
  image = (1, config.data.image_size, config.data.image_size, 3)
  model = Model(
    _initialize(networks.generator, image, (1, len(names))),
    _initialize(networks.discriminator, image, seed=1),
    networks,
  )
  path = str(tmp_path_factory.mktemp("untrained") / "teacher.npz")
  run_file.save_run(Run(config, names, (), model, config.steps), path)
  return path


@pytest.fixture
def unfinished_teacher(runs: Any, tmp_path: pathlib.Path) -> pathlib.Path:
  """A copy of the teacher of `runs`, as it was two steps before its end."""
  from tests import small_runs

  copy = tmp_path / "teacher"
  shutil.copytree(runs.teacher, copy)
  shutil.rmtree(copy / "checkpoints" / str(small_runs.TEACHER_STEPS))
  return copy


@pytest.fixture(scope="session")
def shapes_of() -> Callable[..., Any]:
  """(network, shapes of its inputs) -> its parameters' shapes, no values."""
  return _shapes_of


@pytest.fixture(scope="session")
def initialize() -> Callable[..., Any]:
  """(network, shapes of its inputs, seed=0) -> parameters.

  Filled by NumPy: `init` would have to be compiled for each network. Norms and
  biases are not at their start values, so that none of them can be left out.
  """
  return _initialize


def _shapes_of(network: nn.Module, *inputs: tuple[int, ...]) -> Any:
  variables = jax.eval_shape(
    lambda: network.init(jax.random.key(0), *map(jnp.zeros, inputs))
  )
  return variables["params"]


def _initialize(
  network: nn.Module, *inputs: tuple[int, ...], seed: int = 0
) -> Any:
  rng = np.random.default_rng(seed)

  def fill(path, leaf):
    noise = rng.normal(size=leaf.shape)
    if leaf.ndim > 1:
      noise *= np.prod(leaf.shape[:-1]) ** -0.5
    else:
      noise = 0.3 * noise + (path[-1].key == "scale")
    return jnp.asarray(noise, leaf.dtype)

  return jax.tree_util.tree_map_with_path(fill, _shapes_of(network, *inputs))
