"""All methods beside each other, and what they look at."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import student, teacher
from akd_jax.distillation import METHODS, terms
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Networks, translate
from akd_jax.systems.stargan import STARGAN
from tests.distillation.test_akd import FIRST, NAMES, SIZE, TARGET, Pair


def settings(**weights):
  config = student.get_config("debug")
  config.data.image_size, config.data.attributes = SIZE, NAMES
  for name in METHODS:
    config.distill[name].weight = weights.get(name, 0.0)
  return config


@pytest.fixture(scope="module")
def pair(initialize):
  return Pair(initialize)


@pytest.fixture(scope="module")
def everything(pair):
  """(gradient of the sum of all terms, terms, metrics), of one program.

  The gradient is of the student, the teacher and the methods' own parameters.
  """
  config = settings(**dict.fromkeys(METHODS, 1.0))
  learnt = terms.create_learnt(
    jax.random.key(0), pair.student.networks, pair.teacher, config
  )
  names = terms.tapped(config, STARGAN, pair.student.networks)

  def total(student, teacher, learnt):
    target = jnp.asarray(TARGET)
    translation = translate(student, pair.image, target, names)
    found, metrics = terms.distillation_terms(
      STARGAN.complete(student, translation),
      teacher,
      GeneratorBatch(None, pair.image, target, target, jnp.asarray(FIRST)),
      config,
      learnt,
    )
    return jnp.sum(sum(found.values())), (found, metrics)

  gradient, rest = jax.jit(jax.grad(total, (0, 1, 2), has_aux=True))(
    pair.student, pair.teacher, learnt
  )
  return jax.device_get((gradient, *rest))


def test_every_method_has_its_term(everything):
  _, found, metrics = everything
  assert set(found) == {method.term for method in METHODS.values()}
  for term in found.values():
    assert term.shape == (len(TARGET),) and term.dtype == np.float32
    assert np.all(np.isfinite(term)) and np.any(term)
  assert all(np.isfinite(x) for x in metrics.values())


def test_the_student_learns_and_its_teacher_does_not(everything):
  (ours, theirs, _), *_ = everything
  assert all(np.any(x) for x in jax.tree.leaves(ours.generator))
  assert not any(np.any(x) for x in jax.tree.leaves(theirs))
  assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((ours, theirs)))


def test_what_a_method_has_of_its_own_learns(everything):
  (_, _, learnt), *_ = everything
  assert set(learnt) == {"features", "omgd", "dcd"}
  for projection in learnt["dcd"].values():
    assert not np.any(projection.pop("teacher"))
  assert all(np.any(x) for x in jax.tree.leaves(learnt))


def test_only_active_methods_have_parameters(pair):
  networks = pair.student.networks
  key = jax.random.key(0)
  for weights, owners in (
    ({"akd": 1.0}, set()),
    ({"output": 1.0, "dcd": 2.0}, {"dcd"}),
  ):
    config = settings(**weights)
    created = terms.create_learnt(key, networks, pair.teacher, config)
    assert set(created) == owners


def test_a_weight_is_that_of_its_methods_term():
  assert terms.weights(settings(output=2.0, dgl=0.5)) == {
    "g_loss_out": 2.0,
    "g_loss_dgl": 0.5,
  }


@pytest.mark.parametrize(
  ("ours", "theirs", "expected"),
  [
    (3, 6, [(0, 1), (1, 3), (2, 5)]),
    (1, 6, [(0, 5)]),
    (2, 3, [(0, 1), (1, 2)]),
    (2, 2, [(0, 0), (1, 1)]),
    (3, 1, [(0, 0), (1, 0), (2, 0)]),
  ],
)
def test_blocks_of_two_networks_end_together(pair, ours, theirs, expected):
  def networks(blocks):
    return Networks(Generator(2, blocks), Discriminator(4, 2, 3))

  model = dataclasses.replace(pair.teacher.model, networks=networks(theirs))
  taught_by = dataclasses.replace(pair.teacher, model=model)
  assert terms._depths(networks(ours), taught_by, settings()) == [
    (f"block_{own}", f"block_{other}") for own, other in expected
  ]


@pytest.mark.parametrize(
  ("changes", "asks"),
  [
    ({}, False),
    ({"adversary": "none"}, False),
    ({"adversary": "frozen"}, True),
    ({"adversary": "teacher"}, True),
    ({"init": "sliced"}, True),
    ({"init": "teacher"}, True),
  ],
)
def test_a_teacher_is_asked_for_its_lessons_its_weights_or_its_judge(
  changes, asks
):
  config = settings()
  config.update(changes)
  assert terms.distils(config) == asks
  config.distill.omgd.weight = 1.0
  assert terms.distils(config)
  config.teacher = ""
  assert not terms.distils(config)


def test_a_teachers_own_recipe_asks_for_no_teacher():
  assert not terms.distils(teacher.get_config("debug"))
