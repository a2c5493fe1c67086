"""What somebody adds from outside the package is trained and evaluated.

One of each kind, as docs/extending.md says: a system, a distillation method, a
map, a metric, a data set.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.data import DATASETS
from akd_jax.data.dataset import Dataset
from akd_jax.distillation import MAPS, METHODS
from akd_jax.distillation.method import Method
from akd_jax.evaluation import evaluator
from akd_jax.evaluation import table as summary
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import (
  NO_CHANCE,
  PERCENT,
  Metric,
  read_rows,
)
from akd_jax.systems import SYSTEMS
from akd_jax.systems.stargan import STARGAN
from akd_jax.training import run_dir
from tests import small_runs
from tests.small_runs import student_config, train_with_teacher


class Stripes:
  """Pictures of stripes, wide or narrow, bright or dark."""

  attributes = ("Bright", "Wide")
  exclusive = ()
  identities = None

  def __init__(self, size, count):
    self.size = size
    self.labels = np.stack(
      [np.arange(count) % 2, np.arange(count) // 2 % 2], 1
    ).astype(np.uint8)

  def __len__(self):
    return len(self.labels)

  def __getitem__(self, index):
    bright, wide = self.labels[index]
    columns = np.arange(self.size) // (4 if wide else 2) % 2
    row = np.where(columns, 200 if bright else 100, 20).astype(np.uint8)
    image = np.broadcast_to(row[None, :, None], (self.size, self.size, 3))
    return {"image": np.array(image), "label": self.labels[index]}


def open_stripes(data: ConfigDict, split: str) -> Stripes:
  return Stripes(data.image_size, data.sizes[split])


def reversed_label(target, label):
  """A generator that is told what is not wanted."""
  del label
  return 1 - target


def squared(lesson, config):
  difference = lesson.student.image - lesson.teacher.image
  return jnp.mean(jnp.square(difference), axis=(1, 2, 3)), {}


def measure_brightness(outcome):
  return {"brightness": float(outcome.translated.mean() / 255)}


@pytest.fixture
def extended(monkeypatch):
  monkeypatch.setitem(
    SYSTEMS,
    "contrary",
    dataclasses.replace(STARGAN, generator_label=reversed_label),
  )
  monkeypatch.setitem(
    METHODS,
    "squared",
    Method("g_loss_squared", squared, lambda *_: None, names_activation=False),
  )
  monkeypatch.setitem(
    MAPS, "gradient", lambda gradient, _: jnp.abs(gradient).sum(-1)
  )
  monkeypatch.setitem(
    METRICS,
    "brightness",
    Metric(
      title="brightness",
      explanation="Mean of all pixels; 100 % is white.",
      unit=PERCENT,
      better="neither",
      chance=NO_CHANCE,
      needs=(),
      read=read_rows("brightness"),
      measure=measure_brightness,
    ),
  )
  monkeypatch.setitem(
    DATASETS,
    "stripes",
    Dataset(open_stripes, lambda data: Stripes.attributes),
  )


def test_all_tables_can_be_added_to_from_outside(caches, extended, tmp_path):
  config = student_config(
    tmp_path / "teacher",
    steps=4,
    sample_every=4,
    n_critic=1,
    teacher_recipe__n_critic=1,
    system="contrary",
    data__name="stripes",
    data__attributes=(),
    attention__method="gradient",
    teacher_recipe__system="contrary",
  )
  config.distill.squared = ConfigDict({"weight": 5.0})
  train_with_teacher(config, str(tmp_path / "student"))
  rows = small_runs.metrics(tmp_path / "student")
  assert len(rows) == 4
  for row in rows:
    weighted = row["weighted/g_loss_squared"]
    assert weighted == pytest.approx(5 * row["g_loss_squared"], rel=1e-5)
    assert row["g_loss_squared"] > 0 and row["g_loss_akd"] > 0
  run = run_dir.load_run(str(tmp_path / "student"))
  assert run.config.system == "contrary"
  result = evaluator.evaluate(run)
  found = result["networks"]["student"]["attributes"]
  assert set(found) == set(Stripes.attributes)
  assert 0 < found["Wide"]["brightness"] < 1
  assert "brightness" in summary.render(result)
