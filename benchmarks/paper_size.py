r"""Trains at the papers' size for some minutes, from one file of pictures.

  python benchmarks/paper_size.py --data=FILE --role=teacher --out=DIR \
      [--seconds=240] [--resume=DIR/teacher.npz] [--config.FIELD=VALUE ...]

FILE is pack.py's. The step is that of akd_jax.main; the recipe is the papers'.
Roles: teacher; student, whom nobody teaches; attention and output, students of
DIR/teacher.npz (or --config.teacher) by its attention maps or by its pictures.

With --seconds, as many steps as fit, by the time of the first 50: the learning
rate ends at 0 then. Without, config.steps. With both --seconds and
--config.steps the schedule is of so many steps, and training stops after the
seconds wherever it stands: --resume takes a teacher up, by its parameters, with
new moments of Adam's.

Written every minute and at the end: DIR/ROLE.npz, a run in half precision, in
parts of at most 14 MiB (ROLE.npz.1-of-3, ...), which `runs.load_run` and
--config.teacher read by the name of the whole; DIR/metrics.jsonl, the rows of
all roles.
"""

import io
import math
import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
from absl import flags
from packed import load
from paper_recipe import ROLES, recipe, taken_up
from paper_trainer import Trainer

from akd_jax.common import cache as compilation
from akd_jax.common import cli, files, overrides
from akd_jax.common.errors import Stopped, UserError
from akd_jax.training import metrics_file, run_file
from akd_jax.training.preemption import Interruption
from akd_jax.training.run import Run

# Bytes of a file at most.
LIMIT = 14 * 2**20
# Seconds between two savings.
SAVE_EVERY = 60
# Steps, after the one that is compiled, that say how long the others take.
MEASURED = 50
# Steps of a schedule that is not known yet: the learning rate does not fall.
_UNKNOWN = 2**30
_SHOWN = (
    "first_step_s", "step_s", "steps", "steps_per_s", "d_loss_cls",
    "g_loss_cls", "g_loss_rec", "g_loss_akd", "g_loss_out",
)  # fmt: skip


class Plan(NamedTuple):
  """How long to train.

  Attributes:
    deadline: by `time.monotonic`.
    measures: whether there are as many steps as fit before the deadline, or
      config.steps, whose training is broken off there.
  """

  deadline: float = math.inf
  measures: bool = False


def begin(trainer: Trainer, plan: Plan) -> dict[str, Any]:
  """Makes the first steps, and sets config.steps where these tell.

  Returns:
    What they told: `first_step_s`, compiled, the `step_s` of the others, and
    `steps`.
  """
  config, start = trainer.config, time.monotonic()
  if plan.measures:
    config.steps = _UNKNOWN
  trainer.advance()
  trainer.wait()
  compiled = time.monotonic()
  row = {"first_step_s": round(compiled - start, 2)}
  if plan.measures:
    first, enough = trainer.step, (compiled + plan.deadline) / 2
    while True:
      trainer.advance()
      measured = trainer.step - first
      if measured == MEASURED or time.monotonic() > enough:
        break
    trainer.wait()
    now = time.monotonic()
    each = (now - compiled) / measured
    config.steps = trainer.step + max(int((plan.deadline - now) / each), 0)
    row |= {"measured_steps": measured, "step_s": round(each, 5)}
  return row | {"steps": config.steps}


def train(trainer: Trainer, out: str, role: str, plan: Plan) -> None:
  """Trains by the plan, and writes what the command says.

  Raises:
    Stopped: asked to stop; everything is saved.
    FloatingPointError: a loss term was not finite.
  """
  config, path = trainer.config, os.path.join(out, f"{role}.npz")
  with Interruption() as interruption, ThreadPoolExecutor(1) as writer:
    row = begin(trainer, plan)
    note(out, role, trainer.step, row)
    first, since = trainer.step, time.monotonic()
    saved, saving = since, None
    ends = stop = False
    while not ends:
      if trainer.step < config.steps:
        trainer.advance()
      stop = interruption.requested(all_ask=True)
      late = not plan.measures and time.monotonic() > plan.deadline
      ends = stop or late or trainer.step >= config.steps
      saves = ends or time.monotonic() > saved + SAVE_EVERY
      if saves or trainer.step % config.log_every == 0:
        means, now = trainer.window.take(), time.monotonic()
        pace = (trainer.step - first) / (now - since)
        note(out, role, trainer.step, {"steps_per_s": pace} | means)
        first, since = trainer.step, now
      if saves:
        # What is not finite is not saved: it raised an error above.
        if saving:
          saving.result()
        saving, saved = writer.submit(_save, trainer.run(), path), now
    saving.result()
  if stop:
    raise Stopped(f"stopped; {path} holds step {trainer.step:,}")


def _save(run: Run, path: str) -> None:
  content = io.BytesIO()
  run_file.write_run(run, content)
  files.write_parts(content.getvalue(), path, LIMIT)


def note(out: str, role: str, step: int, row: dict[str, Any]) -> None:
  """Adds a row to the metrics, and prints the short of it."""
  stamp = {"role": role, "step": step, "time": round(time.time(), 3)}
  metrics_file.append(out, stamp | row)
  shown = [f"{name} {_short(row[name])}" for name in _SHOWN if name in row]
  if shown:
    print(f"{role}: step {step:,}  {'  '.join(shown)}", flush=True)


def _short(number: float) -> str:
  return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def define_flags() -> None:
  """Defines the flags of this command's own."""
  flags.DEFINE_string("data", None, "A file of pack.py's.", required=True)
  flags.DEFINE_enum("role", None, list(ROLES), "Who.", required=True)
  flags.DEFINE_string("out", None, "Where to write.", required=True)
  flags.DEFINE_float("seconds", math.inf, "How long, from now.", 0)
  flags.DEFINE_string("resume", None, "A teacher that is to be taken up.")


def main(argv: list[str]) -> None:
  """Trains whom the flags say."""
  cli.refuse_arguments(argv)
  start, args, fields = time.monotonic(), flags.FLAGS, overrides.read_given()
  plan = Plan(
    start + args.seconds, args.seconds < math.inf and "steps" not in fields
  )
  compilation.use_persistent_cache()
  pictures = load(args.data)
  run = None
  if args.resume:
    run = taken_up(args.resume, args.role, pictures.data, fields)
  elif found := sorted(pathlib.Path(args.out).glob(f"{args.role}.npz*")):
    raise UserError(
      f"--out={args.out} has {found[0].name} already: name another folder, or"
      " --resume"
    )
  config = (
    run.config if run else recipe(args.role, pictures.data, args.out, fields)
  )
  if run and run.step >= config.steps and not plan.measures:
    raise UserError(
      f"--resume={args.resume} is finished ({run.step:,} steps): --seconds"
      " alone, or more --config.steps, take it further"
    )
  trainer = Trainer(config, pictures, run)
  os.makedirs(args.out, exist_ok=True)
  row = {
    "from": args.resume, "moments": "new", "dtype": config.dtype,
    "pictures": len(pictures.images), "split": pictures.split,
    "device": jax.devices()[0].device_kind, "devices": jax.device_count(),
    "jax": jax.__version__,
  }  # fmt: skip
  note(args.out, args.role, trainer.step, row)
  train(trainer, args.out, args.role, plan)


if __name__ == "__main__":
  define_flags()
  cli.run(main, overrides.define)
