"""The command that is run where an accelerator is, on a CPU and small."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.models import test_layers

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import accelerator_cases as cases  # noqa: E402
import accelerator_tables as tables  # noqa: E402
import kernels  # noqa: E402
from session import Session  # noqa: E402
from worker import Worker, WorkerError  # noqa: E402


def read(out):
  return [json.loads(x) for x in (out / "rows.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
  """What the whole command writes."""
  folder = tmp_path_factory.mktemp("accelerator")
  subprocess.run(
    ["bash", str(BENCHMARKS / "accelerator.sh"), str(folder), "--small"],
    env=os.environ | {"PYTHON": sys.executable},
    check=True,
  )
  return folder


@pytest.fixture
def rows(out):
  """The rows of what came to its end, by part."""
  found = {}
  for row in read(out):
    if "error" not in row:
      found.setdefault(row["part"], []).append(row)
  return found


def test_every_part_comes_to_its_end(out, rows):
  assert list(rows) == ["machine", "right", "cycle", "kernels", "translations"]
  # PyTorch's side may be missing, or have no GPU: nothing else may fail.
  for row in read(out):
    assert (
      "error" not in row
      or "PyTorch" in row["error"]
      or (row["variant"].endswith("captured"))
    ), row


def test_rows_of_deviations_say_how_far_and_whether_that_is_near(rows):
  golden, form = rows["right"]
  assert {"outputs", "maps", "generator gradient"} <= set(golden["errors"])
  assert set(form["errors"]) == {"value", "gradients", "second derivatives"}
  for row in (golden, form):
    assert row["within"]
    assert 0 < row["largest"] == max(row["errors"].values()) < 1e-4
    assert row["device"] and row["jax"]


def test_rows_of_time_say_what_it_stands_beside(rows):
  for row in rows["cycle"] + rows["translations"]:
    assert 0 < row["ours_host_s"] <= row["ours_s"]
    rate = row["gflop"] / row["ours_s"]
    share = pytest.approx(rate / row["product_gflop_per_s"], abs=1e-3)
    assert row["share_of_product"] == share
    assert row["build_s"] > 0
    assert row["rounds"] == cases.SMALL.rounds
    assert row["dtype"] == "bfloat16"


def test_the_longest_kernels_come_first_with_their_shares(out, rows):
  (row,) = rows["kernels"]
  shares = [kernel["share"] for kernel in row["kernels"]]
  assert len(shares) == kernels.KEPT
  assert shares == sorted(shares, reverse=True)
  assert 0 < sum(shares) <= 1 + 0.001 * len(shares)
  assert 0 < row["busy_share"] <= 1
  assert (out / row["program"]).stat().st_size > 0
  assert len(tables.describe(row).splitlines()) == 6


def test_the_tables_hold_every_case_and_what_failed(out):
  (run,) = tables.runs(read(out))
  text = tables.markdown(run)
  assert "accelerator.sh" in text.splitlines()[0]
  for row in run[1:]:
    assert row["case"] in text
    assert row.get("error", "") in text


def test_what_there_is_no_time_for_is_said_and_not_begun(tmp_path):
  script = str(BENCHMARKS / "accelerator.py")
  command = [sys.executable, script, str(tmp_path), "--small", "--seconds=0"]
  subprocess.run(command, check=True)
  machine, time = read(tmp_path)
  assert machine["part"] == "machine"
  for title in (*next(cases.cycles(cases.SMALL)), "forms of down"):
    assert any(title in left for left in time["not_reached"])


def test_a_part_that_fails_keeps_its_rows_and_stops_no_other(tmp_path):
  def fails():
    yield {"found": 1}
    raise ValueError("it broke")

  with Session(tmp_path, 60, "") as session:
    session.attempt("machine", "a", fails)
    session.attempt("machine", "b", lambda: [{"found": 2}])
  first, error, second = read(tmp_path)
  assert (first["found"], second["found"]) == (1, 2)
  assert error["error"] == "ValueError: it broke"
  assert "it broke" in (tmp_path / "errors.txt").read_text()


def test_only_what_is_asked_for_is_measured(tmp_path):
  with Session(tmp_path, 60, "128 px") as session:
    for title in ("teacher, 64 px", "teacher, 128 px"):
      session.attempt("machine", title, lambda: [{"found": 1}])
  (row,) = read(tmp_path)
  assert row["case"] == "teacher, 128 px"


SERVE = """
import os, sys, time
sys.path.append(sys.argv[1])
import worker
def fail():
  raise ValueError("no")
worker.serve({
  "sleep": lambda: time.sleep(60), "fail": fail, "die": lambda: os._exit(3),
  "echo": lambda x: print("noise") or {"x": x},
})
"""


@pytest.fixture
def process():
  served = Worker([sys.executable, "-c", SERVE, str(BENCHMARKS)])
  yield served
  served.end()
  served.process.stdin.close()
  served.process.stdout.close()


def test_a_worker_goes_on_after_a_failure_and_prints_beside_its_replies(
  process,
):
  with pytest.raises(WorkerError, match="ValueError: no"):
    process.ask("fail")
  assert process.ask("echo", x=3) == {"x": 3}


def test_a_worker_that_is_late_is_ended(process):
  with pytest.raises(WorkerError, match="no more time"):
    process.ask("sleep", 0.1)
  assert not process.alive()


def test_a_worker_that_dies_says_with_what_code(process):
  with pytest.raises(WorkerError, match="exit code 3"):
    process.ask("die")


def test_every_convolution_of_two_forms_is_compared():
  assert set(cases.FORMS) == set(test_layers.CASES) - {"correlate"}


def plane(name, **lines):
  return SimpleNamespace(
    name=name,
    lines=[
      SimpleNamespace(
        name=title.replace("_", " "),
        events=[
          SimpleNamespace(name=x, stats=stats, start_ns=0, duration_ns=1)
          for x, stats in found.items()
        ],
      )
      for title, found in lines.items()
    ],
  )


@pytest.mark.parametrize(
  "planes, names",
  [
    ([plane("/device:GPU:0", Stream_1={"gemm": []}, XLA_Ops={"dot": []})],
     ["gemm"]),
    ([plane("/device:TPU:0", Steps={"1": []}, XLA_Ops={"dot": []})], ["dot"]),
    ([plane("/host:CPU", x={"wait": [], "dot": [("hlo_op", "dot")]})], ["dot"]),
  ],
)  # fmt: skip
def test_only_what_a_device_ran_counts_and_once(planes, names):
  # Threads of the host are there beside a device, too.
  planes = [*planes, plane("/host:CPU", python={"Execute": []})]
  data = SimpleNamespace(planes=planes)
  assert [name for name, *_ in kernels.events(data)] == names


def test_kernels_are_added_up_by_name_and_gaps_are_no_work():
  events = [
    ("conv", "conv.1", 0, 2e6),
    ("copy", None, 1e6, 2e6),  # beside the first, on another stream
    ("conv", "conv.2", 8e6, 2e6),
  ]
  row = kernels.summary(events, repeat=2)
  assert row["busy_share"] == 0.5
  assert row["events_ms"] == 3
  assert [(k["name"], k["ms"], k["share"]) for k in row["kernels"]] == [
    ("conv", 2, 0.667),
    ("copy", 1, 0.333),
  ]
  assert row["kernels"][0]["operators"] == ["conv.1", "conv.2"]
