"""Every reading of L_akd, and what they have in common."""

import copy
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.configs import pseudo, student
from akd_jax.distillation.akd import (
  OPTIONS,
  Distillation,
  Teacher,
  attention_loss,
  check_options,
  mapping_matrix,
  teacher_target,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems import stargan as objectives
from akd_jax.training import teacher as teaching
from akd_jax.training import validation
from akd_jax.training.state import Networks
from tests.layouts import error

SIZE, BATCH = 16, 3
NAMES = ("Bald", "Goatee", "Smiling")
# Two active attributes, one, none.
TARGET = np.float32([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
FIRST, LAST = TARGET * np.float32([1, 1, 0]), TARGET * np.float32([0, 1, 1])
IMAGE = np.random.default_rng(0).uniform(-1, 1, (BATCH, SIZE, SIZE, 3))


# Whatever the defaults of the recipes are.
PLAIN = {field: names[0] for field, names in OPTIONS.items()}


class Pair:
  """A student of some attributes with a teacher of some, and its losses."""

  def __init__(self, initialize, classes=3, teacher_classes=3):
    self.networks, self.teachers = (
      Networks(Generator(2, blocks), Discriminator(4, 2, number))
      for blocks, number in ((2, classes), (3, teacher_classes))
    )
    image = (BATCH, SIZE, SIZE, 3)
    self.generator, teacher_generator = (
      initialize(networks.generator, image, (BATCH, number), seed=seed)
      for networks, number, seed in (
        (self.networks, classes, 0),
        (self.teachers, teacher_classes, 1),
      )
    )
    self.discriminator, teacher_discriminator = (
      initialize(networks.discriminator, image, seed=seed)
      for networks, seed in ((self.networks, 2), (self.teachers, 3))
    )
    self.teacher = Teacher(teacher_generator, teacher_discriminator)
    self.image = jnp.asarray(IMAGE, jnp.float32)

  def distance(
    self,
    params,
    teacher,
    label=TARGET,
    active=FIRST,
    mapping=None,
    **options,
  ):
    """Distances [B] and metrics, for these fields of config.attention."""
    config = student.get_config("debug")
    config.attention.update(PLAIN | options)
    label = jnp.asarray(label)

    def scores(taps):
      fake, features = self.networks.generator.apply(
        {"params": params}, self.image, label, taps
      )
      judged = self.networks.discriminator.apply(
        {"params": self.discriminator}, fake
      )
      return judged[0][1], (features, (fake,))

    if mapping is None:
      mapping = np.eye(label.shape[1], dtype=np.float32)
    distance, _, _, metrics = attention_loss(
      scores,
      params,
      teacher,
      self.image,
      label,
      jnp.asarray(active),
      networks=self.networks,
      distillation=Distillation(self.teachers, mapping),
      config=config,
    )
    return distance, metrics

  def value(self, **options):
    return np.asarray(self.distance(self.generator, self.teacher, **options)[0])

  def gradient(self, argument=0, **options):
    """(gradient of the mean distance, distances [B], metrics)."""

    def mean(*parameters):
      distance, metrics = self.distance(*parameters, **options)
      return jnp.mean(distance), (distance, metrics)

    gradient, rest = jax.grad(mean, argument, has_aux=True)(
      self.generator, self.teacher
    )
    return gradient, *rest


@pytest.fixture(scope="module")
def pair(initialize):
  return Pair(initialize)


def size(tree):
  return sum(float(jnp.sum(jnp.abs(leaf))) for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def reading(pair):
  """`pair.gradient`, computed once for each reading."""
  return functools.cache(pair.gradient)


# Every value of every field beside PLAIN. The two readings of pseudo-attention
# are the two discriminators, with a mapping.
READINGS = [
  {},
  *({field: name} for field in OPTIONS for name in OPTIONS[field][1:]),
  {"second_order": False},
  {"hook": "branch"},
  {"block": "0"},
  {"block": "second_last"},
  {"target": "each", "normalize": "l2", "norm": "l2", "discriminator": "own"},
]
SIZES = {
  f"attention_{who}_{what}"
  for who in ("student", "teacher")
  for what in ("mean", "max")
}


@pytest.mark.parametrize("options", READINGS, ids=str)
def test_every_reading_has_a_finite_loss_and_gradient(reading, options):
  gradient, distance, metrics = reading(**options)
  assert np.all(np.isfinite(distance)) and np.all(distance[:2] > 0)
  assert np.isfinite(size(gradient)) and size(gradient) > 0
  assert set(metrics) == SIZES
  assert all(np.isfinite(m) and m > 0 for m in metrics.values())
  # The third target has no active attribute.
  assert distance[2] == 0


def test_a_map_for_each_of_one_class_is_the_map_of_their_sum(reading):
  each, one = (reading(target=target)[1] for target in ("each", "sum"))
  np.testing.assert_allclose(each[1], one[1], rtol=1e-6)
  assert abs(each[0] - one[0]) > 1e-3 * one[0]


def test_sampled_maps_of_all_active_classes_average_to_each(pair, reading):
  each, first = (reading(target=target)[1] for target in ("each", "sampled"))
  last = pair.value(target="sampled", active=LAST)
  np.testing.assert_allclose((first + last) / 2, each, rtol=1e-5)


@pytest.mark.parametrize("discriminator", ["teacher", "own"])
def test_nothing_teaches_the_teacher(pair, discriminator):
  gradient, *_ = pair.gradient(1, discriminator=discriminator)
  assert size(gradient.generator) == 0
  # As the judge of both, it passes a gradient on without being moved itself.
  assert (size(gradient.discriminator) == 0) == (discriminator == "own")


def test_the_decoder_learns_by_second_derivatives_alone(reading):
  for second_order in (True, False):
    options = {} if second_order else {"second_order": False}
    gradient, *_ = reading(**options)
    for layer in ("decoder_0", "decoder_1", "output"):
      assert (size(gradient[layer]) > 0) == second_order
    for layer in ("encoder_0", "residual_0", "residual_1"):
      assert size(gradient[layer]) > 0


def test_a_student_that_is_its_teacher_is_at_no_distance(pair):
  networks = pair.teachers
  same = copy.copy(pair)
  same.networks, same.generator = networks, pair.teacher.generator
  assert not np.any(same.value(discriminator="teacher"))
  assert np.any(same.value(discriminator="own"))


def test_a_mapping_to_the_same_attributes_equals_no_pseudo_attention(pair):
  mapping = mapping_matrix(NAMES, NAMES, {name: name for name in NAMES})
  np.testing.assert_array_equal(mapping, mapping_matrix(NAMES, NAMES, None))
  np.testing.assert_array_equal(teacher_target(TARGET, mapping), TARGET)


@pytest.mark.parametrize(
  "options", [{}, {"target": "each", "discriminator": "own"}], ids=str
)
def test_attributes_that_the_teacher_orders_otherwise_are_found(pair, options):
  order = [2, 0, 1]
  mapping = mapping_matrix(
    NAMES, [NAMES[i] for i in order], {name: name for name in NAMES}
  )
  kernel = pair.teacher.generator["encoder_0"]["conv"]["kernel"]
  planes = jnp.concatenate(
    [kernel[:, :, :3], kernel[:, :, 3:][:, :, np.array(order)]], axis=2
  )
  logits = pair.teacher.discriminator["classifier"]["kernel"][..., order]
  other = copy.copy(pair)
  other.teacher = Teacher(
    replace(pair.teacher.generator, ("encoder_0", "conv", "kernel"), planes),
    replace(pair.teacher.discriminator, ("classifier", "kernel"), logits),
  )
  found = other.value(mapping=mapping, **options)
  np.testing.assert_allclose(found, pair.value(**options), rtol=1e-4)


def replace(params, path, value):
  flat = traverse_util.flatten_dict(params)
  return traverse_util.unflatten_dict(flat | {path: value})


# Both readings of pseudo-attention; paper 2, Table VIII.
@pytest.mark.parametrize("discriminator", ["teacher", "own"])
def test_one_attribute_of_the_teacher_stands_for_all_of_the_student(
  one_for_all, discriminator
):
  gradient, distance, _ = one_for_all.gradient(
    mapping=np.ones((3, 1), np.float32), discriminator=discriminator
  )
  assert np.all(np.isfinite(distance)) and np.isfinite(size(gradient))
  assert np.all(distance[:2] > 0) and distance[2] == 0


@pytest.fixture(scope="module")
def one_for_all(initialize):
  return Pair(initialize, teacher_classes=1)


def test_a_single_attribute_is_enough(initialize):
  pair = Pair(initialize, classes=1, teacher_classes=1)
  label = np.float32([[1], [1], [0]])
  values = [
    pair.value(label=label, active=label, target=target)
    for target in ("sum", "sampled", "each")
  ]
  np.testing.assert_allclose(values[1:], values[:1] * 2, rtol=1e-6)
  assert np.all(values[0][:2] > 0) and values[0][2] == 0


def generator_loss(pair, config, label, teacher, teachers):
  return objectives.generator_loss(
    pair.generator,
    pair.discriminator,
    teacher,
    pair.image,
    label,
    label,
    label,
    networks=pair.networks,
    distillation=teachers,
    config=config,
  )


def test_classes_that_exclude_each_other_are_distilled(pair):
  config = student.get_config("debug")
  config.data.label_rule = "exclusive"
  teachers = Distillation(pair.teachers, np.eye(3, dtype=np.float32))
  loss, metrics = generator_loss(
    pair, config, jnp.eye(3), pair.teacher, teachers
  )
  assert np.isfinite(loss) and metrics["g_loss_akd"] > 0
  weighted = config.distill.akd.weight * metrics["g_loss_akd"]
  np.testing.assert_allclose(metrics["weighted/g_loss_akd"], weighted)


def test_without_a_teacher_there_is_no_term_of_one(pair):
  config = student.get_config("debug")
  config.distill.output.weight = 10.0
  _, metrics = jax.eval_shape(
    lambda: generator_loss(pair, config, jnp.eye(3), None, None)
  )
  of_a_teacher = ("akd", "out", "attention")
  assert not [x for x in metrics if any(word in x for word in of_a_teacher)]


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_the_students_pictures_are_compared_with_the_teachers(pair, weight):
  config = student.get_config("debug")
  config.distill.akd.weight, config.distill.output.weight = weight, 5.0
  label = jnp.asarray(TARGET)
  mapping = np.eye(3, dtype=np.float32)
  loss, metrics = generator_loss(
    pair, config, label, pair.teacher, Distillation(pair.teachers, mapping)
  )
  ours, theirs = (
    networks.generator.apply({"params": params}, pair.image, label)[0]
    for networks, params in (
      (pair.networks, pair.generator),
      (pair.teachers, pair.teacher.generator),
    )
  )
  expected = np.mean(np.abs(np.asarray(ours) - np.asarray(theirs)))
  np.testing.assert_allclose(metrics["g_loss_out"], expected, rtol=1e-4)
  assert ("g_loss_akd" in metrics) == (weight > 0)
  weighted = [x for name, x in metrics.items() if name.startswith("weighted/")]
  np.testing.assert_allclose(loss, sum(weighted), rtol=1e-5)
  np.testing.assert_allclose(
    metrics["weighted/g_loss_out"], 5 * metrics["g_loss_out"], rtol=1e-6
  )


def test_what_a_teacher_draws_is_taught_without_its_attention():
  config = student.get_config("debug")
  config.distill.akd.weight, config.distill.output.weight = 0.0, 10.0
  assert validation.distils(config)


def test_a_teacher_of_other_attributes_can_not_teach_pictures():
  config = pseudo.get_config("debug")
  recipe = teaching.teacher_recipe(config)
  teaching.check_fit(config, recipe)
  config.distill.output.weight = 10.0
  message = error(teaching.check_fit, config, recipe)
  assert "config.distill.output.weight=10.0" in message
  assert "'paper2'" in message


def test_weight_0_and_no_teacher_load_nothing():
  for field, value in (("distill.akd.weight", 0.0), ("teacher", "")):
    config = student.get_config("debug")
    config.distill.output.weight = 0.0
    assert validation.distils(config)
    config.update_from_flattened_dict({field: value})
    assert not validation.distils(config)
    assert teaching.load_teacher(config) == (None, None)


def test_many_attributes_may_stand_for_one_of_the_teacher():
  mapping = mapping_matrix(
    NAMES,
    ("Young", "Male"),
    {"Bald": "Male", "Goatee": "Male", "Smiling": "Young"},
  )
  np.testing.assert_array_equal(mapping, [[0, 1], [0, 1], [1, 0]])
  target = np.float32([[1, 1, 0], [0, 1, 1], [0, 0, 0]])
  np.testing.assert_array_equal(
    teacher_target(target, mapping), [[0, 1], [1, 1], [0, 0]]
  )


def test_other_attributes_without_a_mapping_are_refused_with_both_lists():
  message = error(mapping_matrix, NAMES, ("Young", "Bald"), None)
  assert "student's attributes are Bald, Goatee, Smiling" in message
  assert "teacher's Young, Bald" in message
  assert "config.pseudo.reading" in message


def test_the_same_attributes_in_another_order_need_a_mapping():
  assert "must be the same" in error(mapping_matrix, NAMES, NAMES[::-1], None)


def test_an_attribute_that_stands_for_nothing_is_refused():
  message = error(mapping_matrix, NAMES, ("Male",), {"Bald": "Male"})
  assert "config.pseudo.mapping has no entry for 'Goatee'" in message


def test_a_mapping_to_what_the_teacher_does_not_know_is_refused():
  mapping = {name: "Young" for name in NAMES}
  message = error(mapping_matrix, NAMES, ("Male", "Bald"), mapping)
  assert "config.pseudo.mapping.Bald='Young'" in message
  assert "the teacher, which knows Male, Bald" in message


@pytest.mark.parametrize("field", OPTIONS)
def test_a_name_that_means_nothing_is_refused(field):
  config = student.get_config("debug")
  check_options(config.attention)
  config.attention[field] = "mean"
  for check in (
    lambda: check_options(config.attention),
    lambda: teaching.check_fit(config, config.teacher_recipe),
  ):
    message = error(check)
    assert f"config.attention.{field}='mean' is none of" in message
    assert message.endswith(", ".join(OPTIONS[field]))
