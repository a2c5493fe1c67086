"""Kills and signals over all commands and phases: is anything lost?

A case is a command in a fresh directory. It is struck, started again and struck
again, up to ten times, and then left alone. What is there in the end has to be
what an undisturbed run has left, to the bit. In between, whatever has a name is
whole; a signal ends a command with status 75 and without a traceback.
"""

import collections
import contextlib
import filecmp
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from soak_progress import Progress

ROOT = pathlib.Path(__file__).parents[1]
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
STOPPED = 75
MOST_STRIKES = 10
# Seconds in which a command ends on the busiest machine, or hangs.
PATIENCE = 1800
_NETWORKS = {
  "data.image_size": 16,
  "discriminator.layers": 2,
  "teacher_recipe.discriminator.layers": 2,
  "generator.blocks": 1,
  "teacher_recipe.generator.blocks": 1,
}
_EVALUATION = {"evaluation.images": 8, "evaluation.probe_images": 2}


def _fields(fields):
  return [f"--config.{name}={value}" for name, value in fields.items()]


def _recipe(name):
  return f"--config={ROOT}/configs/{name}.py:debug"


_TEACHER = [
  "akd_jax.main", _recipe("teacher"), "--workdir=alone",
  *_fields({k: v for k, v in _NETWORKS.items() if "teacher_" not in k}),
  *_fields({"steps": 8}),
]  # fmt: skip
_STUDENT = [
  "akd_jax.main", _recipe("student"), "--workdir=student",
  *_fields({"teacher": "teacher", "steps": 8} | _NETWORKS | _EVALUATION),
]  # fmt: skip
# Name -> the command, and whether it needs a trained student.
COMMANDS = {
  "teacher": (_TEACHER, False),
  "student": (_STUDENT, False),
  "evaluate": (["akd_jax.evaluate", "--workdir=student"], True),
  "export": (
    ["akd_jax.export", "--workdir=student", "--format=torch", "--out=torch"],
    True,
  ),
  "translate": (
    [
      "akd_jax.translate", "--workdir=student", "--all", "--crop=0",
      "--out=out", "photos",
    ],
    True,
  ),
  "experiment": (
    [
      "akd_jax.experiment", "--name=paper1_table1:debug", "--seeds=1",
      "--root=runs", *_fields(_NETWORKS | _EVALUATION),
    ],
    False,
  ),
}  # fmt: skip
# Which phases a command has, and the last of their beginnings that is struck:
# a run that goes on has fewer to come.
_TRAINING = {
  "start-up": 1, "data": 3, "compile": 25, "training": 3, "checkpoint": 2,
  "commit": 2, "writing": 3, "evaluation": 3,
}  # fmt: skip
PHASES = {
  "teacher": _TRAINING,
  "student": _TRAINING,
  "evaluate": {
    "start-up": 1, "data": 3, "compile": 25, "writing": 3, "evaluation": 8,
  },
  "experiment": _TRAINING,
  "export": {"start-up": 1, "writing": 2},
  "translate": {
    "start-up": 1, "compile": 6, "writing": 4, "evaluation": 2,
  },
}  # fmt: skip
# Of a phase's later part; a compilation takes longest.
_LONGEST = {"start-up": 4.0, "compile": 1.0, "commit": 0.0}


class Lost(Exception):
  """Something is not as it would be undisturbed."""


def environment(case, compiled):
  """A user's cache of their own; compiled programs are shared, or not."""
  return os.environ | {
    "XDG_CACHE_HOME": str(case / "cache"),
    "JAX_COMPILATION_CACHE_DIR": str(compiled),
    "JAX_PLATFORMS": "cpu",
    # So that small programs are kept, too.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    # Matplotlib's list of fonts takes ten seconds.
    "MPLCONFIGDIR": str(case.parent / "matplotlib"),
    "PYTHONPATH": str(ROOT),
  }


def run(argv, case, compiled):
  """Runs a command of its own process group, of which nothing is left."""
  process = subprocess.Popen(
    argv, cwd=case, env=environment(case, compiled), stdin=subprocess.DEVNULL,
    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    start_new_session=True,
  )  # fmt: skip
  try:
    output, errors = process.communicate(timeout=PATIENCE)
    _wait_for_all(process.pid)
  except subprocess.TimeoutExpired:
    raise Lost(f"hangs: {' '.join(argv)}") from None
  finally:
    with contextlib.suppress(ProcessLookupError):
      os.killpg(process.pid, signal.SIGKILL)
    process.wait()
  return process.returncode, output, errors


def _wait_for_all(group):
  """Waits until no process that a command has started is left."""
  for _ in range(100):
    try:
      os.killpg(group, 0)
    except ProcessLookupError:
      return
    time.sleep(0.1)
  raise Lost("processes that it has started are left")


