"""StarGAN v2's networks, at any width and depth.

StarGAN v2 (Choi et al., CVPR 2020) as released (clovaai/stargan-v2 @875b70a,
core/model.py) for pictures of anything: without the high-pass filter that keeps
the landmarks of CelebA-HQ's faces (w_hpf=0). A picture is drawn anew in a
style, and a style is that of a domain: made of random numbers by the mapping
network, or seen in a picture by the style encoder. Taps are explained in
models/taps.py.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from akd_jax.models.layers import InstanceNorm
from akd_jax.models.stargan2_blocks import (
  ResidualBlock,
  StyleConv,
  StyleDense,
  Trunk,
  list_widths,
  relu,
)
from akd_jax.models.taps import Activations, Interceptor, Taps

# How many latents the mean style is of.
_LATENTS = 256


class _Layers(nn.Module):
  """Dense layers with a ReLU after each but, where there is one, the output."""

  hidden: int
  layers: int
  outputs: int = 0

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    for i in range(self.layers):
      x = nn.relu(StyleDense(self.hidden, name=f"layer_{i}")(x))
    return StyleDense(self.outputs, name="output")(x) if self.outputs else x


class MappingNetwork(nn.Module):
  """Makes styles of latents: layers that domains share, then a branch each.

  Attributes:
    hidden: channels of its layers.
    style: numbers in a style.
    classes: domains.
  """

  hidden: int
  style: int
  classes: int

  @nn.compact
  def __call__(self, latent: jax.Array) -> jax.Array:
    """Returns the style [B, C, D] of each domain of latents [B, L]."""
    x = _Layers(self.hidden, 4, name="shared")(latent)
    # Each domain has parameters of its own, along their first axis.
    branches = nn.vmap(
      _Layers,
      in_axes=None,
      out_axes=1,
      axis_size=self.classes,
      variable_axes={"params": 0},
      split_rngs={"params": True},
    )
    branched: jax.Array = branches(self.hidden, 3, self.style, name="branch")(x)
    return branched


class Generator(nn.Module):
  """StarGAN v2's generator, with the two networks that make its styles.

  Attributes:
    width: channels of the first layer; 64 as published, at 256 pixels.
    channels: the most that a layer has; 512 as published.
    layers: how often pictures are halved; 4 as published, down to 16 x 16.
    latent: random numbers that a style is made of; 16 as published.
    style: numbers in a style; 64 as published.
    hidden: channels of the mapping network; 512 as published.
    classes: domains.
    dtype: of the computation; parameters are float32, and so are the mapping
      network and whatever makes scales and biases of a style.
  """

  width: int = 64
  channels: int = 512
  layers: int = 4
  latent: int = 16
  style: int = 64
  hidden: int = 512
  classes: int = 2
  dtype: jnp.dtype = jnp.float32

  def setup(self) -> None:
    conv = functools.partial(StyleConv, dtype=self.dtype)
    block = functools.partial(ResidualBlock, dtype=self.dtype)
    widths = list_widths(self.width, self.channels, self.layers)
    pairs = list(zip(widths, widths[1:], strict=False))
    middle = [block(widths[-1], widths[-1]) for _ in range(4)]
    self.from_rgb = conv(self.width, 3)
    self.encode = [block(y, x, "pool") for x, y in pairs] + middle[:2]
    self.decode = middle[2:] + [block(x, x, "resize") for x, _ in pairs[::-1]]
    self.norm = InstanceNorm()
    self.to_rgb = conv(3, 1)
    self.mapping = MappingNetwork(self.hidden, self.style, self.classes)
    self.trunk = Trunk(self.width, self.channels, self.dtype)
    self.seen = StyleDense(self.classes * self.style)

  def __call__(
    self, image: jax.Array, label: jax.Array, taps: Taps | None = None
  ) -> tuple[jax.Array, Activations]:
    """Translates to the mean style of domains.

    Args:
      image: [B, S, S, 3] in [-1, 1].
      label: [B, C], 1 at the domain; between domains, or beyond, the styles
        are weighted.
      taps: what to add to the activations of these names.

    Returns:
      See `translate`.
    """
    if self.is_initializing():
      self.see_style(image, label)
    return self.translate(image, self.mean_style(label), taps)

  def translate(
    self, image: jax.Array, style: jax.Array, taps: Taps | None = None
  ) -> tuple[jax.Array, Activations]:
    """Draws image [B, S, S, 3] in a style [B, D].

    Returns:
      The translated image [B, S, S, 3], float32, of any range: as released, no
      layer holds it to [-1, 1]; and activations in the order of the data flow:
      of each residual block "norm_i", "branch_i" and "block_i" of the same
      height and width, see `ResidualBlock`.
    """
    intercept = Interceptor(taps)
    x = self.from_rgb(image)
    for i, block in enumerate(self.encode):
      x = block(x, None, functools.partial(_numbered, intercept, i))
    for i, block in enumerate(self.decode, start=len(self.encode)):
      x = block(x, style, functools.partial(_numbered, intercept, i))
    x = self.to_rgb(relu(self.norm(x)))
    intercept.check_all_used()
    return x.astype(jnp.float32), intercept.activations

  def map_latent(self, latent: jax.Array, label: jax.Array) -> jax.Array:
    """Returns the style [B, D] of latents [B, L] in the domains of a label."""
    return _choose(self.mapping(latent), label)

  def see_style(self, image: jax.Array, label: jax.Array) -> jax.Array:
    """Returns the style [B, D] of image [B, S, S, 3] in its label's domain."""
    seen = self.seen(self.trunk(image)[0])
    styles = seen.reshape(-1, self.classes, self.style)
    return _choose(styles, label)

  def mean_style(self, label: jax.Array) -> jax.Array:
    """Returns the mean of the styles [B, D] of some latents, always the same.

    utils.py:85-88 has the mean of 10,000 others. A latent of zeros would not
    do: without biases, which hardly move, every domain has a style of zeros
    there.
    """
    # NumPy keeps this generator's numbers the same for ever.
    drawn = np.random.RandomState(0).standard_normal((_LATENTS, self.latent))
    latents = jnp.asarray(drawn, jnp.float32)
    styles = jnp.mean(self.mapping(latents), axis=0)
    return label @ styles


