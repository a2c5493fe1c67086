"""Batches from pictures that lie on the device, as uint8."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from packed import Packed

from akd_jax.common.errors import UserError
from akd_jax.training import parallel


class Batches:
  """The batch of each step, a function of the seed and the step alone.

  As akd_jax.data.pipeline's: each epoch has every picture once, in an order of
  its own, turned left to right or not by a coin.
  """

  def __init__(self, pictures: Packed, config: ConfigDict):
    """Places the pictures.

    Raises:
      UserError: there are fewer than in a batch, or it does not divide over the
        devices.
    """
    self._count = len(pictures.images)
    if self._count < config.batch_size:
      raise UserError(
        f"config.batch_size={config.batch_size} is more than the"
        f" {self._count} pictures of --data"
      )
    self._shape = config.n_critic, parallel.check_batch_size(config.batch_size)
    self._epoch = functools.lru_cache(2)(
      functools.partial(_epoch, config.seed, self._count)
    )
    self._placed = parallel.replicate((pictures.images, pictures.labels))

  def drawn(self, step: int) -> dict[str, np.ndarray]:
    """Which pictures, `index` int [n, B], and which to turn, `flip` [n, B]."""
    size = np.prod(self._shape)
    epochs, places = np.divmod(step * size + np.arange(size), self._count)
    drawn = [
      self._epoch(epoch)[:, place]
      for epoch, place in zip(epochs.tolist(), places, strict=True)
    ]
    index, flip = np.transpose(drawn).reshape(2, *self._shape)
    return {"index": index, "flip": flip.astype(bool)}

  def __call__(self, step: int) -> dict[str, jax.Array]:
    """The batch after `step` steps, as `parallel.shard` lays it out."""
    return _gathered(*self._placed, **parallel.shard(self.drawn(step)))


def _epoch(seed: int, count: int, number: int) -> np.ndarray:
  """[2, count]: an order of the pictures, and a coin for each place in it."""
  random = np.random.default_rng((seed, number))
  return np.stack([random.permutation(count), random.integers(0, 2, count)])


@jax.jit
def _gathered(images, labels, index, flip):
  image, turned = images[index], flip[..., None, None, None]
  image = jnp.where(turned, image[..., ::-1, :], image)
  return {"image": image, "label": labels[index]}
