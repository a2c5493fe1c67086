"""Distances to real pictures are rightly named, and of the right pictures."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics import frechet
from akd_jax.evaluation.metrics.distances import (
  attribute_distance,
  overall_distances,
)
from akd_jax.evaluation.metrics.outcome import (
  Measured,
  Names,
  Outcome,
  Reference,
)

REAL = np.random.default_rng(0).normal(size=(40, 4))
STATISTICS = frechet.statistics([REAL])
REFERENCE = Reference(
  ("fd_classifier", "kd_classifier"),
  None,
  {"": STATISTICS, "common": STATISTICS},
  REAL,
)
NAMES = Names(("common", "rare"), ("common", "rare"), ())


def outcome(features, attribute="common", targets=None, reference=REFERENCE):
  if targets is None:
    targets = np.ones((len(features), 2))
  fields = dict.fromkeys(Outcome._fields)
  fields |= {"attribute": attribute, "names": NAMES, "features": features}
  return Outcome(**fields | {"targets": targets, "reference": reference})


def measured(*features, reference=REFERENCE):
  fields = dict.fromkeys(Measured._fields)
  return Measured(**fields | {"features": features, "reference": reference})


def test_without_inception_nothing_is_called_fid():
  row = attribute_distance(outcome(REAL))
  assert row == {"fd_classifier": pytest.approx(0, abs=1e-9)}
  found = overall_distances(measured(REAL))
  assert list(found) == ["fd_classifier", "kd_classifier"]


def test_other_pictures_are_further_away():
  assert attribute_distance(outcome(REAL + 1))["fd_classifier"] > 3.9
  found = overall_distances(measured(REAL, REAL + 1))
  assert found["fd_classifier"] > 0.5 and found["kd_classifier"]["mean"] > 0


def test_an_attribute_that_hardly_any_picture_has_is_passed_over():
  assert attribute_distance(outcome(REAL, "rare")) == {}
  assert attribute_distance(outcome(REAL[:1])) == {}
  assert overall_distances(measured()) == {}
  assert overall_distances(measured(REAL[:1])) == {}


def test_what_an_attribute_was_taken_from_is_not_measured_against_it():
  # Elsewhere where it was taken away: the others are the real ones themselves.
  features = np.concatenate([REAL, REAL + 9])
  targets = np.zeros((80, 2))
  targets[:40] = 1
  row = attribute_distance(outcome(features, targets=targets))
  assert row["fd_classifier"] == pytest.approx(0, abs=1e-9)


def test_a_low_count_is_said_of_fid_alone(capsys):
  attribute_distance(outcome(REAL))
  assert not capsys.readouterr().err
  fid = REFERENCE._replace(names=("fid", "kid"))
  assert list(attribute_distance(outcome(REAL, reference=fid))) == ["fid"]
  said = capsys.readouterr().err
  assert "FID of common is of 40 translations" in said


@pytest.mark.parametrize(
  ("real", "translations", "low"),
  [
    (5_000, 40, True),
    (40, 2_048, True),
    (2_047, 2_048, True),
    (2_048, 2_048, False),
  ],
)
def test_of_either_side_there_have_to_be_as_many_as_fid_has_features(
  real, translations, low, capsys
):
  statistics = {"common": STATISTICS._replace(images=real)}
  fid = Reference(("fid", "kid"), None, statistics, REAL)
  attribute_distance(outcome(np.resize(REAL, (translations, 4)), reference=fid))
  assert ("comes out too high" in capsys.readouterr().err) == low
