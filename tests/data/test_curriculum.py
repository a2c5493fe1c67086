"""Pictures with biased labels are missing at first, and come back."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.data import pipeline
from akd_jax.data.curriculum import Curriculum, accept_unbiased
from akd_jax.training import optimizers, preparation, validation
from tests import layouts, small_runs
from tests.layouts import error

BATCH, MICRO = 4, 2
STEPS = 20


class Numbered:
  """Photo i is i in every pixel, and has label i."""

  def __len__(self):
    return 40

  def __getitem__(self, index):
    image = np.full((2, 2, 3), index, np.uint8)
    return {"image": image, "label": np.uint8([index])}


def biased_labels():
  """Of 40: 10 bald men, 1 bald woman, 9 men with hair and 20 women."""
  bald = np.repeat([1, 1, 0, 0], [10, 1, 9, 20])
  male = np.repeat([1, 0, 1, 0], [10, 1, 9, 20])
  return bald[:, None], male


def curriculum(steps=STEPS, seed=0):
  cumulative = np.cumsum(accept_unbiased(*biased_labels()))
  return Curriculum(cumulative / cumulative[-1], steps, seed)


def numbers(count, held=None, seed=0, share=(0, 1), first=0, threads=2):
  """The photos of so many steps, [count, MICRO, B]."""
  batches = pipeline.make_batches(
    Numbered(), batch_size=BATCH // share[1], micro_batches=MICRO, seed=seed,
    threads=threads, share=share, curriculum=held,
  )  # fmt: skip
  for _ in range(first):
    next(batches)
  return np.stack([next(batches)["label"][..., 0] for _ in range(count)])


def test_at_first_no_label_goes_with_the_bias_attribute():
  """Of one attribute exactly, and of photos the most that can be kept."""
  labels, male = biased_labels()
  accepted = accept_unbiased(labels, male)
  for value in (0, 1):
    there = accepted * (labels[:, 0] == value)
    assert there @ male / there.sum() == pytest.approx(male.mean(), abs=1e-9)
  # Men are 19 of 40: of ten bald ones the worth of 19/21 for one bald woman.
  pairs = np.split(accepted, [10, 11, 20])
  expected = (19 / 21 / 10, 1, 1, 9 * 21 / 19 / 20)
  for pair, share in zip(pairs, expected, strict=True):
    np.testing.assert_allclose(pair, share)


def test_of_several_attributes_each_is_balanced():
  rng = np.random.default_rng(0)
  male = (rng.random(4_000) < 0.4).astype(int)
  share = np.where(male[:, None], [0.3, 0.01, 0.5, 0.9], [0.01, 0.7, 0.5, 0.6])
  labels = (rng.random((4_000, 4)) < share).astype(np.uint8)
  # One attribute goes with another, too.
  labels[:, 2] |= labels[:, 0]
  accepted = accept_unbiased(labels, male)
  assert accepted.min() > 0 and accepted.max() <= 1
  for column in labels.T:
    for value in (0, 1):
      there = accepted * (column == value)
      assert abs(there @ male / there.sum() - male.mean()) < 1e-3


def test_what_is_independent_is_accepted_whole():
  labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 3)
  male = np.repeat([0, 1, 1], 4)
  np.testing.assert_allclose(accept_unbiased(labels, male), 1)


def test_a_pair_without_its_opposite_is_missing_at_first():
  labels, male = biased_labels()
  kept = np.r_[0:10, 11:40]  # without the bald woman
  accepted = accept_unbiased(labels[kept], male[kept])
  assert not accepted[:10].any() and accepted[10:].all()
  cumulative = np.cumsum(accepted) / accepted.sum()
  held = Curriculum(cumulative, STEPS, seed=0)
  seen = {held.choose(0, position, 3) for position in range(2_000)}
  assert seen == set(range(10, 39))


def test_the_share_of_biased_pictures_grows_to_that_of_the_data():
  """Bald men: 2.4 % of the first step's photos, and 25 % of all."""
  held = curriculum(steps=4)
  labels, male = biased_labels()
  accepted = accept_unbiased(labels, male)
  first = accepted[:10].sum() / accepted.sum()
  for step in (0, 2, 3):
    seen = np.array(
      [held.choose(step, p + 10_000 * step, p % 40) for p in range(4_000)]
    )
    share = first + step / 4 * (0.25 - first)
    # Five sigma.
    assert abs(np.mean(seen < 10) - share) < 5 * (share / 4_000) ** 0.5