def _numbered(
  intercept: Interceptor, block: int, name: str, x: jax.Array
) -> jax.Array:
  return intercept(f"{name}_{block}", x)


def _choose(styles: jax.Array, label: jax.Array) -> jax.Array:
  return jnp.einsum("bcd,bc->bd", styles, label)


class Discriminator(nn.Module):
  """StarGAN v2's discriminator: a branch for each domain.

  Attributes:
    width: channels of the first layer; 64 as published, at 256 pixels.
    channels: the most that a layer has; 512 as published.
    classes: domains.
    dtype: of the computation; parameters are float32.
  """

  width: int = 64
  channels: int = 512
  classes: int = 2
  dtype: jnp.dtype = jnp.float32

  def setup(self) -> None:
    self.trunk = Trunk(self.width, self.channels, self.dtype)
    self.branch = StyleDense(self.classes)

  def __call__(
    self, image: jax.Array
  ) -> tuple[tuple[jax.Array, None], Activations]:
    """Scores image [B, S, S, 3] in [-1, 1], without knowing its domain.

    Returns:
      (what the branch says that is surest that it is real, [B, 1, 1, 1], and
      None: a branch does not tell its domain from others), and the features,
      see `Trunk`.
    """
    branches, features = self.judge(image)
    critic = jnp.max(branches, axis=1)
    return (critic[:, None, None, None], None), features

  def judge(self, image: jax.Array) -> tuple[jax.Array, Activations]:
    """Says of each domain how real pictures look as one of it, [B, C]."""
    last, features = self.trunk(image)
    return self.branch(last).astype(jnp.float32), features
