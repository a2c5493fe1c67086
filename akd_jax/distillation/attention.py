"""Attention maps of a generator: Grad-CAM from a discriminator's class logit.

  A^c = ReLU(sum_k alpha_k^c F_k),  alpha_k^c = mean_{h,w} d y^c / d F_k

F are activations of the generator, y^c the logit of class c that a
discriminator gives the *generated* image (paper 1 eq. 1-2, paper 2 eq. 4-5).
Nothing but that logit is propagated back.

The mean over pixels forgets where the gradient was: of trained StarGANs the map
finds an attribute's pixels no better than chance (docs/findings/maps.md).
HiResCAM takes the products without it: A^c = ReLU(sum_k d y^c / d F_k * F_k).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from akd_jax.models.taps import Activations
from akd_jax.systems.model import Pass

Maps = dict[str, jax.Array]


def attention_maps(
  translated: Pass,
  score_gradient: jax.Array,
  *,
  method: str = "grad_cam",
  second_order: bool = True,
) -> Maps:
  """Returns the map of every activation that the pass has kept.

  Args:
    translated: the generator's pass.
    score_gradient: [B, S, S, 3], of the class score with respect to the image:
      `Pass.pull_classes` of one-hot rows for the map of one class, of the
      target label for the map of the sum of its active logits.
    method: one of MAPS.
    second_order: keep the gradient differentiable, so that a loss on the maps
      reaches the layers behind the activation.

  Returns:
    Non-negative {name: [B, h, w]}. A sample's map depends on no other sample,
    unless the pass has normalised by its batch, as AttGAN, STGAN and RelGAN do
    in training.
  """
  gradients: Activations = translated.pull(score_gradient)
  if not second_order:
    gradients = jax.lax.stop_gradient(gradients)
  return {
    name: MAPS[method](
      gradient.astype(jnp.float32),
      translated.activations[name].astype(jnp.float32),
    )
    for name, gradient in gradients.items()
  }


def grad_cam(gradient: jax.Array, activation: jax.Array) -> jax.Array:
  """Weighs channels by their mean gradient: [B, h, w, K] twice to [B, h, w]."""
  alpha = jnp.mean(gradient, axis=(1, 2))
  return jax.nn.relu(jnp.einsum("bk,bhwk->bhw", alpha, activation))


def hires_cam(gradient: jax.Array, activation: jax.Array) -> jax.Array:
  """Weighs each activation by its own gradient (Draelos and Carin, 2020)."""
  return jax.nn.relu(jnp.sum(gradient * activation, axis=-1))


# By config.attention.method: gradient and activation, float32 [B, h, w, K],
# to the map [B, h, w].
MAPS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
  "grad_cam": grad_cam,
  "hires_cam": hires_cam,
}


def _by_maximum(maps: jax.Array) -> jax.Array:
  size = jnp.max(maps, axis=(-2, -1), keepdims=True)
  return maps / jnp.where(size > 0, size, 1.0)


def _by_l2_norm(maps: jax.Array) -> jax.Array:
  square = jnp.sum(jnp.square(maps), axis=(-2, -1), keepdims=True)
  return maps / jnp.sqrt(jnp.where(square > 0, square, 1.0))


# By config.attention.normalize: maps [..., h, w], each divided by its own size.
# An empty map stays empty, and its gradient finite.
NORMALIZATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
  "none": lambda maps: maps,
  "max": _by_maximum,
  "l2": _by_l2_norm,
}
