"""Output distillation: the student's pictures are to be the teacher's."""

import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import pseudo, student
from akd_jax.training import starts
from akd_jax.training import teacher as teaching
from tests.distillation.test_akd import TARGET, Pair, loss_of
from tests.layouts import error


@pytest.fixture(scope="module")
def pair(initialize):
  return Pair(initialize)


@pytest.mark.parametrize("attention", [0.0, 10.0])
def test_the_students_pictures_are_compared_with_the_teachers(pair, attention):
  config = student.get_config("debug")
  config.distill.akd.weight, config.distill.output.weight = attention, 5.0
  label = jnp.asarray(TARGET)
  loss, metrics = loss_of(pair, config, label, pair.teacher)
  ours, theirs = (
    np.asarray(model.generate(pair.image, label)[0])
    for model in (pair.student, pair.teacher.model)
  )
  expected = np.mean(np.abs(ours - theirs))
  np.testing.assert_allclose(metrics["g_loss_out"], expected, rtol=1e-4)
  assert ("g_loss_akd" in metrics) == (attention > 0)
  weighted = [x for name, x in metrics.items() if name.startswith("weighted/")]
  np.testing.assert_allclose(loss, sum(weighted), rtol=1e-5)
  np.testing.assert_allclose(
    metrics["weighted/g_loss_out"], 5 * metrics["g_loss_out"], rtol=1e-6
  )


def test_a_teacher_of_other_attributes_can_not_teach_pictures():
  config = pseudo.get_config("debug")
  recipe = teaching.teacher_recipe(config)
  starts.check_new(config, recipe)
  config.distill.output.weight = 10.0
  message = error(starts.check_new, config, recipe)
  assert "config.distill.output.weight=10.0" in message
  assert "'paper2'" in message
