"""Generator features compared through the teacher's discriminator (DCD).

L_dcd = sum over blocks of mean |D_T(p_T(F_T)) - D_T(p_S(F_S))|: each network's
features become a picture of three channels, and the discriminator's last
features of the two are compared (Hu et al., Discriminator-Cooperated Feature
Map Distillation for GAN Compression, CVPR 2023). p_S is learnt, p_T stays as
it was drawn, as in the release for CycleGAN.

Where ours differs: both p normalise each picture by itself, without a scale of
their own (the release has BatchNorm, p_T's untrained), so that no picture
depends on another of its batch, and enlarge it to the size that the
discriminator takes; the discriminator is a trained one.
"""

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from akd_jax.distillation.method import Lesson, Method, Pairs
from akd_jax.systems.model import Metrics, Params


def create(key: jax.Array, pairs: Pairs) -> Params:
  """Creates the projections: kernels [K, 3], normal with variance 2 / 3.

  How large they are does not matter: what they make is normalised.
  """
  keys = jax.random.split(key, (len(pairs), 2))
  return {
    f"projection_{i}": {
      name: jax.random.normal(k, (x.shape[-1], 3)) * (2 / 3) ** 0.5
      for name, k, x in zip(("student", "teacher"), both, pair, strict=True)
    }
    for i, (pair, both) in enumerate(zip(pairs, keys, strict=True))
  }


def distances(lesson: Lesson, config: ConfigDict) -> tuple[jax.Array, Metrics]:
  """Returns L_dcd of each sample, [B]."""
  del config
  size, learnt = lesson.image.shape[1], lesson.learnt["dcd"]
  pictures = []
  for i, (ours, theirs) in enumerate(lesson.pairs):
    kernels = learnt[f"projection_{i}"]
    pictures.append(project(ours, kernels["student"], size))
    theirs = project(theirs, kernels["teacher"], size)
    pictures.append(lax.stop_gradient(theirs))
  scores = lesson.teacher.model.discriminate(jnp.concatenate(pictures))
  *_, last = scores.features.values()
  features = last.reshape(len(lesson.pairs), 2, -1, *last.shape[1:])
  features = features.astype(jnp.float32)
  difference = jnp.abs(features[:, 0] - features[:, 1])
  return jnp.sum(jnp.mean(difference, axis=(2, 3, 4)), axis=0), {}


def project(activation: jax.Array, kernel: jax.Array, size: int) -> jax.Array:
  """Returns a picture of an activation: [B, h, w, K] to [B, size, size, 3]."""
  x = activation.astype(jnp.float32) @ kernel
  mean = jnp.mean(x, axis=(1, 2), keepdims=True)
  variance = jnp.var(x, axis=(1, 2), keepdims=True)
  x = jax.nn.relu((x - mean) * lax.rsqrt(variance + 1e-5))
  enlarge = size // x.shape[1]
  return jnp.repeat(jnp.repeat(x, enlarge, axis=1), enlarge, axis=2)


DCD = Method("g_loss_dcd", distances, create=create)
