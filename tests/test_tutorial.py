"""The tutorial runs from its first cell to its last, and shows what it says."""

import ast
import contextlib
import io
import json

import numpy as np
from PIL import Image

from akd_jax.experiments import single_run
from tests import small_runs

TUTORIAL = small_runs.ROOT / "docs" / "tutorial.ipynb"


def run(source, names):
  """Executes a cell: what it prints, and the value of its last line."""
  tree = ast.parse(source)
  last = None
  if isinstance(tree.body[-1], ast.Expr):
    last = ast.Expression(tree.body.pop().value)
  with contextlib.redirect_stdout(io.StringIO()) as printed:
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - our own file
    value = last and eval(compile(last, "cell", "eval"), names)  # noqa: S307
  return printed.getvalue(), value


def test_the_tutorial_runs_and_shows_what_it_says(
  caches, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  # They would train an attribute classifier, and print nothing that is shown.
  monkeypatch.setattr(single_run, "HOOKS", ())
  names = {"__name__": "tutorial"}
  for cell in json.loads(TUTORIAL.read_text())["cells"]:
    if cell["cell_type"] != "code":
      continue
    printed, value = run("".join(cell["source"]), names)
    shown = {x["output_type"]: x for x in cell["outputs"]}
    if isinstance(value, Image.Image):
      assert np.ptp(np.asarray(value)) > 100
      assert "image/png" in shown["execute_result"]["data"]
    elif value is not None:
      text = "".join(shown["execute_result"]["data"]["text/plain"])
      assert ast.literal_eval(text) == value
    # What was trained says how fast.
    if "timed" not in cell["metadata"].get("tags", ()):
      assert printed == "".join(shown.get("stream", {}).get("text", ""))
