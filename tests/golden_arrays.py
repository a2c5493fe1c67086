"""The released StarGAN's arrays, and what our code makes of the same inputs.

What compares returns two trees of one structure: ours, and the reference's.
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from akd_jax import attention, objectives
from akd_jax.configs import teacher as teacher_recipe
from akd_jax.interop.torch_stargan import (
  discriminator_from_torch,
  generator_from_torch,
)
from akd_jax.models.stargan import Discriminator, Generator
from akd_jax.state import Networks

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
    self.networks = Networks(
      Generator(width=8, blocks=2),
      Discriminator(width=8, layers=4, classes=classes),
    )
    self.config = teacher_recipe.get_config("celeba")
    if rule == "softmax":
      self.config.data.label_rule = "exclusive"
    self.generator = generator_from_torch(part(self.arrays, "G/"))
    self.discriminator = discriminator_from_torch(part(self.arrays, "D/"))
    self.image = nhwc(self.arrays["x_real"])
    self.label, self.target = (
      jnp.asarray(self.arrays[name]) for name in ("c_org", "c_trg")
    )

  def outputs(self):
    """Pictures there and back, and what the discriminator says of both."""

    @jax.jit
    def ours(generator, discriminator):
      translate, judge = (
        lambda *args, network=network, params=params: network.apply(
          {"params": params}, *args
        )[0]
        for network, params in zip(
          self.networks, (generator, discriminator), strict=True
        )
      )
      fake = translate(self.image, self.target)
      pictures = {"fake": fake, "rec": translate(fake, self.label)}
      verdicts = {"fake": judge(fake), "real": judge(self.image)}
      return pictures, verdicts

    reference = (
      {name: nhwc(self.arrays[f"x_{name}"]) for name in ("fake", "rec")},
      {
        name: (nhwc(self.arrays[f"{name}_src"]), self.arrays[f"{name}_cls"])
        for name in ("fake", "real")
      },
    )
    return ours(self.generator, self.discriminator), reference

  def discriminator_update(self):
    """L_D, its terms and its gradient."""
    loss = functools.partial(
      objectives.discriminator_loss, networks=self.networks, config=self.config
    )
    gradient, metrics = jax.jit(jax.grad(loss, has_aux=True))(
      self.discriminator,
      self.image,
      nhwc(self.arrays["x_fake"]),
      self.label,
      jnp.asarray(self.arrays["gp_alpha"][:, 0, 0, 0]),
    )
    names = ("d_loss_real", "d_loss_fake", "d_loss_cls", "d_loss_gp")
    return self._update("d_loss", names, metrics, gradient), (
      self._reference(("d_loss", *names)),
      discriminator_from_torch(part(self.arrays, "D_grad/")),
    )

  def generator_update(self):
    """L_G, its terms and its gradient."""
    loss = functools.partial(
      objectives.generator_loss,
      networks=self.networks,
      distillation=None,
      config=self.config,
    )
    gradient, metrics = jax.jit(jax.grad(loss, has_aux=True))(
      self.generator,
      self.discriminator,
      None,
      self.image,
      self.label,
      self.target,
      self.target,
    )
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

  def scores(self):
    """taps -> logits and features, and taps for every block and hook."""

    def scores(taps):
      fake, features = self.networks.generator.apply(
        {"params": self.generator}, self.image, self.target, taps
      )
      (_, logits), _ = self.networks.discriminator.apply(
        {"params": self.discriminator}, fake
      )
      return logits, (features, None)

    names = [
      f"{hook}_{i}" for hook in ("block", "branch", "conv") for i in (0, 1)
    ]
    taps = attention.zero_taps(
      self.networks.generator, self.generator, self.image, self.target, names
    )
    return scores, taps

  def selectors(self):
    """{name in the golden file: selector}, "sum" and one for each class."""
    classes = range(self.target.shape[1])
    return {"sum": self.target} | {
      f"class_{c}": jnp.zeros_like(self.target).at[:, c].set(1) for c in classes
    }

  def all_maps(self):
    """Our maps of every block and hook, {selector: {name: map}}."""
    scores, taps = self.scores()
    maps = jax.jit(lambda s: attention.attention_maps(scores, taps, s)[0])
    return {kind: maps(s) for kind, s in self.selectors().items()}

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
    scores, taps = self.scores()

    @jax.jit
    def alphas(selector):
      gradients = jax.grad(lambda t: jnp.sum(scores(t)[0] * selector))(taps)
      return {name: jnp.mean(g, (1, 2)) for name, g in gradients.items()}

    ours = {
      f"alpha/{released_name(name)}/{kind}": alpha
      for kind, selector in self.selectors().items()
      for name, alpha in alphas(selector).items()
      if not name.startswith("conv")
    }
    ours = {name: x for name, x in ours.items() if name in self.arrays}
    return ours, {name: self.arrays[name] for name in ours}


def released_name(activation):
  """The released network counts its blocks from 1."""
  hook, block = activation.split("_")
  return f"{hook}_{int(block) + 1}"
