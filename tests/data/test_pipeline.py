"""Batches: a function of the seed and the place, for any number of hosts."""

import hashlib

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.data import pipeline
from tests.layouts import error

SIZE = 4


class Numbered:
  """Image i is i at the left of every row, and has label i."""

  attributes = ("Smiling",)
  exclusive = ()

  def __init__(self, count: int):
    self.labels = np.arange(count, dtype=np.uint8)[:, None]

  def __len__(self) -> int:
    return len(self.labels)

  def __getitem__(self, index: int) -> dict[str, np.ndarray]:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[:, 0] = index
    return {"image": image, "label": self.labels[index]}


def batches(
  count=20, batch_size=4, micro_batches=2, seed=0, threads=2, **others
):
  return pipeline.make_batches(
    Numbered(count),
    batch_size=batch_size,
    micro_batches=micro_batches,
    seed=seed,
    threads=threads,
    **others,
  )


def take(iterator, count):
  return [next(iterator) for _ in range(count)]


def assert_equal(first, second):
  for a, b in zip(first, second, strict=True):
    np.testing.assert_array_equal(a["image"], b["image"])
    np.testing.assert_array_equal(a["label"], b["label"])


def numbers(batch):
  return batch["label"][..., 0]


def flipped(batch):
  """Which images have their number at the right."""
  image = batch["image"][..., 0, :, 0]
  np.testing.assert_array_equal(image.max(-1), numbers(batch))
  return image[..., 0] != numbers(batch)


def test_a_batch_is_micro_batches_micro_batches():
  batch = next(batches(batch_size=3, micro_batches=5))
  assert batch["image"].shape == (5, 3, SIZE, SIZE, 3)
  assert batch["label"].shape == (5, 3, 1)
  assert batch["image"].dtype == batch["label"].dtype == np.uint8


def test_the_seed_decides_order_and_flips():
  assert_equal(take(batches(seed=1), 9), take(batches(seed=1), 9))
  first, other = next(batches(seed=1)), next(batches(seed=2))
  assert not np.array_equal(first["image"], other["image"])


def test_a_seed_gives_the_batches_that_it_has_always_given():
  """What a run was trained on, it goes on with under a later version."""
  seen = hashlib.sha256()
  for batch in take(batches(), 12):
    for name in ("image", "label"):
      seen.update(batch[name].tobytes())
  assert seen.hexdigest() == (
    "90590a7959889bb331accb8f48cdc19fd0d5e0cadf3e142e2551bc2e3260f4bb"
  )


def test_the_number_of_threads_changes_nothing():
  assert_equal(take(batches(threads=1), 9), take(batches(threads=7), 9))


def test_each_epoch_shows_every_image_once_in_a_new_order():
  epochs = [
    np.concatenate([numbers(b).ravel() for b in chunk])
    for chunk in np.split(np.array(take(batches(count=24), 9)), 3)
  ]
  for epoch in epochs:
    assert sorted(epoch) == list(range(24))
  assert not np.array_equal(epochs[0], epochs[1])


@pytest.mark.parametrize("done", [0, 1, 7])
def test_resumes_from_its_state(done):
  iterator = batches()
  take(iterator, done)
  state = iterator.get_state()
  expected = take(iterator, 6)
  resumed = batches()
  resumed.set_state(state)
  assert_equal(take(resumed, 6), expected)


def test_hosts_side_by_side_see_the_batch_of_one():
  whole = batches(batch_size=4)
  shares = [batches(batch_size=2, share=(index, 2)) for index in range(2)]
  for _ in range(12):
    parts = [next(share) for share in shares]
    together = {
      name: np.concatenate([part[name] for part in parts], axis=1)
      for name in parts[0]
    }
    assert_equal([together], [next(whole)])


def test_half_of_the_images_are_flipped_each_time_anew():
  iterator = batches(count=250, batch_size=50, micro_batches=1)
  epochs = []
  for _ in range(4):
    flips = np.zeros(250, bool)
    for batch in take(iterator, 5):
      flips[numbers(batch)] = flipped(batch)
    epochs.append(flips)
  shares = np.array(epochs)
  assert 0.44 < shares.mean() < 0.56  # 1,000 coins: sigma is 0.016
  assert 0.35 < np.mean(epochs[0] == epochs[1]) < 0.65


def test_fewer_images_than_a_batch_are_refused():
  message = error(lambda: batches(count=7, batch_size=4, share=(0, 2)))
  assert "config.batch_size=8" in message and " 7 " in message


def test_an_unknown_data_set_names_the_nearest():
  data = ConfigDict({"name": "avatar", "label_rule": "multilabel"})
  message = error(pipeline.open_source, data, "train")
  assert "config.data.name='avatar'" in message
  assert "'avatars'" in message


def test_an_unknown_label_rule_is_refused():
  data = ConfigDict({"name": "avatars", "label_rule": "multi"})
  assert "config.data.label_rule='multi'" in error(
    pipeline.open_source, data, "train"
  )


@pytest.mark.parametrize("several", [1, 2])
def test_batches_of_one_are_those_of_many_one_by_one(several):
  """One batch of one a number: more than grain can count if rounded up."""
  ones = take(batches(batch_size=1, micro_batches=several), 8)
  many = take(batches(batch_size=2, micro_batches=several), 4)
  for name in ("image", "label"):
    ours, theirs = (
      np.concatenate([x[name].reshape(-1, *x[name].shape[2:]) for x in found])
      for found in (ones, many)
    )
    np.testing.assert_array_equal(ours, theirs)
