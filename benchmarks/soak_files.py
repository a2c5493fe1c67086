"""Reads damaged files of weights and checkpoints, and counts what comes of it.

  python benchmarks/soak_files.py [--cases=500] [--seed=0] [--only=KIND]

So many cases of each kind: a run in one file (a teacher), an exported generator
for NumPy, weights for the classifier as PyTorch's two formats, safetensors and
.npz, and the newest of two checkpoints of a run. odd_weights.py damages them.

Right is a refusal by one line, or the same arrays to the bit, where the damage
hit bits that say nothing; and of the formats that have no checksum the numbers
that are in the file. Of checkpoints the one before is used, and the line says
so. Prints the counts as JSON; ends with 1 if anything else happened: a damaged
file that is believed, a program in it that ran, another exception, more than 10
seconds, or a gigabyte more memory.
"""

import argparse
import collections
import contextlib
import functools
import io
import json
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import zipfile

import jax
import numpy as np
import odd_weights as odd
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import teacher
from akd_jax.evaluation import classifier_training
from akd_jax.evaluation.attribute_classifier import create_network
from akd_jax.inference import exports
from akd_jax.inference.numpy_network import load_numpy
from akd_jax.interop import torch_writer
from akd_jax.interop.torch_resnet import to_torch
from akd_jax.models.resnet import draw_variables
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training import checkpoint, run_dir, run_file
from akd_jax.training.run import Run
from akd_jax.training.state import create_state

SECONDS, MEMORY = 10, 2**30
ATTRIBUTES = ("Hat", "Beard", "Smiling")


class Hang(BaseException):
  """A case took too long."""


def recipe():
  """A config of very small networks, as a run has it."""
  config = teacher.get_config("debug")
  config.data.update(
    {"image_size": 16, "attributes": ATTRIBUTES, "exclusive": ()}
  )
  config.discriminator.layers = 2
  config.generator.blocks = 1
  return ConfigDict(json.loads(config.to_json_best_effort()))


def same(first, second):
  """Whether two trees have the same arrays, to the bit."""
  if jax.tree.structure(first) != jax.tree.structure(second):
    return False
  pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
  return all(
    np.asarray(a).dtype == np.asarray(b).dtype
    and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    for a, b in pairs
  )


def written(write):
  """The content that a function writes to a path."""
  with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file.npz")
    write(path)
    return pathlib.Path(path).read_bytes()


class RunFile:
  """A run in one file, which is a teacher."""

  suffix = ".npz"
  damages = (*odd.BYTES, odd.edit_npz, odd.bomb_npz, odd.edit_config)

  def __init__(self):
    config = recipe()
    networks = system_of(config).create_networks(config)
    state = create_state(config, networks)
    model = Model(state.generator, state.discriminator, networks)
    run = Run(config, ATTRIBUTES, (), model, 7)
    self.content = written(functools.partial(run_file.save_run, run))

  def read(self, path):
    run = run_dir.load_run(path)
    config = run.config.to_json_best_effort()
    return run.model.generator, run.model.discriminator, config, run.step

  def accepts(self, found, expected, content):
    del content
    return same(found[:2], expected[:2]) and found[2:] == expected[2:]


class Exported(RunFile):
  """A generator for NumPy."""

  damages = (*odd.BYTES, odd.edit_npz, odd.bomb_npz, odd.edit_metadata)

  def __init__(self):
    config = recipe()
    networks = system_of(config).create_networks(config)
    state = create_state(config, networks)
    model = Model(state.generator, state.discriminator, networks)
    run = Run(config, ATTRIBUTES, (), model, 7)
    self.content = written(functools.partial(exports.export_numpy, run))

  def read(self, path):
    found = load_numpy(path)
    return found.params, {}, json.dumps(found.about)


class Weights:
  """A classifier's first weights, in one of the formats that are read."""

  def __init__(self):
    self.settings = recipe().classifier
    self.settings.update({"name": "resnet18", "width": 4})
    config = ConfigDict(
      {"classifier": self.settings, "data": {"attributes": ATTRIBUTES}}
    )
    self.network = create_network(config)
    drawn = draw_variables(self.network, 3)
    state = {k: np.float32(v) for k, v in to_torch(drawn).items()}
    self.arrays = {
      k: v for k, v in state.items() if not k.endswith("num_batches_tracked")
    }
    self.content = self.write()

  def read(self, path):
    self.settings.weights = path
    return classifier_training._first_variables(self.network, self.settings)

  def accepts(self, found, expected, content):
    del content
    return same(found, expected)


