"""The commands at the terminal: help, one line of error, exit statuses."""

import configparser
import errno
import json
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

import akd_jax
from akd_jax.common import allocator, cli, flag_errors, paths
from akd_jax.common.errors import Stopped, UserError, WriteError
from akd_jax.configs import student
from tests import small_runs

DEBUG = "--config=configs/student.py:debug"

LACKING = """
from akd_jax.configs import student
def get_config():
  config = student.get_config("debug")
  del config["data"]
  return config
"""


def command(module, *options, cwd=small_runs.ROOT):
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
  ("module", "expected"),
  [
    ("main", {"config", "workdir", "distributed", "process_count"}),
    ("evaluate", {"workdir", "attributes", "step"}),
    ("experiment", {"name", "seeds", "list"}),
    ("inspect", {"out"}),
    ("export", {"workdir", "format", "out"}),
  ],
)
def test_help_is_quick_and_has_a_text_for_every_flag(module, expected):
  before = seconds_of_children()
  done = command(module, "--help")
  seconds = seconds_of_children() - before
  assert done.returncode == 0
  usage, _, listed = done.stdout.partition("\nFlags:\n")
  assert f"python -m akd_jax.{module} " in usage
  described = dict(re.findall(r"^  --(\w+) +(.+)", listed, re.MULTILINE))
  assert expected | {"debug"} <= set(described)
  assert max(map(len, done.stdout.splitlines())) <= 80
  assert not errors(done)
  heavy = {"jax", "tensorflow", "matplotlib"}
  assert not heavy & small_runs.imported(done)
  assert seconds < 1.5


def seconds_of_children():
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
  ("options", "named"),
  [
    (
      [DEBUG, "--config.optimizer.lerning_rate=1"],
      ["'optimizer.lerning_rate'", "mean 'optimizer.learning_rate'?"],
    ),
    ([DEBUG, "--config.loss.lambda_adk=1"], ["'loss.lambda_adk'"]),
    ([DEBUG, "--config.data.second.path=x"], ["'data.second.path'"]),
    ([DEBUG, "--config.dota.path=x"], ["field 'dota'", "mean 'data'?"]),
    (
      ["--config=configs/studnt.py", "--config.steps=3"],
      ["configs/studnt.py", "'configs/student.py'"],
    ),
    (
      ["--config=configs/student.py:debgu"],
      [
        "error: there is no scale 'debgu'",
        "avatars, photos, celeba, rafd, debug",
      ],
    ),
    ([DEBUG, "--config.steps=many"], ["--config.steps=many"]),
    # The name of now, whichever was given.
    (
      [DEBUG, "--config.loss.lambda_akd=many"],
      ["--config.distill.akd.weight=many"],
    ),
    ([DEBUG, "--wrokdir=x"], ["'wrokdir'", "workdir"]),
    ([DEBUG, "steps=3"], ["'steps=3'", "--help"]),
    ([], ["--config"]),
  ],
)
def test_bad_options_are_one_line(options, named):
  done = command("main", *options)
  (message,) = errors(done)
  assert message.startswith("error: ")
  for part in named:
    assert part in message
  assert done.returncode == cli.BAD_INPUT == 2
  assert not done.stdout
  assert "jax" not in small_runs.imported(done)


def test_flags_that_are_missing_are_named():
  done = command("export")
  assert errors(done) == ["error: missing: --workdir, --out (see --help)"]
  assert done.returncode == cli.BAD_INPUT


def test_debug_shows_where_too():
  done = command("main", DEBUG, "--config.stepz=3", "--debug")
  assert done.returncode == cli.BAD_INPUT
  *lines, message = errors(done)
  assert lines[0].startswith("Traceback") and "UserError" in lines[-1]
  assert message.startswith("error: ") and "'stepz'" in message


