"""Launchers say what they would run, and ShellCheck finds nothing in them."""

import os
import re
import shlex
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest
import yaml

from akd_jax.common import cli

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
  [
    *(ROOT / "launch").glob("*.sh"),
    *(ROOT / "benchmarks").glob("*.sh"),
    ROOT / ".ci" / "run",
  ]
)
# No command of a shell, of YAML or of Kubernetes may come of these.
OPTIONS = [
  "--config=configs/student.py:celeba",
  '--x=it\'s $(HOME) "b" c$$d $$(e) $',
]


def dry_run(launcher: str, *options: str, **variables: str) -> str:
  done = subprocess.run(
    [f"launch/{launcher}.sh", "--dry-run", *options],
    cwd=ROOT,
    env=os.environ | variables,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


def test_shellcheck_finds_nothing():
  assert len(SCRIPTS) > 6
  shellcheck = Path(sysconfig.get_path("scripts"), "shellcheck")
  done = subprocess.run([shellcheck, *SCRIPTS], capture_output=True, text=True)
  assert not done.stdout + done.stderr


def test_a_local_pod_is_a_process_for_each_part():
  lines = dry_run("local_pod", *OPTIONS, PROCESSES="3").splitlines()
  assert len(lines) == 3
  for index, line in enumerate(lines):
    words = shlex.split(line)
    assert words[-2] == f"--process_index={index}"
    assert {"--process_count=3", OPTIONS[0], "--distributed"} <= set(words)


@pytest.mark.parametrize(
  "launcher", ["jobset", "local_pod", "slurm", "tpu_pod"]
)
def test_a_dry_run_may_be_asked_for_behind_the_options(launcher):
  names = dict.fromkeys(("NAME", "ZONE", "IMAGE", "CLAIM"), "x")
  options = ["--", *OPTIONS] if launcher == "slurm" else OPTIONS
  before = dry_run(launcher, *options, **names)
  done = subprocess.run(
    [f"launch/{launcher}.sh", *options, "--dry-run"],
    cwd=ROOT,
    env=os.environ | names,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  # Each run makes an archive of its own.
  folders = re.compile(r"/tmp[./\w]*")
  assert folders.sub("", done.stdout) == folders.sub("", before)


def test_a_local_pod_has_a_process():
  done = subprocess.run(
    ["launch/local_pod.sh", "--dry-run", *OPTIONS],
    cwd=ROOT,
    env=os.environ | {"PROCESSES": "0"},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 2 and "PROCESSES=0" in done.stderr


def test_slurm_is_given_its_options_and_the_command_its_own():
  submitted, job = dry_run(
    "slurm", "--nodes=2", "--", "--config=a"
  ).splitlines()
  assert shlex.split(submitted) == [
    "sbatch", f"--chdir={ROOT}", "--nodes=2", "launch/slurm.sh", "--job",
    "--config=a",
  ]  # fmt: skip
  words = shlex.split(job, comments=False)
  assert words[4:7] == ["srun", "--kill-on-bad-exit=0", "--wait=120"]
  assert words[-3:] == ["akd_jax.main", "--distributed", "--config=a"]


# A step of Slurm's: who is told to stop it says so, and it ends as it was told.
SLURM = {
  "srun": "touch ran; for i in $(seq 100); do [[ -e told ]] && exit 75;"
  " sleep 0.1; done",
  # Not before srun has begun: there is nothing yet to be told.
  "scancel": "[[ -e tried ]] && touch told; touch tried; [[ -e told ]]",
  "scontrol": 'echo "$@"',
}


def slurm_job(folder, setup):
  """Starts a job with programs that stand for the cluster's, and its setup."""
  programs = {f"bin/{name}": text for name, text in SLURM.items()}
  for name, text in (programs | {"launch/setup.sh": setup}).items():
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)
  return subprocess.Popen(
    ["bash", ROOT / "launch" / "slurm.sh", "--job", "--config=a"],
    cwd=folder,
    env=os.environ
    | {"SLURM_JOB_ID": "7", "PATH": f"{folder}/bin:{os.environ['PATH']}"},
    stdout=subprocess.PIPE,
    text=True,
  )


@pytest.mark.parametrize(
  ("setup", "begun"),
  [("touch begun; sleep 1", "begun"), ("", "ran")],
  ids=["before the step", "before the step can be told"],
)
def test_a_slurm_job_that_is_to_stop_goes_back_to_the_queue(
  tmp_path, setup, begun
):
  job = slurm_job(tmp_path, f"{setup}\necho python")
  for _ in range(200):
    if (tmp_path / begun).exists():
      break
    time.sleep(0.05)
  job.terminate()
  output, _ = job.communicate(timeout=60)
  assert (job.returncode, output) == (cli.STOPPED, "requeue 7\n")
  assert (tmp_path / "ran").exists() == (begun == "ran")


def test_a_slurm_job_that_cannot_set_up_runs_nothing(tmp_path):
  job = slurm_job(tmp_path, "exit 3")
  assert job.communicate(timeout=60) == ("", None) and job.returncode == 3
  assert not (tmp_path / "ran").exists()


def test_a_tpu_pod_runs_the_command_on_every_host():
  text = dry_run(
    "tpu_pod", *OPTIONS, NAME="pod", ZONE="zone", PYTHON="/my own/python"
  )
  archived, copied, ran = text.splitlines()
  assert archived.startswith("git archive ")
  assert "scp " in copied and "pod:akd_jax.tar.gz --zone=zone" in copied
  assert "--worker=all" in ran and "akd_jax.main --distributed" in ran
  # Read by bash, whose way it is to quote lines.
  told = subprocess.check_output(
    ["bash", "-c", f"printf %s\\\\n {ran}"], text=True
  )
  *_, makes, trains = told.splitlines()
  assert makes == r"python=$(PYTHON=/my\ own/python launch/setup.sh tpu)"
  assert shlex.split(trains)[-2:] == OPTIONS


@pytest.mark.parametrize("flag", ["--workdir", "--config"])
def test_the_quickstart_takes_a_flag_and_its_value_as_one_word(flag):
  done = subprocess.run(
    ["bash", "launch/quickstart.sh", "--dry-run", flag, "x"],
    cwd=ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert done.returncode == 2 and f"write {flag}=VALUE" in done.stderr


def test_the_quickstart_has_its_run_at_home_where_it_is_to_be():
  written = dry_run("quickstart", "--workdir=~/my run", HOME="/home of/one")
  runs = [shlex.split(line) for line in written.splitlines()]
  assert runs[0][-1] == "--workdir=/home of/one/my run"
  # Scripts of docs/, too, which expand nothing themselves.
  assert runs[2][2:] == ["/home of/one/my run", "/home of/one/my run/faces.png"]


def test_the_two_commands_say_what_they_would_run():
  trains, evaluates, *draws = dry_run(
    "quickstart", "--workdir=a b"
  ).splitlines()
  assert shlex.split(trains)[1:] == [
    "-u", "-m", "akd_jax.main", "--config=configs/student.py", "--workdir=a b",
  ]  # fmt: skip
  assert shlex.split(evaluates)[1:] == [
    "-m", "akd_jax.evaluate", "--workdir=a b",
  ]  # fmt: skip
  assert [shlex.split(line)[1] for line in draws] == [
    "docs/faces.py", "docs/people.py", "docs/verdict.py",
  ]  # fmt: skip
  (tests,) = dry_run("test", "-k", "one of them").splitlines()
  assert "-m pytest" in tests and shlex.split(tests)[-1] == "one of them"


def test_setting_up_says_what_it_would_install_and_installs_nothing(tmp_path):
  for name in ("launch", "setup.cfg", "pyproject.toml", "constraints.txt"):
    (tmp_path / name).symlink_to(ROOT / name)
  done = subprocess.run(
    ["bash", "launch/setup.sh", "--dry-run", "cuda"],
    cwd=tmp_path,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout == f"{tmp_path}/.venv/bin/python\n"
  assert "-m venv " in done.stderr and "--editable" in done.stderr
  assert "cuda" in done.stderr and not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("hosts", ["2", "32"])
def test_a_jobset_has_a_pod_for_each_process_that_finds_the_first(hosts):
  jobset = yaml.safe_load(
    dry_run(
      "jobset", *OPTIONS, NAME="on", IMAGE="image", CLAIM="disk", HOSTS=hosts
    )
  )
  (replicated,) = jobset["spec"]["replicatedJobs"]
  job = replicated["template"]["spec"]
  count = int(hosts)
  assert (job["parallelism"], job["completions"]) == (count, count)
  pod = job["template"]["spec"]
  (container,) = pod["containers"]
  # Not what YAML makes of it.
  assert jobset["metadata"]["name"] == "on"
  # As Kubernetes reads it: $$ stands for $.
  assert [x.replace("$$", "$") for x in container["args"]] == [
    *OPTIONS,
    "--distributed",
    # JobSet's names: JOBSET-REPLICATED-JOB-POD.JOBSET.
    f"--coordinator=on-{replicated['name']}-0-0.on:1234",
    f"--process_count={hosts}",
    f"--process_index=$({container['env'][0]['name']})",
  ]
  (rule,) = job["podFailurePolicy"]["rules"]
  assert rule["action"] == "FailJob"
  assert rule["onExitCodes"]["values"] == [
    cli.BAD_INPUT,
    cli.DIVERGED,
    cli.CANNOT_WRITE,
  ]
  assert rule["onExitCodes"]["containerName"] == container["name"]
  mounted = {mount["name"] for mount in container["volumeMounts"]}
  assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize(
  ("launcher", "missing"),
  [
    ("slurm", "no options"),
    ("tpu_pod", "NAME"),
    ("tpu_pod", "no options"),
    ("jobset", "IMAGE"),
    ("jobset", "no options"),
  ],
)
def test_what_is_missing_is_said_in_one_line(launcher, missing):
  names = ("NAME", "ZONE", "IMAGE", "CLAIM") if missing == "no options" else ()
  done = subprocess.run(
    [f"launch/{launcher}.sh", "--dry-run"],
    cwd=ROOT,
    env=os.environ | dict.fromkeys(names, "x"),
    capture_output=True,
    text=True,
  )
  assert done.returncode == 2
  assert missing in done.stderr and done.stderr.count("\n") == 1
