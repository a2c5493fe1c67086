"""akd_jax beside PyTorch on the same work, in turns, on this machine.

  python benchmarks/compare.py [train_step|attgan|relgan|translate ...]
      [--rounds=7] [--torch-python=PYTHON] [--large]
      [--out=benchmarks/results.jsonl]

Both sides are processes that stay alive and work in turns, so that a machine
whose speed drifts slows both; the figure is the median of the ratios (ours
over PyTorch's) of all rounds. PyTorch may live in an environment of its own:

  python -m venv torch-env && torch-env/bin/pip install torch numpy
"""

import functools
import os
import pathlib
import platform
import sys

import results
import worker

from akd_jax.configs import attgan, relgan

HERE = pathlib.Path(__file__).parent
SMALL = {"size": 64, "classes": 7, "d_width": 32, "d_layers": 5, "n_critic": 5}
LARGE = {"size": 128, "classes": 7, "d_width": 64, "d_layers": 6, "n_critic": 5}
TEACHER, STUDENT = {"width": 16, "blocks": 6}, {"width": 8, "blocks": 3}
LARGE_TEACHER = {"width": 64, "blocks": 6}
LARGE_STUDENT = {"width": 32, "blocks": 3}


def train_step(large):
  base = LARGE | {"batch": 4} if large else SMALL | {"batch": 16}
  teacher, student = (
    (LARGE_TEACHER, LARGE_STUDENT) if large else (TEACHER, STUDENT)
  )
  taught = {f"t_{name}": x for name, x in teacher.items()}
  base |= {"repeat": 1}
  yield "teacher", base | teacher | {"work": "plain"}
  yield "student, not distilled", base | student | {"work": "plain"}
  yield "student, distilled", base | student | taught | {"work": "distilled"}


def translate(large):
  base = LARGE if large else SMALL
  sizes = (LARGE_TEACHER, LARGE_STUDENT) if large else (TEACHER, STUDENT)
  for name, network in zip(("teacher", "student"), sizes, strict=True):
    for batch in (1, 16):
      case = base | network | {"work": "translate", "batch": batch}
      case |= {"repeat": 64 // batch}
      yield f"{name}, batch {batch}", case
      yield f"{name} in NumPy, batch {batch}", case | {"numpy": True}


def recipe(name, recipes, large):
  """A cycle of another system, of a teacher that is not distilled."""
  scale = "celeba" if large else "avatars"
  config = recipes.get_config(scale)
  fields = ("generator", "discriminator", "loss")
  yield (
    "teacher",
    {
      "system": name,
      "scale": scale,
      "work": "plain",
      "size": config.data.image_size,
      "classes": len(config.data.attributes),
      "batch": 4 if large else config.batch_size,
      "n_critic": config.n_critic,
      "learning_rate": config.optimizer.learning_rate,
      "repeat": 1,
      **{field: config[field].to_dict() for field in fields},
    },
  )


BENCHMARKS = {
  "train_step": train_step,
  "attgan": functools.partial(recipe, "attgan", attgan),
  "relgan": functools.partial(recipe, "relgan", relgan),
  "translate": translate,
}


def measure(name, title, case, options):
  scripts = {
    "ours": (sys.executable, "jax_worker.py"),
    "torch": (options.torch_python, "torch_peer.py"),
  }
  sides = {
    side: worker.Worker([python, str(HERE / script)])
    for side, (python, script) in scripts.items()
  }
  versions = {}
  for side in sides.values():
    versions |= side.ask("build", case=case)
    side.ask("warm")
  turns = {side: (x, case["repeat"]) for side, x in sides.items()}
  row = worker.in_turns(turns, options.rounds)
  for side in sides.values():
    side.end()
  return {
    "benchmark": name,
    "case": title,
    "size": case["size"],
    "batch": case["batch"],
    **row,
    "jax": versions["jax"],
    "torch": versions["torch"],
    "torch_compile": bool(case.get("compile")),
    "cores": os.cpu_count(),
    "machine": platform.machine(),
  }


def main():
  parser = results.parser(__doc__)
  parser.add_argument("names", nargs="*", metavar="NAME")
  parser.add_argument("--rounds", type=int, default=7)
  parser.add_argument("--torch-python", default=sys.executable)
  parser.add_argument("--torch-compile", action="store_true")
  parser.add_argument("--large", action="store_true", help="the papers' sizes")
  options = parser.parse_args()
  for name in options.names or BENCHMARKS:
    if name not in BENCHMARKS:
      parser.error(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    for title, case in BENCHMARKS[name](options.large):
      case |= {"threads": os.cpu_count(), "compile": options.torch_compile}
      row = measure(name, title, case, options)
      results.append(options.out, row)
      print(
        f"{name:10}  {title:24}  {row['size']:3} px  batch {row['batch']:2}"
        f"  ours {row['ours_s']:8.4f} s  PyTorch {row['torch_s']:8.4f} s"
        f"  ratio {row['ratio']:.2f} ({row['ratio_min']:.2f} to"
        f" {row['ratio_max']:.2f})",
        flush=True,
      )


if __name__ == "__main__":
  main()
