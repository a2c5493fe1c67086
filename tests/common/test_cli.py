"""The commands at the terminal: help, one line of error, exit statuses."""

import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from absl import flags

from akd_jax.common import cli
from akd_jax.common.errors import UserError
from tests import training

DEBUG = "--config=configs/student.py:debug"


def command(module, *options, cwd=training.ROOT):
  return subprocess.run(
    [sys.executable, "-X", "importtime", "-m", f"akd_jax.{module}", *options],
    cwd=cwd,
    capture_output=True,
    text=True,
  )


def errors(done):
  """What a command wrote to standard error, but for the import times."""
  lines = done.stderr.splitlines()
  return [line for line in lines if not line.startswith("import time:")]


@pytest.mark.parametrize(
  ("module", "words"),
  [
    ("main", ("configs/student.py", "[--workdir=DIR] \\\n", "--config:")),
    ("evaluate", ("evaluation.json", "--attributes:", "--step:")),
    ("experiment", ("ROOT/results", "--seeds:", "--[no]list:")),
    ("export", ("stablehlo", "--format:", "--out:")),
  ],
)
def test_help_is_quick(module, words):
  before = seconds_of_children()
  done = command(module, "--help")
  seconds = seconds_of_children() - before
  assert done.returncode == 0
  for word in (*words, f"python -m akd_jax.{module}", "--debug:"):
    assert word in done.stdout
  assert not errors(done)
  imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
  assert not {"jax", "tensorflow", "matplotlib"} & imported
  assert seconds < 1.5


def seconds_of_children():
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
  ("options", "message"),
  [
    (
      [DEBUG, "--config.optimizer.lerning_rate=1"],
      "the config has no field 'lerning_rate'; did you mean 'learning_rate'?",
    ),
    (
      ["--config=configs/studnt.py", "--config.steps=3"],
      "there is no file configs/studnt.py; did you mean 'configs/student.py'?",
    ),
    (
      ["--config=configs/student.py:debgu"],
      "ValueError: configs know the scales avatars, celeba, rafd, debug; not"
      " 'debgu'",
    ),
    (
      [DEBUG, "--config.steps=many"],
      "flag --config.steps=many: invalid literal for int() with base 10:"
      " 'many'",
    ),
    (
      [DEBUG, "--wrokdir=x"],
      "Unknown command line flag 'wrokdir'. Did you mean: workdir ?",
    ),
    (
      [DEBUG, "steps=3"],
      "'steps=3' is no flag: every argument is --NAME=VALUE (see --help)",
    ),
    (
      [],
      "flag --config=None: Flag --config must have a value other than None.",
    ),
  ],
)
def test_bad_options_are_one_line(options, message):
  done = command("main", *options)
  assert errors(done) == [f"error: {message}"]
  assert done.returncode == cli.BAD_INPUT == 2
  assert not done.stdout
  assert "| jax\n" not in done.stderr


def test_debug_shows_where():
  done = command("main", DEBUG, "--config.stepz=3", "--debug")
  assert done.returncode == 1
  assert errors(done)[0].startswith("Traceback")
  assert "the config has no field 'stepz'" in errors(done)[-1]


@pytest.fixture
def run(monkeypatch, capsys):
  """Runs a command's main: its status, and what it printed."""

  def run(main, *options):
    monkeypatch.setattr(sys, "argv", ["command", *options])
    try:
      with pytest.raises(SystemExit) as exit:
        cli.run(main)
    finally:
      flags.FLAGS.unparse_flags()
      flags.FLAGS.mark_as_parsed()
    return exit.value.code, *capsys.readouterr()

  return run


def raising(error):
  def main(argv):
    raise error

  return main


@pytest.mark.parametrize(
  ("error", "status", "output", "complaint"),
  [
    (UserError("no such file"), 2, "", "error: no such file\n"),
    (cli.Stopped("saved at step 3"), 75, "saved at step 3\n", ""),
    (KeyboardInterrupt(), 130, "", "error: interrupted\n"),
    (
      FloatingPointError("g_loss_rec became nan in step 3"),
      1,
      "",
      "error: FloatingPointError: g_loss_rec became nan in step 3"
      " (--debug shows where)\n",
    ),
    (
      RuntimeError("many\n\n  lines"),
      1,
      "",
      "error: RuntimeError: many lines (--debug shows where)\n",
    ),
  ],
)
def test_each_end_has_its_status(run, error, status, output, complaint):
  assert run(raising(error)) == (status, output, complaint)


def test_arguments_that_are_no_flags_reach_the_command(run):
  seen = []
  status, _, complaint = run(seen.extend, "photo.jpg", "--debug", "folder")
  assert seen == ["photo.jpg", "folder"]
  assert not status and not complaint


def test_recipes_are_found_from_another_folder(tmp_path):
  done = command("main", DEBUG, "--config.stepz=3", cwd=tmp_path)
  assert errors(done) == [
    "error: the config has no field 'stepz'; did you mean 'steps'?"
  ]


def test_a_sigterm_before_there_is_anything_to_save_is_no_failure(run):
  def main(argv):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)

  status, output, _ = run(main)
  assert status == 75
  assert output.startswith("stopped; the same command")
