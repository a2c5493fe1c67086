"""Every reading of L_akd, and what they have in common."""

import copy
import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.configs import student
from akd_jax.distillation.akd import (
  NORMS,
  OPTIONS,
  check_options,
  compare,
  distances,
)
from akd_jax.distillation.mapping import Teacher, map_label, mapping_matrix
from akd_jax.distillation.terms import distillation_terms, tapped
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.arrangements import GeneratorBatch
from akd_jax.systems.model import Model, Networks, translate
from akd_jax.systems.stargan import STARGAN
from akd_jax.training.step import generator_loss
from tests.layouts import error

SIZE, BATCH = 16, 3
NAMES = ("Bald", "Goatee", "Smiling")
# Two active attributes, one, none.
TARGET = np.float32([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
FIRST, LAST = TARGET * np.float32([1, 1, 0]), TARGET * np.float32([0, 1, 1])
IMAGE = np.random.default_rng(0).uniform(-1, 1, (BATCH, SIZE, SIZE, 3))


# Whatever the defaults of the recipes are.
PLAIN = {field: next(iter(names)) for field, names in OPTIONS.items()}


class Pair:
  """A student of some attributes with a teacher of some, and its losses."""

  def __init__(self, initialize, classes=3, teacher_classes=3):
    self.student, teacher = (
      model(initialize, blocks, number, seed)
      for blocks, number, seed in ((2, classes, 0), (3, teacher_classes, 1))
    )
    self.teacher = teach(teacher, np.eye(classes, teacher_classes))
    self.image = jnp.asarray(IMAGE, jnp.float32)

  def distance(
    self,
    student,
    teacher,
    label=TARGET,
    active=FIRST,
    mapping=None,
    **options,
  ):
    """Distances [B] and metrics, for these fields of config.attention."""
    config = student_config(**options)
    if mapping is not None:
      teacher = dataclasses.replace(teacher, mapping=jnp.asarray(mapping))
    label = jnp.asarray(label)
    names = tapped(config, STARGAN, student.networks)
    translation = translate(student, self.image, label, names)
    terms, metrics = distillation_terms(
      STARGAN.complete(student, translation),
      teacher,
      GeneratorBatch(None, self.image, label, label, jnp.asarray(active)),
      config,
    )
    return terms["g_loss_akd"], metrics

  def value(self, **options):
    return np.asarray(self.distance(self.student, self.teacher, **options)[0])

  def gradient(self, argument=0, **options):
    """(gradient of the mean distance, distances [B], metrics)."""

    def mean(student, teacher):
      distance, metrics = self.distance(student, teacher, **options)
      return jnp.mean(distance), (distance, metrics)

    gradient, rest = jax.grad(mean, argument, has_aux=True)(
      self.student, self.teacher
    )
    return gradient, *rest


def model(initialize, blocks, classes, seed):
  networks = Networks(Generator(2, blocks), Discriminator(4, 2, classes))
  image = (BATCH, SIZE, SIZE, 3)
  return Model(
    initialize(networks.generator, image, (BATCH, classes), seed=seed),
    initialize(networks.discriminator, image, seed=seed + 2),
    networks,
  )


def teach(model, mapping):
  mapping = jnp.asarray(mapping, jnp.float32)
  return Teacher(model, mapping, STARGAN, ("",) * mapping.shape[1])


def student_config(**options):
  config = student.get_config("debug")
  config.attention.update(PLAIN | options)
  return config


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
  *({field: name} for field in OPTIONS for name in list(OPTIONS[field])[1:]),
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
  gradient = gradient.generator
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
  assert size(gradient.model) == 0


def test_the_decoder_learns_by_second_derivatives_alone(reading):
  for second_order in (True, False):
    options = {} if second_order else {"second_order": False}
    gradient, *_ = reading(**options)
    for layer in ("decoder_0", "decoder_1", "output"):
      assert (size(gradient.generator[layer]) > 0) == second_order
    for layer in ("encoder_0", "residual_0", "residual_1"):
      assert size(gradient.generator[layer]) > 0


def test_a_student_that_is_its_teacher_is_at_no_distance(pair):
  same = copy.copy(pair)
  # Its generator; its discriminator has another start.
  own = jax.tree.map(lambda x: 2 * x, pair.teacher.model.discriminator)
  same.student = dataclasses.replace(pair.teacher.model, discriminator=own)
  assert not np.any(same.value(discriminator="teacher"))
  assert np.any(same.value(discriminator="own"))


def test_a_mapping_to_the_same_attributes_equals_no_pseudo_attention(pair):
  mapping = mapping_matrix(NAMES, NAMES, {name: name for name in NAMES})
  np.testing.assert_array_equal(mapping, mapping_matrix(NAMES, NAMES, None))
  np.testing.assert_array_equal(map_label(TARGET, mapping), TARGET)


def test_a_dot_in_a_name_is_written_as_no_field_may_have_it():
  mapping = mapping_matrix(["a.b", ".."], ["x"], {"a%2Eb": "x", "%2E%2E": "x"})
  np.testing.assert_array_equal(mapping, np.ones((2, 1)))


@pytest.mark.parametrize(
  "options", [{}, {"target": "each", "discriminator": "own"}], ids=str
)
def test_attributes_that_the_teacher_orders_otherwise_are_found(pair, options):
  order = [2, 0, 1]
  mapping = mapping_matrix(
    NAMES, [NAMES[i] for i in order], {name: name for name in NAMES}
  )
  model = pair.teacher.model
  kernel = model.generator["encoder_0"]["conv"]["kernel"]
  planes = jnp.concatenate(
    [kernel[:, :, :3], kernel[:, :, 3:][:, :, np.array(order)]], axis=2
  )
  logits = model.discriminator["classifier"]["kernel"][..., order]
  other = copy.copy(pair)
  ordered = Model(
    replace(model.generator, ("encoder_0", "conv", "kernel"), planes),
    replace(model.discriminator, ("classifier", "kernel"), logits),
    model.networks,
  )
  other.teacher = teach(ordered, mapping)
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
  gradient = gradient.generator
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


def loss_of(pair, config, label, teacher):
  """L_G and its terms, of one update on these labels."""
  names = tapped(config, STARGAN, pair.student.networks) if teacher else ()
  return generator_loss(
    pair.student,
    translate(pair.student, pair.image, label, names),
    teacher,
    GeneratorBatch(jnp.zeros(()), pair.image, label, label, label),
    config,
  )


def test_classes_that_exclude_each_other_are_distilled(pair):
  config = student.get_config("debug")
  config.data.label_rule = "exclusive"
  loss, metrics = loss_of(pair, config, jnp.eye(3), pair.teacher)
  assert np.isfinite(loss) and metrics["g_loss_akd"] > 0
  weighted = config.distill.akd.weight * metrics["g_loss_akd"]
  np.testing.assert_allclose(metrics["weighted/g_loss_akd"], weighted)


def test_without_a_teacher_there_is_no_term_of_one(pair):
  config = student.get_config("debug")
  config.distill.output.weight = 10.0
  _, metrics = jax.eval_shape(lambda: loss_of(pair, config, jnp.eye(3), None))
  of_a_teacher = ("akd", "out", "attention")
  assert not [x for x in metrics if any(word in x for word in of_a_teacher)]


def test_sizes_of_maps_for_each_class_are_means_over_the_active_ones(pair):
  both, first, last = (
    pair.distance(pair.student, pair.teacher, active=active, target=target)[1]
    for target, active in (
      ("each", FIRST),
      ("sampled", FIRST),
      ("sampled", LAST),
    )
  )
  # The first target has two active classes, the others at most one, which both
  # selections hold.
  for name in SIZES:
    mean = (first[name] + last[name]) / 2
    np.testing.assert_allclose(both[name], mean, rtol=1e-5)


def test_a_target_that_nothing_is_explained_of_contributes_nothing():
  # As of RelGAN: its score has a gradient, whatever the weights.
  def looked(size):
    return types.SimpleNamespace(
      activations={"a": jnp.full((2, 2, 2, 1), size)},
      pull=lambda gradient: {"a": jnp.ones((2, 2, 2, 1))},
      pull_classes=lambda weights: weights,
    )

  explained = jnp.array([[0.0, 1.0], [0.0, 0.0]])
  lesson = types.SimpleNamespace(
    student=looked(2.0), teacher=looked(3.0), target=explained,
    explained=explained, taught=explained, mapping=jnp.eye(2),
  )  # fmt: skip
  # The second student wants what its teacher, to itself, has there already.
  asked = types.SimpleNamespace(**vars(lesson) | {"explained": jnp.eye(2)})
  for one in (lesson, asked):
    for target in ("sum", "each"):
      config = student_config(discriminator="own", target=target)
      one.taught = explained
      found, metrics = distances(one, config)
      assert found.tolist() == ([1.0, 0.0] if one is lesson else [0.0, 0.0])
      assert metrics["attention_teacher_mean"] == (1.5 if one is lesson else 0)


# (what the student's system explains, what the teacher's does, the mapping, and
# what is left of the first).
SHARES = [
  # A StarGAN wants two attributes; to its RelGAN teacher, one is there already.
  ([1, 1], [1, 0], np.eye(2), [1, 0]),
  # A RelGAN removes one; its StarGAN teacher explains only what is wanted.
  ([0, 1], [1, 0], np.eye(2), [0, 0]),
  # The teacher explains all, one to one and many to one; and some, many to one.
  ([1, 1], [1, 1], np.eye(2), [1, 1]),
  ([1, 1, 1], [1, 1], [[1, 0], [1, 0], [0, 1]], [1, 1, 1]),
  ([1, 1, 0], [0, 1], [[1, 0], [0, 1], [0, 1]], [0, 1, 0]),
]


@pytest.mark.parametrize(("explained", "taught", "mapping", "left"), SHARES)
def test_its_own_discriminator_explains_what_the_teachers_does(
  explained, taught, mapping, left
):
  asked = []

  def looked(pull_classes):
    return types.SimpleNamespace(
      activations={"a": jnp.ones((1, 2, 2, 1))},
      pull=lambda gradient: {"a": jnp.ones((1, 2, 2, 1))},
      pull_classes=pull_classes,
    )

  lesson = types.SimpleNamespace(
    student=looked(asked.append), teacher=looked(lambda weights: None),
    target=jnp.ones((1, len(explained))), mapping=jnp.float32(mapping),
    explained=jnp.float32([explained]), taught=jnp.float32([taught]),
  )  # fmt: skip
  distances(lesson, student_config(discriminator="own", target="sum"))
  np.testing.assert_array_equal(asked, [[left]])


def test_many_attributes_may_stand_for_one_of_the_teacher():
  mapping = mapping_matrix(
    NAMES,
    ("Young", "Male"),
    {"Bald": "Male", "Goatee": "Male", "Smiling": "Young"},
  )
  np.testing.assert_array_equal(mapping, [[0, 1], [0, 1], [1, 0]])
  target = np.float32([[1, 1, 0], [0, 1, 1], [0, 0, 0]])
  np.testing.assert_array_equal(
    map_label(target, mapping), [[0, 1], [1, 1], [0, 0]]
  )


def test_other_attributes_without_a_mapping_are_refused_with_both_lists():
  message = error(mapping_matrix, NAMES, ("Young", "Bald"), None)
  assert "Bald, Goatee, Smiling" in message
  assert "teacher's Young, Bald" in message
  assert "config.pseudo.reading" in message


def test_the_same_attributes_in_another_order_need_a_mapping():
  message = error(mapping_matrix, NAMES, NAMES[::-1], None)
  assert ", ".join(NAMES) in message and ", ".join(NAMES[::-1]) in message


def test_an_attribute_that_stands_for_nothing_is_refused():
  message = error(mapping_matrix, NAMES, ("Male",), {"Bald": "Male"})
  assert "config.pseudo.mapping" in message and "'Goatee'" in message


def test_a_mapping_to_what_the_teacher_does_not_know_is_refused():
  mapping = {name: "Young" for name in NAMES}
  message = error(mapping_matrix, NAMES, ("Male", "Bald"), mapping)
  assert "config.pseudo.mapping.Bald='Young'" in message
  assert "Male, Bald" in message


@pytest.mark.parametrize("field", OPTIONS)
def test_a_name_that_means_nothing_is_refused(field):
  config = student.get_config("debug")
  check_options(config.attention)
  config.attention[field] = "mean"
  message = error(check_options, config.attention)
  assert f"config.attention.{field}='mean'" in message
  refusal, _, _ = message.partition("; did you mean")
  assert refusal.endswith(f" is none of {', '.join(OPTIONS[field])}")


# |student - teacher| is [[1, 0], [2, 2]]; the other pair is equal.
STUDENT_MAPS = np.float32([[[1, 0], [3, 2]], [[1, 2], [0, 4]]])
TEACHER_MAPS = np.float32([[[0, 0], [1, 4]], [[1, 2], [0, 4]]])


@pytest.mark.parametrize(
  "norm, distance", [("l1_mean", 1.25), ("l1_sum", 5.0), ("l2", 3.0)]
)
def test_distance_of_two_maps_worked_out_by_hand(norm, distance):
  found = jax.jit(compare, static_argnums=2)(STUDENT_MAPS, TEACHER_MAPS, norm)
  np.testing.assert_allclose(found, [distance, 0], rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_equal_maps_have_a_finite_gradient(norm):
  gradient = jax.grad(
    lambda m: jnp.sum(compare(m, jnp.asarray(TEACHER_MAPS), norm))
  )(jnp.asarray(STUDENT_MAPS))
  assert np.all(np.isfinite(gradient)) and np.any(gradient[0])


def test_maps_of_other_shapes_are_not_broadcast():
  with pytest.raises(ValueError, match=r"shapes differ: \(\d.*\(1, "):
    compare(STUDENT_MAPS, TEACHER_MAPS[:1], "l1_mean")
