r"""Measures a trained run on the test split, beside its teacher.

  python -m akd_jax.evaluate --workdir=runs/student|FILE.npz [--step=N|best] \
      [--attributes=Blond_Hair,Eyeglasses] [--save_images=DIR] \
      [--config.evaluation.FIELD=VALUE ...]

Sets each attribute on the test pictures that lack it. A classifier, trained on
the real training split only, says whether it is there then, and what else
changed. Drawn faces are compared with their true translations, attention maps
with the pixels that the attribute owns. Where the extra `faces` is installed, a
face network says whether a photo still shows the same person. Prints a table
and writes WORKDIR/evaluation.json and WORKDIR/evaluation/*.png; with
--attributes that name only some, WORKDIR/evaluation_partial.json and
WORKDIR/evaluation_partial instead, so that what is known of all attributes
stays.

A file of export --format=run, or pretrained:NAME, is evaluated, too: the
results of teacher.npz go to the folder teacher_evaluation.

--step=best takes the checkpoint with the best config.best_metric.

Fields of config.evaluation and config.classifier can be others than the run's:
--config.evaluation.inception=FILE for FID.
"""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from akd_jax.common import cli, overrides, paths
from akd_jax.common.files import name_file

if TYPE_CHECKING:
  from akd_jax.evaluation.evaluator import Keep
  from akd_jax.evaluation.metrics.outcome import Outcome


def make_saver(folder: str) -> "Keep":
  """Returns what writes FOLDER/NETWORK/ATTRIBUTE/INDEX[_PHOTO].png.

  The index is that in the test split; drawn pictures have no other name.
  """
  from akd_jax.plotting.sample_grid import save_png

  def save(
    network: str, outcome: "Outcome", files: Sequence[str] | None
  ) -> None:
    root = pathlib.Path(folder, network, name_file(outcome.attribute))
    for position, image in zip(
      outcome.positions, outcome.translated, strict=True
    ):
      name = f"{position:06}"
      if files is not None:
        name += f"_{pathlib.PurePosixPath(files[position]).stem}"
      save_png(root / name_file(name, ".png"), image)

  return save


def _folder(workdir: str) -> str:
  """Returns where the results go: beside a file, in a folder of its name."""
  from akd_jax.training.run_dir import is_file

  if not is_file(workdir):
    return workdir
  name = workdir.removeprefix("pretrained:").removesuffix(".npz")
  return f"{name}_evaluation"


def define_flags() -> None:
  """Defines the flags, which `--help` lists."""
  paths.define(
    "workdir",
    None,
    "A run's directory, a file of export --format=run, or pretrained:NAME.",
    required=True,
  )
  flags.DEFINE_string(
    "step", None, "The checkpoint: its step, or best; the last if not set."
  )
  flags.DEFINE_list("attributes", [], "Attributes to test; all if not set.")
  paths.define(
    "save_images", None, "Folder for all translations, each a PNG of its own."
  )


def main(argv: list[str]) -> None:
  """Evaluates, prints the table, writes evaluation.json and the pictures."""
  cli.refuse_arguments(argv)
  args = flags.FLAGS
  step = cli.read_step(args.step)
  from akd_jax.common import cache as compilation
  from akd_jax.common.writing import check_writable
  from akd_jax.evaluation import evaluator, result_files
  from akd_jax.evaluation import table as summary
  from akd_jax.training import run_dir as runs

  compilation.use_persistent_cache()
  keep = None
  if args.save_images:
    # Not after everything is measured.
    check_writable(args.save_images)
    keep = make_saver(args.save_images)
  # Once: a run that goes on deletes its checkpoints.
  run = evaluator.with_fields(
    runs.load_run(args.workdir, step), overrides.read_given()
  )
  folder = _folder(args.workdir)
  check_writable(folder)
  before = None if args.attributes else result_files.find_step(folder)
  if before not in (None, run.step):
    print(f"this replaces {folder}/evaluation.json, of step {before:,}")
  result = evaluator.evaluate(run, tuple(args.attributes), keep)
  print(f"\n{summary.render(result)}\n")
  print(f"written to {result_files.write(result, folder, run)}")


if __name__ == "__main__":
  define_flags()
  cli.run(main, overrides.define)
