"""What is looked at closely: pictures whose true translation is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.evaluation import translations as trials
from akd_jax.evaluation.metrics.outcomes import Names

LABELS = np.array([[1], [0], [1], [0], [0]])


class Source:
  def counterfactual(self, index, attribute):
    return np.full((4, 4, 3), index, np.uint8), np.ones((4, 4), bool)


@pytest.fixture
def outcomes(monkeypatch):
  """(protocol, labels) -> the outcomes of a generator that does nothing."""
  monkeypatch.setattr(
    trials.inference, "translate", lambda trained, images, labels: images
  )
  monkeypatch.setattr(
    trials.inference,
    "translate_with_attention",
    lambda trained, images, *_: (
      images,
      {"block_0": np.zeros((len(images), 1, 1))},
    ),
  )

  def predict(images):
    return np.ones((len(images), 1)), np.zeros((len(images), 2))

  def run(protocol, labels=LABELS):
    config = ConfigDict(
      {
        "data": {"label_rule": "multilabel"},
        "evaluation": {"protocol": protocol, "probe_images": 2},
        "attention": {"hook": "block", "method": "grad_cam"},
      }
    )
    count = len(labels)
    images = np.zeros((count, 4, 4, 3), np.uint8)
    test = trials.TestSet(images, labels, 10 + np.arange(count), Source())
    generator = SimpleNamespace(blocks=1)
    trained = SimpleNamespace(networks=SimpleNamespace(generator=generator))
    subject = trials.Subject(
      "student", ("Bald",), trained, np.eye(1), np.eye(1)
    )
    names = Names(("Bald",), ("Bald",), ())
    judge = SimpleNamespace(predict=predict)
    before = np.ones((count, 1), int)
    return list(
      trials.outcomes(subject, test, before, judge, names, config, ["Bald"])
    )

  return run


@pytest.mark.parametrize("protocol", ["lacking", "all", "flip"])
def test_only_pictures_that_lack_the_attribute_are_looked_at(
  outcomes, protocol
):
  (outcome,) = outcomes(protocol)
  looked_at = outcome.positions[outcome.closely]
  assert looked_at.tolist() == [11, 13]
  assert outcome.truths[:, 0, 0, 0].tolist() == [11, 13]
  assert outcome.truly.tolist() == [[1], [1]]
  assert len(outcome.maps["block_0"]) == 2


def test_where_all_have_the_attribute_nothing_is_looked_at(outcomes):
  (outcome,) = outcomes("all", np.ones((3, 1), int))
  assert len(outcome.translated) == 3
  assert outcome.truths is None is outcome.truly and not outcome.maps
  assert outcomes("lacking", np.ones((3, 1), int)) == []
