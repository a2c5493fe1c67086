"""Hosts that would not train the same are refused, all of them alike."""

import pytest

from akd_jax.common import pod
from akd_jax.data import pipeline
from akd_jax.training import hosts
from tests import layouts, small_runs


@pytest.fixture(name="compare")
def fixture_compare(monkeypatch):
  """What process 1 is told that calls `hosts.X`, where process 0 had ours."""

  def compare(ours, check, *arguments):
    monkeypatch.setattr(pod, "is_joined", lambda: True)
    monkeypatch.setattr(pod, "tell", lambda fields: ours)
    monkeypatch.setattr(
      pod, "gather", lambda word: [["first", None], ["second", word[1]]]
    )
    return layouts.error(check, *arguments)

  return compare


def said_by(monkeypatch, check, *arguments):
  """What process 0 says."""
  said = []
  monkeypatch.setattr(pod, "is_joined", lambda: True)
  monkeypatch.setattr(pod, "tell", lambda fields: said.append(fields) or fields)
  monkeypatch.setattr(pod, "gather", lambda word: [word, word])
  check(*arguments)
  return said[0]


def test_another_recipe_version_or_checkpoint_is_named(
  monkeypatch, compare, tmp_path
):
  config = small_runs.student_config(tmp_path / "teacher")
  ours = said_by(monkeypatch, hosts.check_start, config, str(tmp_path))
  for field, value in (
    ("config.optimizer.learning_rate", 0.5),
    ("jax", "0.4.30"),
    ("the code of akd_jax", "0123456789abcdef"),
    ("checkpoints in --workdir", [2]),
    ("devices", "8 x NVIDIA A100"),
  ):
    message = compare(
      ours | {field: value}, hosts.check_start, config, str(tmp_path)
    )
    assert (
      f"process 1 on second differs from process 0 on first in {field}: "
    ) in message
    assert f"not {value!r}" in message
  # What each host may have for itself.
  config.data.threads += 1
  config.teacher += "/"
  assert said_by(monkeypatch, hosts.check_start, config, str(tmp_path)) == ours


def test_other_pixels_or_labels_under_the_same_names_are_named(
  monkeypatch, compare, tmp_path
):
  def origins(name, change=None):
    root = layouts.format_table(tmp_path / name, {"Smiling": [1, 0] * 10})
    if change == "pixels":
      for photo in root.glob("*.jpg"):
        layouts.draw_face(99).save(photo)
    if change == "labels":
      table = root / "labels.csv"
      swapped = str.maketrans({"1": "0", "0": "1"})
      rows = [x.rpartition(",") for x in table.read_text().splitlines()]
      table.write_text(
        "".join(f"{a},{label.translate(swapped)}\n" for a, _, label in rows)
      )
    data = layouts.config(root, name="table")
    source = pipeline.open_source(data, "train")
    return {
      "labels": pipeline.digest_labels(source),
      "data": pipeline.digest_content(source, 1),
    }

  first = origins("first")
  ours = said_by(monkeypatch, hosts.check_origins, first)
  hosts.check_origins(origins("moved"))
  for change, name in (("pixels", "photos"), ("labels", "labels")):
    message = compare(ours, hosts.check_origins, origins(change, change))
    assert f"in the digest of the {name}: " in message


def test_without_a_pod_nothing_is_compared(monkeypatch):
  monkeypatch.setattr(pod, "tell", lambda fields: pytest.fail("asked"))
  hosts.check_origins({"data": "x"})
  assert not pod.is_joined()
