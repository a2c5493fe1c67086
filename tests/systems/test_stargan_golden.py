"""StarGAN as released: the numbers of its own code, reproduced."""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.configs import student
from akd_jax.configs import teacher as teacher_recipe
from akd_jax.distillation import attention
from akd_jax.distillation.mapping import Teacher
from akd_jax.interop import torch_stargan
from akd_jax.models import convolutions
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.model import Model, Networks, complete, translate
from akd_jax.systems.randomness import Draws
from akd_jax.systems.stargan import STARGAN
from akd_jax.systems.system import DiscriminatorBatch, GeneratorBatch
from akd_jax.training import step as steps
from akd_jax.training.optimizers import adam
from akd_jax.training.state import TrainState

GOLDEN = Path(__file__).parents[1] / "golden"
TOLERANCE = 1e-4


def load(name):
  return dict(np.load(GOLDEN / f"{name}.npz", allow_pickle=False))


def part(arrays, prefix):
  return {
    name.removeprefix(prefix): array
    for name, array in arrays.items()
    if name.startswith(prefix)
  }


def nhwc(images):
  return jnp.asarray(np.moveaxis(images, -3, -1))


def assert_close(ours, reference, tolerance=TOLERANCE):
  """Largest error, relative to the array's largest magnitude."""
  ours, reference = np.asarray(ours), np.asarray(reference)
  assert ours.shape == reference.shape
  assert np.abs(ours - reference).max() <= tolerance * np.abs(reference).max()


def assert_trees_close(ours, reference):
  jax.tree.map(assert_close, ours, reference)


@pytest.fixture(scope="module", params=["multilabel", "softmax"])
def released(request):
  arrays = load(f"stargan_{request.param}")
  classes = arrays["c_org"].shape[1]
  networks = Networks(
    Generator(width=8, blocks=2),
    Discriminator(width=8, layers=4, classes=classes),
  )
  rule = "multilabel" if request.param == "multilabel" else "exclusive"
  config = teacher_recipe.get_config("celeba")
  config.data.label_rule = rule
  return arrays, networks, config


def model_of(arrays, networks, generator="G/", discriminator="D/"):
  return Model(
    torch_stargan.generator_from_torch(part(arrays, generator)),
    torch_stargan.discriminator_from_torch(part(arrays, discriminator)),
    networks,
  )


def test_outputs_equal_the_released_networks(released):
  arrays, networks, _ = released
  model = model_of(arrays, networks)
  image = nhwc(arrays["x_real"])
  fake, _ = model.generate(image, arrays["c_trg"])
  restored, _ = model.generate(fake, arrays["c_org"])
  assert_close(fake, nhwc(arrays["x_fake"]))
  assert_close(restored, nhwc(arrays["x_rec"]))
  for picture, name in ((fake, "fake"), (image, "real")):
    scores = model.discriminate(picture)
    assert_close(scores.critic, nhwc(arrays[f"{name}_src"]))
    assert_close(scores.logits, arrays[f"{name}_cls"])


def test_discriminator_loss_and_gradient_equal_the_released_ones(released):
  arrays, networks, config = released
  model = model_of(arrays, networks)
  batch = DiscriminatorBatch(
    jnp.zeros(()),
    nhwc(arrays["x_real"]),
    nhwc(arrays["x_fake"]),
    jnp.asarray(arrays["c_org"]),
    jnp.asarray(arrays["gp_alpha"][:, 0, 0, 0]),
  )
  gradient, metrics = jax.grad(steps.discriminator_loss, has_aux=True)(
    model.discriminator, model, batch, config
  )
  for name in ("d_loss_real", "d_loss_fake", "d_loss_cls", "d_loss_gp"):
    assert_close(metrics[name], arrays[name])
  total = sum(v for k, v in metrics.items() if k.startswith("weighted/"))
  assert_close(total, arrays["d_loss"])
  assert_trees_close(
    gradient, torch_stargan.discriminator_from_torch(part(arrays, "D_grad/"))
  )


def generator_loss(generator, model, batch, config, teacher=None):
  """L_G of generator parameters, and its terms."""
  model = dataclasses.replace(model, generator=generator)
  names = ("block_1",) if teacher is not None else ()
  translation = translate(model, batch.image, batch.target, names)
  return steps.generator_loss(model, translation, teacher, batch, config)