def test_all_commands_can_be_imported_into_one_process():
  """Each defines its flags when it is run: some have the same names."""
  commands = sorted(
    path.stem
    for path in (small_runs.ROOT / "akd_jax").glob("*.py")
    if "__main__" in path.read_text()
  )
  assert {"main", "report"} < set(commands)
  imports = "; ".join(f"import akd_jax.{name}" for name in commands)
  done = subprocess.run(
    [sys.executable, "-c", imports],
    cwd=small_runs.ROOT,
    capture_output=True,
    text=True,
  )
  assert not done.returncode, done.stderr


@pytest.fixture
def run(monkeypatch, capsys):
  """Runs a command's main: its status, and what it printed."""

  def run(main, *options):
    monkeypatch.setattr(sys, "argv", ["command", *options])
    # Not of this process, which goes on with other tests.
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: False)
    monkeypatch.setattr(cli, "end", sys.exit)
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
    (WriteError("it is full"), 74, "", "error: it is full\n"),
    (
      OSError(errno.ENOSPC, "No space left on device", "there"),
      74,
      "",
      "error: cannot write there: No space left on device; free space there, or"
      " choose a directory on another disk\n",
    ),
    (
      PermissionError(errno.EACCES, "Permission denied", b"a\nb"),
      2,
      "",
      "error: cannot use a b: Permission denied\n",
    ),
    (FloatingPointError("it became nan"), 70, "", "error: it became nan\n"),
    (Stopped("saved at step 3"), 75, "saved at step 3\n", ""),
  ],
)
def test_each_end_has_its_status(run, error, status, output, complaint):
  assert run(raising(error)) == (status, output, complaint)


@pytest.mark.parametrize(
  "flag", ["--debug", "-debug", "--debug=1", "--debug=T"]
)
def test_a_traceback_is_had_however_it_is_asked_for(run, flag):
  status, _, complaint = run(raising(UserError("no such file")), flag)
  assert status == 2 and complaint.startswith("Traceback")


@pytest.mark.parametrize(
  "error",
  [
    OSError(errno.EBADF, "Bad file descriptor", 7),
    ConnectionError(errno.ECONNRESET, "reset"),
  ],
)
def test_an_error_of_no_file_is_a_bug(run, error):
  assert run(raising(error))[0] == 1


def test_a_bug_is_one_line_with_its_kind(run):
  status, output, complaint = run(raising(RuntimeError("many\n\n  lines")))
  assert (status, output) == (1, "")
  assert complaint.startswith("error: RuntimeError: many lines ")
  assert "--debug" in complaint
  assert complaint.count("\n") == 1


@pytest.mark.parametrize(
  "error",
  [
    MemoryError("it ran out"),
    # NumPy's own, which is called otherwise.
    np._core._exceptions._ArrayMemoryError((2**40,), np.dtype(np.int8)),
    RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 90 bytes."),
  ],
)
def test_too_little_memory_is_no_bug(run, error):
  status, _, complaint = run(raising(error))
  # So nobody who starts a lost run again starts this one for ever.
  assert status == 2
  assert complaint == f"error: there is not enough memory: {error}\n"


def test_what_takes_less_memory_is_told_where_it_can_be_set(run, monkeypatch):
  monkeypatch.setattr(cli, "_parse_flags", lambda argv, define: argv)
  flags.DEFINE_string("config", None, "A recipe.")
  try:
    _, _, complaint = run(raising(MemoryError("it ran out")))
  finally:
    delattr(flags.FLAGS, "config")
  assert "with a smaller config.batch_size" in complaint


def test_a_number_has_no_thousands_of_digits():
  assert cli.parse_number("0123") == 123
  for text in ("9" * 5000, "\N{SUPERSCRIPT TWO}", "-1", ""):
    assert cli.parse_number(text) is None
  with pytest.raises(UserError, match="^--step=9"):
    cli.read_step("9" * 5000)


def test_an_address_is_no_argument(run):
  status, _, complaint = run(lambda _: 1 / 0, "gs://b/photos")
  assert status == 2
  assert complaint.startswith("error: gs://b/photos: akd_jax reads and writes ")


