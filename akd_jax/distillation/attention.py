"""Attention maps of a generator: Grad-CAM from a discriminator's class logit.

  A^c = ReLU(sum_k alpha_k^c F_k),  alpha_k^c = mean_{h,w} d y^c / d F_k

F are the activations of a residual block of the generator, y^c the logit of
class c that a discriminator gives the *generated* image (paper 1 eq. 1-2,
paper 2 eq. 4-5). Nothing but that logit is propagated back.

The mean over pixels forgets where the gradient was: of trained StarGANs the map
finds an attribute's pixels no better than chance (docs/results.md). HiResCAM
takes the products without it: A^c = ReLU(sum_k d y^c / d F_k * F_k).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from akd_jax.common.errors import UserError
from akd_jax.models.stargan import HOOKS, Features, Generator, Taps

# taps -> (class logits [B, C], (the generator's features, anything else)).
Scores = Callable[[Taps], tuple[jax.Array, tuple[Features, Any]]]

NORMALIZATIONS = ("none", "max", "l2")


def activation_name(block: str | int, hook: str, blocks: int) -> str:
  """Name of the activation that the maps are taken from.

  Args:
    block: index of the residual block, "last" or "second_last".
    hook: "block", the output after the residual sum; "branch", the branch
      before it.
    blocks: how many residual blocks the generator has.

  Raises:
    UserError: there is no such block or hook, or the hook is "conv".
  """
  if hook == "conv":
    raise UserError(
      "config.attention.hook='conv' gives maps that are exactly zero:"
      " InstanceNorm follows that convolution and cancels any constant added"
      " to a channel, so the spatial mean of the gradient vanishes; use"
      " 'block' or 'branch'"
    )
  if hook not in HOOKS:
    raise UserError(
      f"config.attention.hook={hook!r} is neither 'block' nor 'branch'"
    )
  named = {"last": blocks - 1, "second_last": blocks - 2}
  try:
    index = named[block] if block in named else int(block)
  except ValueError:
    index = -1
  if not 0 <= index < blocks:
    few = "0 or 'last'"
    many = f"0 to {blocks - 1}, 'last' or 'second_last'"
    raise UserError(
      f"config.attention.block={block!r} is not a block of a generator with"
      f" {blocks}: give {few if blocks == 1 else many}"
    )
  return f"{hook}_{index}"


def zero_taps(
  generator: Generator,
  params: Any,
  image: jax.Array,
  label: jax.Array,
  names: Sequence[str],
) -> dict[str, jax.Array]:
  """Taps that change nothing, of the shapes of the named activations."""
  _, features = jax.eval_shape(
    lambda p: generator.apply({"params": p}, image, label), params
  )
  return {
    name: jnp.zeros(features[name].shape, features[name].dtype)
    for name in names
  }


def attention_maps(
  scores: Scores,
  taps: Taps,
  selector: jax.Array,
  *,
  method: str = "grad_cam",
  second_order: bool = True,
) -> tuple[dict[str, jax.Array], Any]:
  """Maps of every tapped activation, in one backward pass.

  Args:
    scores: the function of the taps that is differentiated. It may return
      whatever else it computes on the way, so that nothing runs twice.
    taps: zeros, as `zero_taps` makes them.
    selector: [B, C], how much each class logit of each sample counts: a
      one-hot row for the map of one class, the target label for the map of
      the sum of its active logits, zeros for an empty map.
    method: one of METHODS.
    second_order: keep the gradient differentiable, so that a loss on the maps
      reaches the layers behind the activation.

  Returns:
    Non-negative maps {name: [B, h, w]} and the second part of what `scores`
    returns beside the logits. A sample's map depends on no other sample.
  """

  def selected(taps: Taps) -> tuple[jax.Array, tuple[Features, Any]]:
    logits, (features, aux) = scores(taps)
    return jnp.sum(logits * selector), (features, aux)

  gradients, (features, aux) = jax.grad(selected, has_aux=True)(dict(taps))
  if not second_order:
    gradients = jax.lax.stop_gradient(gradients)
  maps = {
    name: METHODS[method](
      gradient.astype(jnp.float32), features[name].astype(jnp.float32)
    )
    for name, gradient in gradients.items()
  }
  return maps, aux


def grad_cam(gradient: jax.Array, activation: jax.Array) -> jax.Array:
  """Weighs channels by their mean gradient: [B, h, w, K] twice to [B, h, w]."""
  alpha = jnp.mean(gradient, axis=(1, 2))
  return jax.nn.relu(jnp.einsum("bk,bhwk->bhw", alpha, activation))


def hires_cam(gradient: jax.Array, activation: jax.Array) -> jax.Array:
  """Weighs each activation by its own gradient (Draelos and Carin, 2020)."""
  return jax.nn.relu(jnp.sum(gradient * activation, axis=-1))


# Gradient and activation, float32 [B, h, w, K], to the map [B, h, w].
METHODS = {"grad_cam": grad_cam, "hires_cam": hires_cam}


def normalize(maps: jax.Array, how: str) -> jax.Array:
  """Scales each map [..., h, w] by its own maximum or l2 norm.

  An empty map stays empty, and its gradient finite.
  """
  if how == "none":
    return maps
  if how == "max":
    size = jnp.max(maps, axis=(-2, -1), keepdims=True)
    return maps / jnp.where(size > 0, size, 1.0)
  if how == "l2":
    square = jnp.sum(jnp.square(maps), axis=(-2, -1), keepdims=True)
    return maps / jnp.sqrt(jnp.where(square > 0, square, 1.0))
  raise UserError(
    f"config.attention.normalize={how!r} is none of {', '.join(NORMALIZATIONS)}"
  )
