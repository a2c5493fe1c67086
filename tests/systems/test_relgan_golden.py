"""RelGAN as released: the numbers of its own code, reproduced."""

import jax
import numpy as np
import pytest
from flax import traverse_util
from ml_collections import ConfigDict

from akd_jax.interop import numpy_program
from akd_jax.systems.relgan import RELGAN, list_hooks
from tests import golden_relgan
from tests.golden_arrays import error, nhwc, part

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def released():
  return golden_relgan.Released()


def assert_close(ours, reference):
  errors = jax.tree.map(error, ours, reference)
  assert all(x <= TOLERANCE for x in jax.tree.leaves(errors)), errors


def test_pictures_equal_the_released_generators(released):
  ours, fakes = (released.computed[name] for name in ("images", "fakes"))
  names = {"translated": "x_fake", "unchanged": "x_self", "between": "x_inter"}
  names |= {"restored": "x_rec", "used": "eval/x_fake"}
  theirs = {k: nhwc(released.arrays[name]) for k, name in names.items()}
  assert_close({name: ours[name] for name in names}, theirs)
  for name in ("unchanged", "between"):
    assert_close(fakes[name], theirs[name])
  assert_close(ours["fake"], theirs["translated"])


def test_numpy_draws_the_released_picture(released):
  model, batch = released.model, released.generator_batch
  program = RELGAN.program(model.networks.generator)
  about = program._asdict() | {"program": program.steps}
  about["attributes"] = list("abcde")
  trees = model.generator, model.statistics
  parts = [traverse_util.flatten_dict(x, sep="/") for x in trees]
  params = jax.tree.map(np.asarray, parts[0] | parts[1])
  given = np.asarray(batch.target - batch.label)
  image = np.asarray(batch.image)
  ours = numpy_program.generate(about, params, image, given)
  assert_close(ours, np.asarray(nhwc(released.arrays["eval/x_fake"])))


def test_answers_and_vectors_equal_the_released_ones(released):
  ours = released.computed["answers"]
  assert len(ours) == 14
  assert_close(ours, {name: released.arrays[name] for name in ours})


def weighted(terms):
  return sum(x for name, x in terms.items() if name.startswith("weighted/"))


def test_discriminator_terms_equal_the_released_ones(released):
  ours, theirs = released.computed["D_loss"], part(released.arrays, "D_loss/")
  assert_close(
    {
      "df_loss": ours["d_loss_real"] + ours["d_loss_fake"],
      "dc_loss": ours["d_loss_match"],
      "df_gp": ours["d_loss_gp"],
      "di_loss": ours["d_loss_interpolation"],
      "d_loss": weighted(ours),
    },
    theirs,
  )


def test_generator_terms_equal_the_released_ones(released):
  ours, theirs = released.computed["G_loss"], part(released.arrays, "G_loss/")
  # The release adds the discriminator's answers to real pictures.
  adversarial, match = (
    np.square(released.arrays[f"real_{x}"]).mean() for x in ("adv", "match")
  )
  assert_close(
    {
      "gf_loss": ours["g_loss_fake"] + adversarial,
      "gc_loss": ours["g_loss_match"] + match,
      "gr_loss": 10 * (ours["g_loss_rec"] + ours["g_loss_self"]),
      "rec_cycle": ours["g_loss_rec"],
      "rec_self": ours["g_loss_self"],
      "gi_loss": ours["g_loss_interpolation"],
      "go_loss": ours["g_loss_orthogonality"],
      "g_loss": weighted(ours) + adversarial + match,
    },
    theirs,
  )


@pytest.mark.parametrize("network", ["G", "D"])
def test_gradients_equal_the_released_ones(released, network):
  ours = released.computed[f"{network}_grad"]
  assert_close(ours, released.reference(f"{network}_grad/")["params"])


@pytest.mark.parametrize("network", ["D", "G"])
def test_running_statistics_move_as_the_released_ones(released, network):
  name = f"G_after_{network}_step"
  ours, theirs = released.computed[name], released.reference(f"{name}/")
  assert_close(ours, theirs["batch_stats"])


@pytest.mark.parametrize("mode", ["attention", "attention_train"])
def test_maps_of_every_hook_and_question_equal_the_references(released, mode):
  ours, theirs = released.computed[mode], part(released.arrays, f"{mode}/")
  assert len(theirs) == {"attention": 9 * 7, "attention_train": 9 * 2}[mode]
  assert_close(ours, theirs)


def test_activations_can_be_looked_at_in_the_order_of_the_data_flow(released):
  generator = released.model.networks.generator
  found = set()
  for hook in list_hooks(generator):
    options = ConfigDict({"hook": hook, "block": "last"})
    names = RELGAN.list_activations(options, generator)
    assert sorted(names, key=golden_relgan.NAMES.index) == list(names)
    assert RELGAN.name_activation(options, generator) == names[-1]
    found |= set(names)
  assert found == set(golden_relgan.NAMES)