class TorchZip(Weights):
  """PyTorch's files since 1.6."""

  suffix = ".pth"
  damages = (*odd.BYTES, "program", "evil")

  def write(self, program=None):
    stream = io.BytesIO()
    torch_writer.write_state_dict(stream, self.arrays)
    if program is None:
      return stream.getvalue()
    with zipfile.ZipFile(stream) as archive:
      members = {x: archive.read(x) for x in archive.namelist()}
    members["archive/data.pkl"] = program
    return odd._packed(members, zipfile.ZIP_STORED)


class TorchNpz(Weights):
  """NumPy's, with PyTorch's names."""

  suffix = ".npz"
  damages = odd.BYTES

  def write(self):
    stream = io.BytesIO()
    torch_writer.write_npz(stream, self.arrays)
    return stream.getvalue()


class WithoutChecksum(Weights):
  """A format whose numbers nobody can tell from others."""

  def accepts(self, found, expected, content):
    if same(found, expected):
      return True
    if len(content) != len(self.content):
      return False
    before = self.arrays
    self.arrays = self.numbers(content)
    try:
      again = self.write()
    finally:
      self.arrays = before
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, f"again{self.suffix}")
      pathlib.Path(path).write_bytes(again)
      return same(found, self.read(path))

  def numbers(self, content):
    """The arrays as they lie in a content of the same length."""
    place, gap = len(self.content), self.gap
    found = {}
    for name, value in reversed(self.arrays.items()):
      place -= value.nbytes
      part = content[place : place + value.nbytes]
      found[name] = np.frombuffer(part, "<f4").reshape(value.shape)
      place -= gap
    return dict(reversed(found.items()))


def _program(arrays):
  """Returns the pickle that a state dict is written as."""
  stream = io.BytesIO()
  torch_writer.write_state_dict(stream, arrays)
  with zipfile.ZipFile(stream) as archive:
    return archive.read("archive/data.pkl")


class TorchLegacy(WithoutChecksum):
  """PyTorch's files from before 1.6."""

  suffix, gap = ".pth", 8
  damages = (*odd.BYTES, odd.spoil_numbers, "program", "evil")

  def write(self, program=None):
    program = program or _program(self.arrays)
    return odd.legacy(program, self.arrays)


class Safetensors(WithoutChecksum):
  """Hugging Face's."""

  suffix, gap = ".safetensors", 0
  damages = (*odd.BYTES, odd.spoil_numbers, odd.edit_safetensors)

  def write(self):
    return odd.safetensors(self.arrays)


KINDS = {
  "run file": RunFile,
  "exported for NumPy": Exported,
  "torch zip": TorchZip,
  "torch legacy": TorchLegacy,
  "safetensors": Safetensors,
  "torch npz": TorchNpz,
}


def damaged(kind, rng, canary):
  """Returns the content of a damaged file, and how it was damaged."""
  damage = kind.damages[int(rng.integers(len(kind.damages)))]
  if damage == "evil":
    program = odd.evil_pickle(rng, str(canary))
    return kind.write(program), damage
  if damage == "program":
    whole = _program(kind.arrays)
    return kind.write(odd.odd_program(rng, whole)), damage
  return damage(rng, kind.content), damage.__name__


def outcome(read):
  """Returns what became of reading: a word, and why."""
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  try:
    result = read()
  except UserError as error:
    one_line = "\n" not in str(error) and len(str(error)) < 2000
    result = ("refused" if one_line else "many lines"), str(error)
  except Hang:
    result = "hang", ""
  except Exception:  # noqa: BLE001 - whichever there may be.
    result = "another exception", traceback.format_exc()
  grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
  if 1024 * grown > MEMORY:
    return "memory", f"{grown:,} KiB more; {result}"
  return result


@functools.cache
def whole(kind):
  """What is read of the file that is not damaged."""
  with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, f"whole{kind.suffix}")
    pathlib.Path(path).write_bytes(kind.content)
    return kind.read(path)