def test_in_the_end_pictures_come_in_the_order_without():
  with_it, without = numbers(2 * STEPS, curriculum()), numbers(2 * STEPS)
  np.testing.assert_array_equal(with_it[STEPS:], without[STEPS:])
  assert np.mean(with_it[: STEPS // 2] != without[: STEPS // 2]) > 0.3


def test_the_seed_decides_and_threads_do_not():
  first = numbers(6, curriculum(seed=1), threads=1)
  again = numbers(6, curriculum(seed=1), threads=7)
  np.testing.assert_array_equal(first, again)
  assert not np.array_equal(first, numbers(6, curriculum(seed=2)))


def test_it_goes_on_anywhere():
  def batches():
    return pipeline.make_batches(
      Numbered(), batch_size=BATCH, micro_batches=MICRO, seed=0, threads=2,
      curriculum=curriculum(),
    )  # fmt: skip

  whole = batches()
  for _ in range(STEPS // 2):
    next(whole)
  resumed = batches()
  resumed.set_state(whole.get_state())
  for _ in range(STEPS):
    ours, theirs = next(resumed), next(whole)
    for name in ("image", "label"):
      np.testing.assert_array_equal(ours[name], theirs[name])


def test_hosts_side_by_side_see_the_batch_of_one():
  whole = numbers(STEPS, curriculum())
  shares = [numbers(STEPS, curriculum(), share=(i, 4)) for i in range(4)]
  np.testing.assert_array_equal(np.concatenate(shares, axis=2), whole)


def test_a_run_begins_with_what_its_data_set_leaves(tmp_path, monkeypatch):
  """The bias attribute need not be one that is translated."""
  config = small_runs.teacher_config(
    data__attributes=("No_Beard", "Smiling"), data__curriculum=1.0, seed=3
  )
  given = []
  monkeypatch.setattr(
    pipeline, "make_batches", lambda source, **rest: given.append(rest)
  )
  preparation.check(config, str(tmp_path))
  held = given[0]["curriculum"]
  assert held.steps == config.steps and held.seed == 3
  source = pipeline.open_source(config.data, "train")
  column = pipeline.list_attributes(config.data).index("Male")
  male = source.all_labels[:, column]
  cumulative = np.cumsum(accept_unbiased(source.labels, male))
  np.testing.assert_array_equal(held.cumulative, cumulative / cumulative[-1])
  # It may be one of them; then the others are balanced.
  config.data.attributes = ("No_Beard", "Male", "Smiling")
  both = pipeline.open_source(config.data, "train")
  again = pipeline.open_curriculum(config, both)
  np.testing.assert_array_equal(again.cumulative, held.cumulative)


def test_a_table_has_it_or_says_what_it_lacks(tmp_path):
  columns = {
    "Hat": [1, 0] * 4,
    "Cap": [0, 1] * 4,
    "Male": [1, 0, 1, 0, 0, 0, 1, 1],
    "Tie": [1, 0, 1, 0, 0, 0, 1, 1],
    "Everyone": [1] * 8,
  }
  layouts.format_table(tmp_path, columns)
  data = layouts.config(tmp_path, name="table", test_share=0.01)

  def opened(**fields):
    usual = {"attributes": ("Hat",), "curriculum": 0.5}
    usual |= {"bias_attribute": "Male"} | fields
    of_run = {"data": data.to_dict() | usual, "steps": 8, "seed": 0}
    config = ConfigDict(of_run)
    source = pipeline.open_source(config.data, "train")
    return pipeline.open_curriculum(config, source)

  assert opened().steps == 4
  assert opened(curriculum=0.0) is None
  for fields, said in (
    ({"bias_attribute": "Mael"}, "'Mael', and table has none; did you"),
    ({"bias_attribute": "Everyone"}, "with and without Everyone"),
    ({"bias_attribute": "Hat"}, "an attribute beside Hat"),
    ({"attributes": ("Tie", "Hat")}, "holds back every training picture"),
  ):
    message = error(lambda fields=fields: opened(**fields))
    assert message.startswith("config.data.curriculum=0.5 ")
    assert said in message


def test_the_classifier_has_none():
  config = teacher.get_config("avatars")
  for field in ("curriculum", "bias_attribute"):
    config.classifier.data = ConfigDict({field: 1})
    message = error(validation.check_classifier, config)
    assert f"config.classifier.data.{field} is none of" in message


def test_a_run_that_is_extended_says_when_it_ends():
  config = teacher.get_config("celeba")
  config.data.curriculum = 0.3
  text = optimizers.describe_schedules(config)
  assert text.endswith("; data.curriculum ends at step 12,000")