def test_generator_loss_and_gradient_equal_the_released_ones(released):
  arrays, networks, config = released
  model = model_of(arrays, networks)
  label, target = (jnp.asarray(arrays[x]) for x in ("c_org", "c_trg"))
  batch = GeneratorBatch(
    jnp.zeros(()), nhwc(arrays["x_real"]), label, target, target
  )
  gradient, metrics = jax.grad(generator_loss, has_aux=True)(
    model.generator, model, batch, config
  )
  for name in ("g_loss_fake", "g_loss_cls", "g_loss_rec"):
    assert_close(metrics[name], arrays[name])
  total = sum(v for k, v in metrics.items() if k.startswith("weighted/"))
  assert_close(total, arrays["g_loss"])
  assert_trees_close(
    gradient, torch_stargan.generator_from_torch(part(arrays, "G_grad/"))
  )


@pytest.fixture(scope="module")
def all_gradients(released):
  """Weights of the logits -> the pass, and the gradient of every hook."""
  arrays, networks, _ = released
  model = model_of(arrays, networks)
  image, target = nhwc(arrays["x_real"]), jnp.asarray(arrays["c_trg"])
  names = [
    f"{hook}_{i}" for hook in ("block", "branch", "conv") for i in (0, 1)
  ]

  def gradients(weights):
    translated = complete(translate(model, image, target, names), model)
    return translated, translated.pull_logits(weights)

  return gradients


@pytest.fixture(scope="module")
def all_maps(all_gradients):
  """Weights of the logits -> maps of every block and hook, in one go."""
  return jax.jit(lambda w: attention.attention_maps(*all_gradients(w)))


def reference_selectors(arrays):
  target = jnp.asarray(arrays["c_trg"])
  yield "sum", target
  for c in range(target.shape[1]):
    yield f"class_{c}", jnp.zeros_like(target).at[:, c].set(1)


@pytest.mark.parametrize("hook", ["block", "branch"])
def test_maps_of_every_block_and_class_equal_the_references(
  released, all_maps, hook
):
  arrays, _, _ = released
  seen = 0
  for kind, selector in reference_selectors(arrays):
    maps = all_maps(selector)
    for block in (0, 1):
      # The released network counts its blocks from 1.
      name = f"attention/{hook}_{block + 1}/{kind}"
      assert_close(maps[f"{hook}_{block}"], arrays[name])
      seen += 1
  assert seen == sum(name.startswith(f"attention/{hook}") for name in arrays)


def test_the_weights_of_channels_equal_the_references(released, all_gradients):
  arrays, _, _ = released

  @jax.jit
  def alphas(selector):
    translated, gradient = all_gradients(selector)
    gradients = translated.pull(gradient)
    return {name: jnp.mean(g, (1, 2)) for name, g in gradients.items()}

  seen = 0
  for kind, selector in reference_selectors(arrays):
    for name, alpha in alphas(selector).items():
      hook, block = name.split("_")
      reference = f"alpha/{hook}_{int(block) + 1}/{kind}"
      # At "conv" both are rounding noise around 0.
      if reference in arrays and hook != "conv":
        assert_close(alpha, arrays[reference])
        seen += 1
  assert seen == 4  # of the first class, two hooks of two blocks


def test_maps_at_a_convolution_before_instance_norm_vanish(released, all_maps):
  arrays, _, _ = released
  for _, selector in reference_selectors(arrays):
    maps = all_maps(selector)
    for block in (0, 1):
      largest = float(maps[f"block_{block}"].max())
      assert float(maps[f"conv_{block}"].max()) < 1e-5 * largest


SMALL = Networks(
  Generator(width=8, blocks=2), Discriminator(width=8, layers=4, classes=5)
)


def last_batch(arrays):
  """Of a cycle, what the generator learns from."""
  label, target = (jnp.asarray(arrays[x])[-1] for x in ("c_org", "c_trg"))
  return GeneratorBatch(
    jnp.zeros(()), nhwc(arrays["x_real"])[-1], label, target, target
  )


@pytest.fixture(params=["unrolled", "loop"])
def form(request, monkeypatch):
  """As on a CPU, whose updates are unrolled, and as on an accelerator.

  There they are a loop, and convolutions are XLA's own.
  """
  if request.param == "loop":
    for module in (steps, convolutions):
      monkeypatch.setattr(module, "on_cpu", lambda: False)
  return request.param


