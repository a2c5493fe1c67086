"""Students without a discriminator of their own that learns."""

import jax
import numpy as np
import pytest

from akd_jax.training import run_dir
from tests import small_runs


@pytest.mark.parametrize("adversary", ["frozen", "none"])
def test_a_discriminator_that_is_not_trained_stays_the_teachers(
  untrained_teacher, tmp_path, adversary
):
  config = small_runs.student_config(
    untrained_teacher,
    adversary=adversary,
    steps=2,
    n_critic=1,
    checkpoint_every=1,
    distill__akd__weight=0.0,
    distill__output__weight=10.0,
  )
  small_runs.train(config, tmp_path)
  theirs = run_dir.load_run(untrained_teacher).model.discriminator
  first, last = (small_runs.state(tmp_path, step) for step in (1, 2))
  for state in (first, last):
    small_runs.assert_same_bits(state["discriminator"], theirs)
    moments = jax.tree.leaves(state["discriminator_moments"])
    assert not any(np.any(x) for x in moments)
  kernels = (x["generator"]["output"]["kernel"] for x in (first, last))
  assert np.all(np.not_equal(*kernels))
  for row in small_runs.metrics(tmp_path):
    names = {name.removeprefix("weighted/") for name in row}
    assert not any(name.startswith("d_") for name in names)
    assert names >= {"g_loss_rec", "g_loss_out"}
    scored = {"g_loss_fake", "g_loss_cls", "fake_agreement"}
    assert names & scored == (scored if adversary == "frozen" else set())
