"""A page is written over by what makes it anew, and by nothing else."""

import os
import types

import pytest

from akd_jax import experiment
from akd_jax.common.errors import UserError
from akd_jax.experiments import report

OURS = "python -m akd_jax.experiment --name=paper1_table1"


@pytest.mark.parametrize(
  "content",
  [
    b"",
    b"# my notes\n",
    f"`{OURS} --config.data.path='photos`\n".encode(),
    "Größe".encode("latin-1"),
    None,
  ],
)
def test_what_is_no_page_is_left_alone(tmp_path, monkeypatch, content):
  path = tmp_path / "paper1_table1.md"
  if content is None:
    path.mkdir()
  else:
    path.write_bytes(content)
  monkeypatch.setattr(experiment, "_page", lambda argument: path)
  with pytest.raises(UserError, match=f"^{path} is no page of an experiment"):
    experiment._check_page("paper1_table1")


def test_a_page_is_known_by_its_command(tmp_path, monkeypatch):
  path = tmp_path / "page.md"
  assert not report.command_of(path)
  # Also where a field has bytes that are no text.
  given = {"data.path": os.fsdecode(b"\xff")}
  overrides = types.SimpleNamespace(
    read_given=lambda: given,
    format_flags=lambda fields: [
      f"--config.{k}={v}" for k, v in fields.items()
    ],
  )
  monkeypatch.setattr(experiment, "overrides", overrides)
  monkeypatch.setattr(experiment, "_page", lambda argument: path)
  words = experiment._command("paper1_table1", "--seeds=3")
  path.write_text(f"# title\n\n`{experiment.shlex.join(words)}`\n")
  experiment._check_page("paper1_table1")
  given["data.path"] = "others"
  with pytest.raises(UserError, match="holds the results of `python -m "):
    experiment._check_page("paper1_table1")
