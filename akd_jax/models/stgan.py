"""STGAN's generator (Liu et al., 2019), as released: AttGAN's, but for skips.

Units after csmliu/STGAN, models.py:42-87. Its encoder, decoder and
discriminator are AttGAN's (models/attgan.py).
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from akd_jax.models import attgan
from akd_jax.models.attgan import (
  BOTTLENECK,
  XAVIER_UNIFORM,
  append_label,
  channels,
)
from akd_jax.models.layers import UPSAMPLE, Conv
from akd_jax.models.taps import Activations, Interceptor, Taps

# What a unit hands to the next: "stu", STGAN's, its state before it is mixed
# with new information; "gru", after, as a GRU does; "direct", the state as it
# came. The last two are variants of the release.
STATES = ("stu", "gru", "direct")


class Unit(nn.Module):
  """Selective transfer unit: chooses what of an encoding a skip carries on.

  A GRU of convolutions. Its gates have biases and no norm.

  Attributes:
    features: channels of its state.
    kernel: side of its gates' kernels, odd.
    passes: one of STATES.
    upsample: how it doubles its state, one of UPSAMPLE.
  """

  features: int
  kernel: int = 3
  passes: str = "stu"
  dtype: jnp.dtype = jnp.float32
  upsample: str = "transposed"

  @nn.compact
  def __call__(
    self, encoding: jax.Array, state: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    """Returns the skip and the state that is passed on, [B, 2h, 2w, features].

    Args:
      encoding: [B, 2h, 2w, K].
      state: [B, h, w, L], of the next deeper unit; the deepest encoding first.
    """
    before = self._conv(*UPSAMPLE[self.upsample], "upsample")(state)
    both = jnp.concatenate([encoding, before], axis=-1)
    reset = nn.sigmoid(self._conv(self.kernel, "same", "reset")(both))
    update = nn.sigmoid(self._conv(self.kernel, "same", "update")(both))
    kept = reset * before
    both = jnp.concatenate([encoding, kept], axis=-1)
    new = jnp.tanh(self._conv(self.kernel, "same", "hidden")(both))
    skip = (1 - update) * before + update * new
    return skip, {"stu": kept, "gru": skip, "direct": before}[self.passes]

  def _conv(self, kernel: int, resample: str, name: str) -> Conv:
    return Conv(
      self.features,
      kernel,
      resample,
      use_bias=True,
      kernel_init=XAVIER_UNIFORM,
      dtype=self.dtype,
      name=name,
    )


class Generator(attgan.Generator):
  """STGAN's generator: `(image, difference of labels) -> image`.

  AttGAN's, whose skips pass through a unit each. Its label [B, C] is what is to
  change: the target less what is there. Activations are AttGAN's and, along the
  way, "stu_i", a unit's skip, and "state_i", what it passes on.

  Attributes:
    unit_width: channels of the shallowest unit of layers - 1; they double.
    unit_kernel: side of the kernels of its gates, odd.
    unit_inject: how many states are given the label besides the bottleneck,
      which is given it always.
    unit_state: what a unit passes on, one of STATES.
  """

  shortcut: int = 4
  inject: int = 4
  unit_width: int = 64
  unit_kernel: int = 3
  unit_inject: int = 4
  unit_state: str = "stu"

  def setup(self) -> None:
    super().setup()
    self.unit = [
      Unit(
        channels(self.unit_width, self.layers - 2 - i),
        self.unit_kernel,
        self.unit_state,
        self.dtype,
        self.upsample,
      )
      for i in range(self.shortcut)
    ]

  def decode(
    self,
    encodings: Sequence[jax.Array],
    label: jax.Array,
    taps: Taps | None = None,
  ) -> tuple[jax.Array, Activations]:
    """Draws pictures of encodings; see `__call__`."""
    intercept = Interceptor(taps)
    *shallow, deepest = encodings
    x = state = intercept(BOTTLENECK, deepest)
    skips = []
    for i, unit in enumerate(self.unit):
      if i <= self.unit_inject:
        state = append_label(state, label)
      skip, state = unit(shallow[-1 - i], state)
      skips.append(intercept(f"stu_{i}", skip))
      state = intercept(f"state_{i}", state)
    image = self.decoder(x, skips, label, intercept)
    intercept.check_all_used()
    return image, intercept.activations
