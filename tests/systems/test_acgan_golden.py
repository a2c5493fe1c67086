"""ACGAN: StarGAN's networks in PyTorch under PyTorch-GAN's losses, reproduced.

The reference takes both gradients before either network has moved, of one fake.
"""

import functools

import jax
import jax.numpy as jnp
import pytest

from akd_jax.configs import acgan
from akd_jax.distillation.attention import attention_maps
from akd_jax.interop.torch_stargan import (
  discriminator_from_torch,
  generator_from_torch,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.acgan import ACGAN
from akd_jax.systems.model import Networks, translate
from akd_jax.systems.randomness import Draws
from akd_jax.training import step as steps
from akd_jax.training.optimizers import adam
from akd_jax.training.state import TrainState
from tests.golden_arrays import error, load, model_of, nhwc, part

TOLERANCE = 1e-4
# Ours: the reference's.
TERMS = {
  "d_loss_real": "D_loss/adv_real",
  "d_loss_fake": "D_loss/adv_fake",
  "d_loss_cls": "D_loss/cls_real",
  "d_loss_cls_fake": "D_loss/cls_fake",
  "g_loss_fake": "G_loss/adv",
  "g_loss_cls": "G_loss/cls",
  "g_loss_rec": "G_loss/rec",
}


def assert_close(ours, reference):
  errors = jax.tree.map(error, ours, reference)
  assert all(x <= TOLERANCE for x in jax.tree.leaves(errors)), errors


@pytest.fixture(scope="module")
def arrays():
  return load("acgan")


@pytest.fixture(scope="module")
def model(arrays):
  networks = Networks(Generator(8, 2), Discriminator(8, 4, 5))
  return model_of(arrays, networks, "G/", "D/")


def cycle(arrays, model, **fields):
  """One step from the reference's weights: the state after it, the metrics.

  A step this long takes whoever moves first far away.
  """
  config = acgan.get_config("celeba")
  config.optimizer.learning_rate = 0.1
  config.update_from_flattened_dict(fields)
  state = TrainState(
    step=jnp.zeros((), jnp.int32),
    generator=model.generator,
    discriminator=model.discriminator,
    generator_moments=adam(config).init(model.generator),
    discriminator_moments=adam(config).init(model.discriminator),
    ema=None,
  )
  label, target = (jnp.asarray(arrays[x]) for x in ("c_org", "c_trg"))
  step = functools.partial(steps.cycle, networks=model.networks, config=config)
  return jax.jit(step)(
    state,
    None,
    {"image": nhwc(arrays["x_real"])[None], "label": label[None]},
    Draws(target[None], jnp.zeros((1, len(target))), target),
  )


@pytest.fixture(scope="module")
def after(arrays, model):
  return cycle(arrays, model)


def gradient(moments):
  """What Adam has seen first: its mean starts as half of that."""
  return jax.tree.map(lambda x: 2 * x, moments.mu)


def test_pictures_and_scores_equal_the_references(arrays, model):
  label, target = (jnp.asarray(arrays[x]) for x in ("c_org", "c_trg"))

  @jax.jit
  def ours(image):
    fake, _ = model.generate(image, target)
    restored, _ = model.generate(fake, label)
    scores = [tuple(model.discriminate(x)[:2]) for x in (fake, image)]
    return fake, restored, scores

  reference = [
    (nhwc(arrays[f"{who}_src"]), arrays[f"{who}_cls"])
    for who in ("fake", "real")
  ]
  pictures = nhwc(arrays["x_fake"]), nhwc(arrays["x_rec"])
  assert_close(ours(nhwc(arrays["x_real"])), (*pictures, reference))


def test_every_term_equals_the_references(arrays, after):
  metrics = after[1]
  for ours, theirs in TERMS.items():
    assert_close(metrics[ours], arrays[theirs])
  # Summed over attributes, as StarGAN's is.
  for name in ("D_loss/cls_real", "D_loss/cls_fake", "G_loss/cls"):
    assert_close(arrays[name] / 5, arrays[f"{name}_mean"])
  weighted = {
    network: sum(
      x for name, x in metrics.items() if name.startswith(f"weighted/{network}")
    )
    for network in "dg"
  }
  assert_close(weighted["d"], arrays["D_loss/total"])
  assert_close(weighted["g"], arrays["G_loss/total_rec"])
  for who, classes in (("real", "cls"), ("fake", "cls_fake")):
    both = (metrics[f"weighted/d_loss_{name}"] for name in (who, classes))
    assert_close(2 * sum(both), arrays[f"D_loss/{who}"])


def test_the_generator_moves_first_and_the_discriminator_sees_its_old_fake(
  arrays, model, after
):
  state, _ = after
  assert_close(
    gradient(state.generator_moments),
    generator_from_torch(part(arrays, "G_grad_rec/")),
  )
  assert_close(
    gradient(state.discriminator_moments),
    discriminator_from_torch(part(arrays, "D_grad/")),
  )
  for network in ("generator", "discriminator"):
    moved = jax.tree.map(
      lambda x, y: float(jnp.abs(x - y).max()),
      getattr(state, network),
      getattr(model, network),
    )
    assert min(jax.tree.leaves(moved)) > 0.05


def test_without_a_reconstruction_it_is_the_classifying_gans(arrays, model):
  fields = {"loss.lambda_rec": 0.0, "adversary": "frozen"}
  state, metrics = cycle(arrays, model, **fields)
  assert "g_loss_rec" not in metrics
  total = metrics["weighted/g_loss_fake"] + metrics["weighted/g_loss_cls"]
  assert_close(total, arrays["G_loss/total"])
  assert_close(
    gradient(state.generator_moments),
    generator_from_torch(part(arrays, "G_grad/")),
  )


def test_maps_of_every_hook_and_class_equal_the_references(arrays, model):
  target = jnp.asarray(arrays["c_trg"])
  names = [f"{hook}_{i}" for hook in ("block", "branch") for i in (0, 1)]

  @jax.jit
  def look(weights):
    drawn = translate(model, nhwc(arrays["x_real"]), target, names)
    translated = ACGAN.complete(model, drawn)
    gradient = translated.pull_classes(weights)
    alphas = {
      name: jnp.mean(x, (1, 2)) for name, x in drawn.pull(gradient).items()
    }
    return attention_maps(translated, gradient), alphas

  ours = {}
  for i in range(5):
    maps, alphas = look(jnp.zeros_like(target).at[:, i].set(1))
    ours |= {f"attention/{name}/class_{i}": x for name, x in maps.items()}
    if i == 0:
      ours |= {f"attention/{name}/alpha_0": x for name, x in alphas.items()}
  maps, _ = look(target)
  ours |= {f"attention/{name}/sum": x for name, x in maps.items()}
  reference = {k: x for k, x in arrays.items() if k.startswith("attention/")}
  assert_close(ours, {name: jnp.asarray(x) for name, x in reference.items()})
