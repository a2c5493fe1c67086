"""Pixels: bytes on disk and on the screen, [-1, 1] in every network."""

import jax
import jax.numpy as jnp


def to_unit(image: jax.Array) -> jax.Array:
  """Converts uint8 [0, 255] to float32 [-1, 1]."""
  return image.astype(jnp.float32) / 127.5 - 1


def to_uint8(image: jax.Array) -> jax.Array:
  """Converts [-1, 1] to uint8 [0, 255], rounded and clipped."""
  scaled = jnp.round((image + 1) * 127.5)
  return jnp.clip(scaled, 0, 255).astype(jnp.uint8)
