r"""Measures a trained run: how often the wanted attribute is there.

  python -m akd_jax.evaluate --workdir=runs/student [--step=N] \
      [--attributes=Blond_Hair,Eyeglasses]

Translates the test split to each attribute and asks a classifier, trained on
the real training split only, whether it sees it. Prints a table beside the
teacher's and writes WORKDIR/evaluation.json.
"""

import json
import pathlib
import time
from typing import TYPE_CHECKING, Any

from absl import flags

from akd_jax import cli
from akd_jax.errors import UserError

if TYPE_CHECKING:
  from akd_jax.runs import Run

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's directory.")
_STEP = flags.DEFINE_integer("step", None, "Which checkpoint; the last.")
_ATTRIBUTES = flags.DEFINE_list("attributes", [], "Only these.")


def evaluate(
    workdir: str, step: int | None = None, only: tuple[str, ...] = ()
) -> dict[str, Any]:
  """Evaluates a run, and its teacher where that knows the same attributes.

  Args:
    workdir: the run's directory.
    step: of the checkpoint; the last by default.
    only: attributes to test; all by default.

  Returns:
    What evaluation.json holds: {"step", "classifier", "networks": {"teacher"
    and "student": {"mean", "attributes", "images"}}}, accuracies in [0, 1].

  Raises:
    UserError: there is no such run, checkpoint or attribute.
  """
  import numpy as np

  from akd_jax import classify, compilation, inference, runs, teaching
  from akd_jax.data import pipeline
  from akd_jax.data.attributes import attribute_indices
  from akd_jax.metrics import accuracy
  from akd_jax.state import create_networks

  run = runs.load_run(workdir, step)
  attribute_indices(run.attributes, only, workdir)
  config = run.config
  train, validation, test = (
      pipeline.open_source(config.data, split) for split in pipeline.SPLITS
  )
  classifier = classify.load_or_train(
      config, compilation.cache_directory() / "classifiers", train, validation,
      test,
  )  # fmt: skip
  chosen = accuracy.spread(len(test), config.evaluation.images)
  records = [test[int(i)] for i in chosen]
  images = np.stack([record["image"] for record in records])
  labels = np.stack([record["label"] for record in records])

  def measure(name: str, run: "Run") -> dict[str, Any]:
    started = time.monotonic()
    trained = inference.Trained(
        create_networks(run.config), run.generator, run.discriminator
    )
    result = accuracy.attribute_accuracy(
        lambda images, labels: inference.translate(trained, images, labels),
        lambda images: classifier.predict(images)[0],
        images,
        labels,
        attributes=run.attributes,
        exclusive=run.exclusive,
        label_rule=config.data.label_rule,
        protocol=config.evaluation.protocol,
        only=only,
    )
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return result

  subjects = {"generator": run}
  if teaching.distils(config):
    teacher = runs.load_run(config.teacher)
    subjects = {"student": run}
    if teacher.attributes == run.attributes:
      subjects = {"teacher": teacher, "student": run}
  return {
      "step": run.step,
      "protocol": config.evaluation.protocol,
      "classifier": classifier.metadata,
      "networks": {
          name: measure(name, subject) for name, subject in subjects.items()
      },
  }


def table(result: dict[str, Any]) -> str:
  """The result as text: a line an attribute, a column a network."""
  networks = result["networks"]
  judge = result["classifier"]["test_accuracy"]
  names = list(next(iter(networks.values()))["attributes"])
  columns = [*networks, "real test split"]
  rows = [["accuracy of", *columns]]
  for name in names:
    rows.append(
        [name]
        + [
            _percent(network["attributes"][name]["accuracy"])
            for network in networks.values()
        ]
        + [_percent(judge["attributes"][name])]
    )
  rows.append(
      ["mean"]
      + [_percent(n["mean"]) for n in networks.values()]
      + [_percent(judge["mean"])]
  )
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = [
      "  ".join(
          [row[0].ljust(widths[0])]
          + [
              cell.rjust(width)
              for cell, width in zip(row[1:], widths[1:], strict=True)
          ]
      )
      for row in rows
  ]
  rule = "-" * len(lines[0])
  return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _percent(share: float | None) -> str:
  return "-" if share is None else f"{100 * share:.1f} %"


def main(argv: list[str]) -> None:
  """Evaluates, prints the table, writes evaluation.json."""
  cli.no_arguments(argv)
  from akd_jax import compilation, runs

  compilation.use_persistent_cache()
  workdir: str = _WORKDIR.value or ""
  if runs.is_file(workdir):
    raise UserError(
        f"--workdir={workdir} is a file: evaluate the run it is the teacher of"
    )
  result = evaluate(workdir, _STEP.value, tuple(_ATTRIBUTES.value))
  path = pathlib.Path(workdir) / "evaluation.json"
  temporary = path.with_suffix(".tmp")
  temporary.write_text(json.dumps(result, indent=2) + "\n")
  temporary.replace(path)
  print(f"\n{table(result)}\n\nwritten to {path}")


if __name__ == "__main__":
  flags.mark_flag_as_required("workdir")
  cli.run(main)