def undisturbed(command, case, compiled):
  status, _, errors = run([sys.executable, "-m", *command], case, compiled)
  if status:
    raise Lost(f"ended with {status}: {errors[-500:]}")


def _prepare(case, name, references):
  """Makes the directory of a case: empty, or with a trained student."""
  shutil.rmtree(case, ignore_errors=True)
  case.mkdir(parents=True)
  _, needs_student = COMMANDS[name]
  if needs_student:
    for folder in ("student", "teacher", "photos"):
      shutil.copytree(references / "trained" / folder, case / folder)
  return case


def _reference(name, references, compiled):
  """What the command leaves when nothing disturbs it; made once."""
  trained = references / "trained"
  done = references / ".done"
  done.mkdir(parents=True, exist_ok=True)
  if not (done / "trained").exists():
    shutil.rmtree(trained, ignore_errors=True)
    trained.mkdir()
    undisturbed(_STUDENT, trained, compiled)
    _write_photos(trained / "photos")
    (done / "trained").touch()
  case = references / name
  if not (done / case.name).exists():
    _prepare(case, name, references)
    undisturbed(COMMANDS[name][0], case, compiled)
    (done / case.name).touch()
  return case


def _write_photos(folder):
  import numpy as np
  from PIL import Image

  folder.mkdir()
  pixels = np.random.default_rng(0).integers(0, 255, (4, 40, 40, 3), np.uint8)
  for i, image in enumerate(pixels):
    Image.fromarray(image).save(folder / f"{i}.png")


def strike(name, case, compiled, rng, kill):
  """Strikes once: "SIGNAL, PHASE", or None where the command had ended."""
  # Each phase as often, but what is over at once.
  phases = PHASES[name]
  phase = rng.choice(sorted(phases))
  count = rng.randint(1, phases[phase])
  delay = rng.uniform(0, _LONGEST.get(phase, 0.3))
  number = "SIGKILL" if kill else rng.choice(SIGNALS)
  cold = phase == "compile" and rng.random() < 0.25
  if cold:
    compiled = case / "cold"
  argv = [
    sys.executable, str(ROOT / "benchmarks/soak_struck.py"), number, phase,
    str(count), f"{delay:.3f}", *COMMANDS[name][0],
  ]  # fmt: skip
  status, output, errors = run(argv, case, compiled)
  shutil.rmtree(case / "cold", ignore_errors=True)
  where = f"{number}, {phase} {count} + {delay:.3f} s"
  if status == 0:
    return None
  if status == -signal.Signals[number]:
    # Before the command listens, which takes a moment, a signal does what it
    # does to any process.
    if not kill and phase != "start-up":
      raise Lost(f"{where}: ended by it")
  elif kill or status != STOPPED:
    raise Lost(f"{where}: status {status}: {errors[-800:]}")
  elif "Traceback" in errors or "topped" not in output + errors:
    raise Lost(f"{where}: says {output[-300:]} {errors[-800:]}")
  try:
    _check_whole(case, clean=not kill)
  except Lost as error:
    raise Lost(f"{where}: {error}") from None
  return f"{number}, {phase}{', nothing compiled' if cold else ''}"


def _check_whole(case, clean):
  """Whatever has a name can be read; after a signal, nothing else is there."""
  import numpy as np
  from PIL import Image

  for path in sorted(case.rglob("*")):
    if path.is_dir() or "cache" in path.parts or "checkpoints" in path.parts:
      continue
    if path.name.startswith("."):
      if clean and path.name not in (".lock", ".holder"):
        raise Lost(f"{path} is left")
      continue
    try:
      if path.suffix == ".png":
        Image.open(path).load()
      elif path.suffix == ".json":
        json.loads(path.read_text())
      elif path.suffix == ".npz":
        with np.load(path) as arrays:
          [arrays[x] for x in arrays.files]
    except Exception as error:
      raise Lost(f"{path} is not whole: {error}") from None


_CLOCKS = {"time", "uptime", "steps_per_sec"}