def test_arguments_that_are_no_flags_reach_the_command(run):
  seen = []
  status, _, complaint = run(seen.extend, "photo.jpg", "--debug", "folder")
  assert seen == ["photo.jpg", "folder"]
  assert not status and not complaint


def test_recipes_are_found_from_another_folder(tmp_path):
  done = command("main", DEBUG, "--config.stepz=3", cwd=tmp_path)
  (message,) = errors(done)
  assert "'stepz'" in message and "'steps'" in message


def test_a_teacher_of_photos_lies_where_its_students_look_for_it(
  tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  recipe = "configs/teacher.py"
  for scale in ("debug", "photos"):
    found = paths.default_workdir(f"{recipe}:{scale}")
    assert found == student.get_config(scale).teacher == f"runs/{scale}/teacher"
  # One that was begun where they lay before goes on there.
  before = tmp_path / "runs" / "teacher" / "config.json"
  before.parent.mkdir(parents=True)
  for name, expected in (("avatars", found), ("folder", "runs/teacher")):
    before.write_text(json.dumps({"data": {"name": name}}))
    assert paths.default_workdir(f"{recipe}:photos") == expected
  assert paths.default_workdir(recipe) == "runs/teacher"


@pytest.mark.parametrize(
  "argument", ["optimizer.steps", "optimizer.beta3", "steps.first"]
)
def test_an_unknown_field_is_named_with_those_above_it(argument):
  done = command("main", DEBUG, "--config.steps=3", f"--config.{argument}=1")
  (message,) = errors(done)
  assert f"no field {argument!r}" in message


@pytest.mark.parametrize(
  ("recipe", "said"),
  [
    ("x = 1", "has no function get_config"),
    ("import os\ndef get_config():\n  return os.nothing", ":3: AttributeError"),
    ("def get_config():\n  return {}['stepz']", ":2: KeyError: 'stepz'"),
    ("def get_config():\n  pass", "get_config returns nothing"),
    ("def get_config():\n  return 3", "get_config returns no ConfigDict"),
    ("def get_config(:", "SyntaxError"),
    ("import no_such_thing", ":1: ModuleNotFoundError"),
    ("def get_config():\n  raise KeyError", ":2: KeyError"),
    ("def get_config():\n  return int('x')", ":2: ValueError: invalid literal"),
    ("def get_config():\n  return dict(1)", ":2: TypeError"),
    (LACKING, "is no config: it lacks data"),
  ],
)
def test_what_is_wrong_in_a_recipe_is_said_of_the_recipe(
  tmp_path, recipe, said
):
  path = tmp_path / "recipe.py"
  path.write_text(recipe)
  done = command("main", f"--config={path}")
  (message,) = errors(done)
  assert done.returncode == 2
  assert "recipe.py" in message and said in message


@pytest.mark.parametrize(
  "flag", ["--config=", "--config=:debug", "-config=x.py"]
)
def test_a_recipe_that_is_not_there_is_named(flag):
  done = command("main", flag)
  (message,) = errors(done)
  assert done.returncode == 2 and "there is no file" in message


@pytest.mark.parametrize("name", ["student", "student.py", "config/studnet.py"])
def test_a_recipe_is_looked_for_where_recipes_are(name):
  with pytest.raises(UserError, match="did you mean 'configs/student.py'"):
    flag_errors.check_recipe([f"--config={name}"])


def test_a_field_that_is_written_as_a_flag_is_named():
  done = command("main", DEBUG, "--steps=3")
  (message,) = errors(done)
  assert done.returncode == 2
  assert message == "error: there is no flag --steps: write --config.steps"


def test_a_fault_of_the_package_is_not_the_users():
  def define():
    raise ZeroDivisionError("ours")

  with pytest.raises(ZeroDivisionError):
    cli._parse_flags(["command"], define)


def test_a_value_is_not_taken_for_a_traceback():
  done = command("main", DEBUG, "--config.steps=Traceback")
  (message,) = errors(done)
  assert done.returncode == 2 and "--config.steps=Traceback" in message


@pytest.mark.parametrize(
  ("module", "options", "named"),
  [
    ("evaluate", ["--workdir=~/x"], "no run in {home}/x:"),
    ("report", ["--workdir=~/x", "--compare=~/y"], "no run in {home}/x:"),
    ("inspect", ["~/photos"], "config.data.path={home}/photos does not exist"),
    ("main", [DEBUG, "--config.teacher=~/x.pth"], "teacher={home}/x.pth is"),
    ("main", ["--config=~/recipe.py"], "there is no file '{home}/recipe.py'"),
  ],
)
def test_a_tilde_is_the_home(module, options, named, tmp_path, monkeypatch):
  monkeypatch.setenv("HOME", str(tmp_path))
  done = command(module, *options)
  (message,) = errors(done)
  assert done.returncode == 2 and named.format(home=tmp_path) in message


@pytest.mark.parametrize(
  ("module", "option"),
  [
    ("evaluate", "--workdir=gs://bucket/run"),
    ("experiment", "--config.data.path=s3://bucket/photos"),
  ],
)
def test_a_bucket_is_to_be_mounted(module, option):
  done = command(module, option)
  (message,) = errors(done)
  assert done.returncode == 2
  assert f"{option.removeprefix('--')}: akd_jax reads and writes f" in message
  assert message.endswith("(gcsfuse, Filestore) and give its folder")


@pytest.mark.parametrize("flag", ["from", "discriminator"])
def test_weights_that_are_converted_are_not_written_over(flag, tmp_path):
  weights = tmp_path / "g.npz"
  weights.write_text("weights")
  read = {"from": "none.npz"} | {flag: str(weights)}
  options = [f"--{name}={path}" for name, path in read.items()]
  done = command("convert", *options, "--attributes=A", f"--out={weights}")
  (message,) = errors(done)
  assert done.returncode == 2
  assert f"--out={weights} is --{flag} too, and would overwrite" in message
  assert weights.read_text() == "weights"


def test_a_lesson_needs_a_teacher():
  done = command("main", "--config=configs/teacher.py:debug",
                 "--config.distill.output.weight=30")  # fmt: skip
  (message,) = errors(done)
  assert done.returncode == 2
  assert "--config.distill.output.weight=30.0 needs config.teacher" in message


def test_a_recipe_is_a_program(tmp_path):
  path = tmp_path / "config.json"
  path.write_text("{}")
  done = command("main", f"--config={path}")
  (message,) = errors(done)
  assert done.returncode == 2 and "is no recipe" in message


def test_how_processes_meet_is_said_of_several():
  done = command("main", DEBUG, "--process_count=2")
  (message,) = errors(done)
  assert done.returncode == 2 and "--process_count says how" in message


def test_there_is_one_version():
  setup = configparser.ConfigParser()
  setup.read(small_runs.ROOT / "setup.cfg")
  assert setup["metadata"]["version"] == "attr: akd_jax.__version__"
  for name, pattern in (
    ("CITATION.cff", r"^version: (\S+)$"),
    ("CHANGELOG.md", r"^## (\S+)"),
  ):
    text = (small_runs.ROOT / name).read_text()
    newest = re.search(pattern, text, re.MULTILINE)
    assert newest and newest[1] == akd_jax.__version__


def test_what_does_not_train_imports_no_tensorflow():
  modules = (
    "akd_jax.evaluation.evaluator, akd_jax.inference.translator,"
    " akd_jax.training.run_dir, akd_jax.experiments.report"
  )
  done = subprocess.run(
    [sys.executable, "-c", f"import sys, {modules}; print(*sys.modules)"],
    capture_output=True,
    text=True,
    check=True,
  )
  slow = {"tensorflow", "tensorflow_datasets", "clu"}
  assert not slow & set(done.stdout.split())
