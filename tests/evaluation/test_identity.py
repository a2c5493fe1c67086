"""A person is the same if no other one's picture is as near."""

import numpy as np
import pytest

from akd_jax.evaluation.metrics.identity import identity_kept


@pytest.fixture
def people():
  return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)


@pytest.fixture
def masks():
  masks = np.zeros((4, 8, 8), bool)
  masks[:, :4] = True
  return masks


def test_what_an_attribute_owns_does_not_count(people, masks):
  translated = people.copy()
  translated[masks] = np.roll(people, 1, axis=0)[masks]
  assert identity_kept(people, translated, masks) == {
    "value": 1,
    "chance": 0.25,
    "images": 4,
  }


def test_someone_elses_face_is_not_the_same_person(people, masks):
  translated = people.copy()
  translated[0] = people[1]
  assert identity_kept(people, translated, masks)["value"] == 0.75


def test_among_equal_pictures_the_own_one_counts_its_share(people, masks):
  people[1] = people[0]
  assert identity_kept(people, people, masks)["value"] == 0.75


def test_of_nobody_nothing_is_said(people, masks):
  nobody = identity_kept(people[:0], people[:0], masks[:0])
  assert nobody == {"value": None, "chance": None, "images": 0}


def test_pictures_that_do_not_fit_are_refused(people, masks):
  with pytest.raises(ValueError, match="do not fit"):
    identity_kept(people, people[:3], masks)