def _compare(case, reference):
  """Both directories hold the same, but for what says when it was made."""
  from akd_jax.common.array_digest import digest_arrays
  from akd_jax.training import checkpoint

  found, wanted = _contents(case), _contents(reference)
  if found != wanted:
    raise Lost(f"other files: {sorted(found ^ wanted)}")
  for name in sorted(found):
    ours, theirs = case / name, reference / name
    if name.endswith("curves.png"):
      same = True  # Clocks are drawn, too.
    elif name.endswith("metrics.jsonl"):
      same = _lines(ours) == _lines(theirs)
    elif name.endswith("evaluation.json"):
      same = _figures(ours) == _figures(theirs)
    elif name.endswith("config.json"):
      # Whose fields have no order.
      same = json.loads(ours.read_text()) == json.loads(theirs.read_text())
    elif name.endswith(".html"):
      same = _without_clocks(ours) == _without_clocks(theirs)
    elif name.endswith((".md", ".csv")):
      same = _without_times(ours) == _without_times(theirs)
    elif name.endswith("checkpoints"):
      # Whoever is stopped saves one more, which may be kept longer.
      runs = str(ours.parent), str(theirs.parent)
      steps, wanted = (list(checkpoint.list_steps(x)) for x in runs)
      same = steps[-1] == wanted[-1] and all(
        digest_arrays(checkpoint.load(runs[0], step).state)
        == digest_arrays(checkpoint.load(runs[1], step).state)
        for step in {*steps} & {*wanted}
      )
    else:
      same = filecmp.cmp(ours, theirs, shallow=False)
    if not same:
      raise Lost(f"{name} differs")


def _contents(root):
  names = set()
  for path in root.rglob("*"):
    parts = path.relative_to(root).parts
    if parts[0] == "cache" or any(x.startswith(".") for x in parts):
      continue
    if "checkpoints" in parts:
      names.add("/".join(parts[: parts.index("checkpoints") + 1]))
    elif path.is_file() and not path.name.startswith("events.out"):
      names.add("/".join(parts))
  return names


def _lines(path):
  rows = [json.loads(line) for line in path.read_text().splitlines()]
  return [{k: x for k, x in row.items() if k not in _CLOCKS} for row in rows]


def _figures(path):
  """What was measured, but for how long a picture took."""
  result = json.loads(path.read_text())
  for network in result["networks"].values():
    del network["cost"]["latency"]
  return result


def _without_clocks(path):
  """A page without the rows and the drawings that a clock has made."""
  text = re.sub(r'data-hint="[^"]*"', "", path.read_text())
  clocks = ("time of training", "latency", "steps_per_sec")
  return re.sub(
    r"<tr>.*?</tr>|<figure>.*?</figure>",
    lambda part: "" if any(x in part[0] for x in clocks) else part[0],
    text,
    flags=re.DOTALL,
  )


def _without_times(path):
  lines = path.read_text().splitlines()
  clocks = ("second", "minute", "latency", " ms")
  return [x for x in lines if not any(clock in x for clock in clocks)]


def _case(name, index, kill, options, struck):
  """Strikes one case until it is done, and counts "SIGNAL, PHASE"."""
  rng = random.Random(f"{options.seed} {name} {index} {kill}")
  root = pathlib.Path(options.folder).absolute()
  compiled = root / "compiled"
  reference = _reference(name, root / "references", compiled)
  case = _prepare(root / "case", name, root / "references")
  # Faces that are drawn, classifiers: half of the cases begin with none.
  if rng.random() < 0.5 and (reference / "cache").exists():
    shutil.copytree(reference / "cache", case / "cache")
  while struck.total() < MOST_STRIKES:
    what = strike(name, case, compiled, rng, kill)
    if what is None:
      break
    struck[what] += 1
  else:
    undisturbed(COMMANDS[name][0], case, compiled)
  _compare(case, reference)


def soak(options):
  """Strikes until there are as many kills, and as many signals, as asked for.

  Prints the counts as JSON; what was lost is kept by its name.
  """
  progress = Progress(options, {"cases": 0, "struck": {}, "lost": []})
  state = progress.state
  wanted = options.only.split(",") if options.only else COMMANDS
  names = [name for name in COMMANDS if name in wanted]
  while progress.goes_on(_count(state, True) + _count(state, False), 2):
    index = state["cases"]
    kill = _count(state, True) <= _count(state, False)
    name = names[index % len(names)]
    struck = collections.Counter()
    try:
      _case(name, index, kill, options, struck)
    except Lost as error:
      state["lost"].append(f"case {index}, {name}: {error}")
      print(state["lost"][-1], file=sys.stderr, flush=True)
      kept = pathlib.Path(options.folder, f"lost_{index}")
      shutil.copytree(pathlib.Path(options.folder, "case"), kept)
    for what, times in struck.items():
      known = state["struck"].setdefault(name, {})
      known[what] = known.get(what, 0) + times
    state["cases"] += 1
    progress.save()
  kinds = collections.Counter()
  for of_command in state["struck"].values():
    for what, times in of_command.items():
      kinds[what] += times
  return {
    "kills": _count(state, True), "signals": _count(state, False),
    "cases": state["cases"], "lost": state["lost"],
    "by command": {
      name: sum(x.values()) for name, x in state["struck"].items()
    },
    "by signal and phase": dict(sorted(kinds.items())),
  }  # fmt: skip


def _count(state, kill):
  return sum(
    times
    for of_command in state["struck"].values()
    for what, times in of_command.items()
    if what.startswith("SIGKILL") == kill
  )
