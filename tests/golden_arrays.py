"""The released StarGAN's arrays, and what our code makes of the same inputs.

What compares returns two trees of one structure: ours, and the reference's.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from akd_jax.configs import teacher as teacher_recipe
from akd_jax.distillation import attention
from akd_jax.interop.torch_stargan import (
  discriminator_from_torch,
  generator_from_torch,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Model, Networks, translate
from akd_jax.systems.stargan import STARGAN
from akd_jax.training.step import discriminator_loss, generator_loss

GOLDEN = Path(__file__).parent / "golden"


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


def error(ours, reference):
  """Largest difference, relative to the reference's largest magnitude."""
  ours, reference = np.asarray(ours), np.asarray(reference)
  assert ours.shape == reference.shape
  difference = float(np.abs(ours - reference).max())
  return difference and difference / float(np.abs(reference).max())


class Released:
  """The released networks under one rule for their labels.

  Args:
    rule: "multilabel" or "softmax", as the golden file is named.
  """

  def __init__(self, rule):
    self.arrays = load(f"stargan_{rule}")
    classes = self.arrays["c_org"].shape[1]
    networks = Networks(
      Generator(width=8, blocks=2),
      Discriminator(width=8, layers=4, classes=classes),
    )
    self.config = teacher_recipe.get_config("celeba")
    if rule == "softmax":
      self.config.data.label_rule = "exclusive"
    self.model = model_of(self.arrays, networks, "G/", "D/")
    self.image = nhwc(self.arrays["x_real"])
    self.label, self.target = (
      jnp.asarray(self.arrays[name]) for name in ("c_org", "c_trg")
    )

  def outputs(self):
    """Pictures there and back, and what the discriminator says of both."""

    @jax.jit
    def ours(model):
      fake, _ = model.generate(self.image, self.target)
      restored, _ = model.generate(fake, self.label)
      scores = {
        name: tuple(model.discriminate(image)[:2])
        for name, image in (("fake", fake), ("real", self.image))
      }
      return {"fake": fake, "rec": restored}, scores

    reference = (
      {name: nhwc(self.arrays[f"x_{name}"]) for name in ("fake", "rec")},
      {
        name: (nhwc(self.arrays[f"{name}_src"]), self.arrays[f"{name}_cls"])
        for name in ("fake", "real")
      },
    )
    return ours(self.model), reference

  def discriminator_update(self):
    """L_D, its terms and its gradient."""
    batch = DiscriminatorBatch(
      jnp.zeros(()),
      self.image,
      nhwc(self.arrays["x_fake"]),
      self.label,
      jnp.asarray(self.arrays["gp_alpha"][:, 0, 0, 0]),
      self.target,
    )
    gradient, metrics = jax.jit(
      jax.grad(
        lambda p: discriminator_loss(p, self.model, batch, self.config),
        has_aux=True,
      )
    )(self.model.discriminator)
    names = ("d_loss_real", "d_loss_fake", "d_loss_cls", "d_loss_gp")
    return self._update("d_loss", names, metrics, gradient), (
      self._reference(("d_loss", *names)),
      discriminator_from_torch(part(self.arrays, "D_grad/")),
    )

  def generator_update(self):
    """L_G, its terms and its gradient."""
    batch = GeneratorBatch(
      jnp.zeros(()), self.image, self.label, self.target, self.target
    )
    gradient, metrics = jax.jit(
      jax.grad(
        lambda p: loss_of_generator(p, self.model, batch, self.config),
        has_aux=True,
      )
    )(self.model.generator)
    names = ("g_loss_fake", "g_loss_cls", "g_loss_rec")
    return self._update("g_loss", names, metrics, gradient), (
      self._reference(("g_loss", *names)),
      generator_from_torch(part(self.arrays, "G_grad/")),
    )

  @staticmethod
  def _update(total, names, metrics, gradient):
    terms = {name: metrics[name] for name in names}
    weighted = (v for k, v in metrics.items() if k.startswith("weighted/"))
    return {total: sum(weighted), **terms}, gradient

  def _reference(self, names):
    return {name: self.arrays[name] for name in names}

  def looked_at(self, weights):
    """The pass, and the gradient of the weighted logits at its pictures."""
    names = [
      f"{hook}_{i}" for hook in ("block", "branch", "conv") for i in (0, 1)
    ]
    translation = translate(self.model, self.image, self.target, names)
    translated = STARGAN.complete(self.model, translation)
    return translated, translated.pull_classes(weights)

  def weights(self):
    """{name in the golden file: weights of the logits}."""
    classes = range(self.target.shape[1])
    return {"sum": self.target} | {
      f"class_{c}": jnp.zeros_like(self.target).at[:, c].set(1) for c in classes
    }

  def all_maps(self):
    """Our maps of every block and hook, {weights: {name: map}}."""
    maps = jax.jit(lambda w: attention.attention_maps(*self.looked_at(w)))
    return {kind: maps(w) for kind, w in self.weights().items()}

  def maps(self):
    """Those of the hooks that the reference looks at, under its names."""
    ours = {
      f"attention/{released_name(name)}/{kind}": map_
      for kind, maps in self.all_maps().items()
      for name, map_ in maps.items()
      if not name.startswith("conv")
    }
    return ours, {name: self.arrays[name] for name in ours}

  def channel_weights(self):
    """The alpha of every channel, where the reference keeps it.

    At "conv" both are rounding noise around 0.
    """

    @jax.jit
    def alphas(weights):
      translated, gradient = self.looked_at(weights)
      gradients = translated.pull(gradient)
      return {name: jnp.mean(g, (1, 2)) for name, g in gradients.items()}

    ours = {
      f"alpha/{released_name(name)}/{kind}": alpha
      for kind, weights in self.weights().items()
      for name, alpha in alphas(weights).items()
      if not name.startswith("conv")
    }
    ours = {name: x for name, x in ours.items() if name in self.arrays}
    return ours, {name: self.arrays[name] for name in ours}


def model_of(arrays, networks, generator, discriminator):
  """The model whose parameters stand under these prefixes."""
  return Model(
    generator_from_torch(part(arrays, generator)),
    discriminator_from_torch(part(arrays, discriminator)),
    networks,
  )


def loss_of_generator(params, model, batch, config, teacher=None):
  """L_G of generator parameters, and its terms."""
  model = dataclasses.replace(model, generator=params)
  names = ("block_1",) if teacher is not None else ()
  translation = translate(model, batch.image, batch.target, names)
  return generator_loss(model, translation, teacher, batch, config)


def released_name(activation):
  """The released network counts its blocks from 1."""
  hook, block = activation.split("_")
  return f"{hook}_{int(block) + 1}"