def soak_file(kind, rng, folder):
  """Damages and reads one file."""
  canary = folder / "canary"
  content, how = damaged(kind, rng, canary)
  path = folder / f"weights{kind.suffix}"
  path.write_bytes(content)
  expected = whole(kind)

  def read():
    found = kind.read(str(path))
    if content == kind.content or kind.accepts(found, expected, content):
      unlike = not same(jax.tree.leaves(found), jax.tree.leaves(expected))
      return ("as it is in the file" if unlike else "the same"), ""
    return "believed", ""

  signal.alarm(SECONDS)
  result, why = outcome(read)
  signal.alarm(0)
  if canary.exists():
    return "executed", how
  return result, f"{how}: {why}"


class Checkpointed:
  """A run with two checkpoints."""

  def __init__(self, folder):
    self.root = folder / "run"
    self.config = recipe()
    networks = system_of(self.config).create_networks(self.config)
    first = create_state(self.config, networks)
    self.states = {}
    checkpoints = checkpoint.Checkpoints(str(self.root), self.config)
    for step in (2, 4):
      state = jax.tree.map(
        lambda x, step=step: (
          x * step if np.issubdtype(x.dtype, np.floating) else x
        ),
        first,
      ).replace(step=np.int32(step))
      checkpoints.save(state, {"next": step}, {"held_out/score": 1.0 / step})
      self.states[step] = jax.device_get(state)
    checkpoints.close()


def soak_checkpoint(made, rng, folder):
  """Damages the newest checkpoint, and takes up the run."""
  root = folder / "run"
  shutil.copytree(made.root, root)
  newest = root / "checkpoints" / "4"
  how = spoil(rng, newest)
  said = io.StringIO()

  def read():
    with contextlib.redirect_stderr(said):
      checkpoints = checkpoint.Checkpoints(str(root), made.config)
      state, place = checkpoints.restore(made.states[4])
      checkpoints.close()
    step = int(state.step)
    if place != {"next": step} or not same(state, made.states[step]):
      return "believed", ""
    if step == 4:
      return "the same", ""
    line = said.getvalue()
    if "step 4" not in line or line.count("\n") != 1:
      return "not said", line
    return "the one before", ""

  signal.alarm(SECONDS)
  result, why = outcome(read)
  signal.alarm(0)
  return result, f"{how}: {why}"


def spoil(rng, newest):
  """Damages a file of a checkpoint, or takes away a part of it."""
  files = sorted(x for x in newest.rglob("*") if x.is_file())
  path = files[int(rng.integers(len(files)))]
  choice = int(rng.integers(8))
  if choice == 0:
    path.unlink()
    return f"without {path.name}"
  if choice == 1:
    folders = sorted({x.parent for x in files} - {newest})
    gone = folders[int(rng.integers(len(folders)))]
    shutil.rmtree(gone)
    return f"without {gone.name}"
  if choice == 2:
    other = files[int(rng.integers(len(files)))]
    path.write_bytes(other.read_bytes())
    return f"{path.name} is {other.name}"
  if choice == 3:
    for part in newest.iterdir():
      shutil.rmtree(part) if part.is_dir() else part.unlink()
    return "empty"
  content = path.read_bytes()
  damage = odd.BYTES[int(rng.integers(len(odd.BYTES)))]
  path.write_bytes(damage(rng, content) if content else b"x")
  return f"{damage.__name__} of {path.relative_to(newest)}"


def stop(*_):
  raise Hang


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("--cases", type=int, default=500)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--only", choices=[*KINDS, "checkpoints"])
  parser.add_argument("--case", type=int, help="this one alone")
  args = parser.parse_args()
  signal.signal(signal.SIGALRM, stop)
  report, bad = {"seed": args.seed, "cases": args.cases}, 0
  every = [*KINDS, "checkpoints"]
  for name in [args.only] if args.only else every:
    with tempfile.TemporaryDirectory() as base:
      if name == "checkpoints":
        subject, soak = Checkpointed(pathlib.Path(base)), soak_checkpoint
      else:
        subject, soak = KINDS[name](), soak_file
      counts = collections.Counter()
      numbers = range(args.cases) if args.case is None else [args.case]
      for number in numbers:
        rng = np.random.default_rng((args.seed, 2 + every.index(name), number))
        with tempfile.TemporaryDirectory() as folder:
          result, why = soak(subject, rng, pathlib.Path(folder))
        counts[result] += 1
        if result not in RIGHT:
          bad += 1
          print(f"{name} {number}: {result}: {why}", file=sys.stderr)
    report[name] = dict(counts)
  print(json.dumps(report, indent=2))
  sys.exit(bool(bad))


RIGHT = ("refused", "the same", "as it is in the file", "the one before")

if __name__ == "__main__":
  main()