def run_cycle(arrays, config, teacher=None):
  generator = torch_stargan.generator_from_torch(part(arrays, "G0/"))
  discriminator = torch_stargan.discriminator_from_torch(part(arrays, "D0/"))
  state = TrainState(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    discriminator=discriminator,
    generator_moments=adam(config).init(generator),
    discriminator_moments=adam(config).init(discriminator),
    ema=None,
  )
  target = jnp.asarray(arrays["c_trg"])
  alpha = jnp.asarray(arrays["gp_alpha"][..., 0, 0, 0])
  step = functools.partial(steps.cycle, networks=SMALL, config=config)
  return jax.jit(step)(
    state,
    teacher,
    {"image": nhwc(arrays["x_real"]), "label": jnp.asarray(arrays["c_org"])},
    Draws(target, alpha, active=target[-1]),
  )


def assert_cycle_equals(arrays, state, metrics):
  discriminator = torch_stargan.discriminator_from_torch(part(arrays, "D1/"))
  (source, _), _ = SMALL.discriminator.apply(
    {"params": discriminator}, nhwc(arrays["x_real"])[-1]
  )
  for name in ("d_loss_cls", "d_loss_gp", "g_loss_cls", "g_loss_rec"):
    assert_close(metrics[name], arrays[name].mean())
  # Means of a map whose values cancel: what counts is the size of the map.
  for name in ("d_loss_real", "d_loss_fake", "g_loss_fake"):
    error = abs(float(metrics[name]) - arrays[name].mean())
    assert error <= TOLERANCE * float(jnp.abs(source).max())
  assert_weights_close(state.discriminator, discriminator, updates=5)
  assert_weights_close(
    state.generator,
    torch_stargan.generator_from_torch(part(arrays, "G1/")),
    updates=1,
  )


def assert_weights_close(ours, reference, updates):
  """Almost all weights to 1e-4, none further than Adam's noise.

  Adam's first step is 1e-4 times the sign of the gradient. Where a gradient is
  rounding noise its sign is, too: there a weight may be two steps of each
  update away. (So in label taps of the first convolution, whose gradient
  InstanceNorm cancels, and behind LeakyReLUs that are hardly ever on.)
  """

  def compare(ours, reference):
    error = np.abs(np.asarray(ours) - reference)
    assert error.max() <= updates * 2.1e-4
    far = np.sum(error > TOLERANCE * np.abs(reference).max())
    assert far <= max(1, 0.02 * error.size)
    return far

  far = jax.tree.leaves(jax.tree.map(compare, ours, reference))
  weights = sum(x.size for x in jax.tree.leaves(reference))
  assert sum(far) <= 0.002 * weights


def test_a_cycle_of_the_teacher_equals_the_reference(form):
  arrays = load("cycle_teacher")
  config = teacher_recipe.get_config("celeba")
  assert_cycle_equals(arrays, *run_cycle(arrays, config))


def test_the_generators_gradient_after_five_updates_is_the_references():
  arrays = load("cycle_teacher")
  config = teacher_recipe.get_config("celeba")
  model = model_of(arrays, SMALL, "G0/", "D1/")
  gradient = jax.jit(
    jax.grad(lambda p: generator_loss(p, model, last_batch(arrays), config)[0])
  )(model.generator)
  assert_trees_close(
    gradient, torch_stargan.generator_from_torch(part(arrays, "G_grad/"))
  )


def distilled(arrays):
  """The config and the teacher of the distilled cycle."""
  config = student.get_config("celeba")
  config.distill.akd.weight = float(arrays["lambda_akd"])
  networks = Networks(
    Generator(width=16, blocks=3),
    Discriminator(width=8, layers=4, classes=5),
  )
  model = model_of(arrays, networks, "TG/", "TD/")
  return config, Teacher(model, jnp.eye(5), STARGAN, ("",) * 5)


def test_a_cycle_of_the_distilled_student_equals_the_reference(form):
  arrays = load("cycle_student")
  state, metrics = run_cycle(arrays, *distilled(arrays))
  assert_cycle_equals(arrays, state, metrics)
  assert_close(metrics["g_loss_akd"], arrays["g_loss_akd"])
  for name in ("teacher", "student"):
    maps = arrays[f"attention_{name}"]
    assert_close(metrics[f"attention_{name}_mean"], maps.mean())


def test_the_gradient_of_l_akd_is_the_references():
  arrays = load("cycle_student")
  config, teacher = distilled(arrays)
  model = model_of(arrays, SMALL, "G0/", "D0/")
  batch = last_batch(arrays)

  def l_akd(params):
    return generator_loss(params, model, batch, config, teacher)[1][
      "g_loss_akd"
    ]

  gradient = jax.jit(jax.grad(l_akd))(model.generator)
  assert_trees_close(
    gradient,
    torch_stargan.generator_from_torch(part(arrays, "G_grad_akd/")),
  )
