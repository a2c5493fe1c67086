"""Convolutions in the form that is fast where they run.

XLA's CPU back end is fast on plain convolutions of many channels, and slow on

- three that kernel 4, stride 2 needs: the transposed one, the input gradient
  of the strided one and the weight gradient of the transposed one (2-30 GF/s
  where others reach 150-370);
- kernel 7 with 3 channels on one side (18 GF/s at 16 to 3);
- maps smaller than the kernel, at the discriminator's end.

Each has an equal that is fast. In both families the map, its transpose in the
input and its transpose in the kernel are the partial derivatives of one
trilinear form <conv(x, w), y>, so the derivative of each is made of the other
two: closed under any order of differentiation, as the attention loss needs.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_NHWC = ("NHWC", "HWIO", "NHWC")
_TO_KERNEL = ("CHWN", "IHWO", "HWNC")
_PADDING = ((1, 1), (1, 1))
_WIDE = 7
# Widest map that kernel 4, stride 2 turns into a matrix product.
_TINY = 4


# Set while a network is traced for a platform that need not be this one.
_FOR_CPU: ContextVar[bool | None] = ContextVar("for_cpu", default=None)


def on_cpu() -> bool:
  """Returns whether programs run on a CPU."""
  return jax.default_backend() == "cpu"


@contextlib.contextmanager
def traced_for(cpu: bool) -> Iterator[None]:
  """Traces networks in the forms of a CPU, or in the plain ones."""
  token = _FOR_CPU.set(cpu)
  try:
    yield
  finally:
    _FOR_CPU.reset(token)


def _takes_cpu_forms() -> bool:
  """Returns the choice between the two forms of every convolution."""
  for_cpu = _FOR_CPU.get()
  return on_cpu() if for_cpu is None else for_cpu


def _plain(x: jax.Array, kernel: jax.Array, padding: int) -> jax.Array:
  pad = ((padding, padding), (padding, padding))
  return lax.conv_general_dilated(
    x, kernel, (1, 1), pad, dimension_numbers=_NHWC
  )


def _strided(x: jax.Array, kernel: jax.Array) -> jax.Array:
  return lax.conv_general_dilated(
    x, kernel, (2, 2), _PADDING, dimension_numbers=_NHWC
  )


@jax.custom_vjp
def _down(x: jax.Array, kernel: jax.Array) -> jax.Array:
  if x.shape[1] > _TINY:
    return _strided(x, kernel)
  # 256 to 512 channels, 4x4 to 2x2 pixels: 2.4 ms against 4.9.
  height, width = x.shape[1:3]
  padded = jnp.pad(x, ((0, 0), *_PADDING, (0, 0)))
  patches = [
    padded[:, i : i + height : 2, j : j + width : 2]
    for i in range(4)
    for j in range(4)
  ]
  flat = kernel.reshape(-1, kernel.shape[-1])
  return jnp.concatenate(patches, axis=-1) @ flat


@jax.custom_vjp
def _up(y: jax.Array, kernel: jax.Array) -> jax.Array:
  """The transpose of `_down` in x, as four interleaved 2x2 convolutions."""
  batch, height, width, _ = y.shape
  features = kernel.shape[2]
  if height <= _TINY // 2:
    return _up_tiny(y, kernel)
  # Output pixel 2m + a takes y[m + a - 1] and y[m + a], with the rows (3, 1)
  # of the kernel for a = 0 and (2, 0) for a = 1.
  taps = kernel[::-1].reshape(2, 2, 4, *kernel.shape[2:])
  taps = taps[:, :, ::-1].reshape(2, 2, 2, 2, *kernel.shape[2:])
  phases = taps.transpose(0, 2, 5, 1, 3, 4)  # [i, j, O, a, b, features]
  phases = phases.reshape(2, 2, kernel.shape[3], 4 * features)
  z = _plain(y, phases, 1).reshape(batch, height + 1, width + 1, 2, 2, features)
  rows = jnp.stack([z[:, :-1, :, 0], z[:, 1:, :, 1]], 2)
  both = jnp.stack([rows[:, :, :, :-1, 0], rows[:, :, :, 1:, 1]], 4)
  return both.reshape(batch, 2 * height, 2 * width, features)


def _up_tiny(y: jax.Array, kernel: jax.Array) -> jax.Array:
  """`_up` as one matrix product, its 4x4 patches added where they overlap.

  512 to 256 channels, 2x2 to 4x4 pixels: 2.1 ms against 8.8.
  """
  batch, height, width, channels = y.shape
  patches = y @ kernel.reshape(-1, channels).T
  patches = patches.reshape(batch, height, width, 4, 4, -1)
  total = jnp.zeros((batch, 2 * height + 2, 2 * width + 2, patches.shape[-1]))
  for i in range(height):
    for j in range(width):
      rows = (2 * i, 2 * (height - 1 - i))
      columns = (2 * j, 2 * (width - 1 - j))
      total += jnp.pad(patches[:, i, j], ((0, 0), rows, columns, (0, 0)))
  return total[:, 1:-1, 1:-1].astype(y.dtype)


@jax.custom_vjp
def _correlate(x: jax.Array, y: jax.Array) -> jax.Array:
  """The transpose of `_down` in its kernel: [4, 4, I, O]."""
  return lax.conv_general_dilated(
    x,
    y,
    (1, 1),
    _PADDING,
    rhs_dilation=(2, 2),
    dimension_numbers=_TO_KERNEL,
  )


@jax.custom_vjp
def _wide(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """Kernel 7, stride 1, on 2x2 blocks of pixels folded into channels.

  A 5x5 convolution of 4 times the channels: twice the arithmetic, at 3 to 5
  times the speed (16 to 3 channels, 64 px: 7.6 ms against 16.7).
  """
  batch, height, width, _ = x.shape
  features = kernel.shape[3]
  y = _plain(_fold(x), _fold_kernel(kernel), 2)
  y = y.reshape(batch, height // 2, width // 2, 2, 2, features)
  return y.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height, width, features)


def _fold(x: jax.Array) -> jax.Array:
  batch, height, width, channels = x.shape
  x = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
  x = x.transpose(0, 1, 3, 2, 4, 5)
  return x.reshape(batch, height // 2, width // 2, 4 * channels)


def _fold_kernel(kernel: jax.Array) -> jax.Array:
  """[7, 7, I, O] to [5, 5, 4I, 4O].

  Output phase a of a block takes, from phase p of the block u away, the tap
  2u + p - a + 3, where there is one.
  """
  inputs, outputs = kernel.shape[2:]
  padded = jnp.pad(kernel, ((2, 2), (2, 2), (0, 0), (0, 0)))
  phases = jnp.stack(
    [padded[1 - a : 11 - a, 1 - b : 11 - b] for a in (0, 1) for b in (0, 1)]
  )
  phases = phases.reshape(2, 2, 5, 2, 5, 2, inputs, outputs)
  phases = phases.transpose(2, 4, 3, 5, 6, 0, 1, 7)
  return phases.reshape(5, 5, 4 * inputs, 4 * outputs)


def _wide_transposed(y: jax.Array, kernel: jax.Array) -> jax.Array:
  """The transpose of `_wide` in x: the same, of the kernel turned round."""
  return _wide(y, _turn(kernel))


def _turn(kernel: jax.Array) -> jax.Array:
  return kernel[::-1, ::-1].swapaxes(2, 3)


@jax.custom_vjp
def _wide_correlate(x: jax.Array, y: jax.Array) -> jax.Array:
  """The transpose of `_wide` in its kernel: [7, 7, I, O].

  Fast where x has the fewer channels (3.5 ms against 16), and the roles of x
  and y differ only in the direction of the taps.
  """
  if x.shape[-1] > y.shape[-1]:
    return _turn(_wide_correlate(y, x))
  padding = _WIDE // 2
  return lax.conv_general_dilated(
    x,
    y,
    (1, 1),
    ((padding, padding), (padding, padding)),
    dimension_numbers=_TO_KERNEL,
  )


def _define_derivatives(
  form: jax.custom_vjp, first: Callable, second: Callable
) -> None:
  """Sets d form(a, b) from the maps (cotangent, other argument) -> gradient."""

  def backward(residuals, cotangent):
    a, b = residuals
    return first(cotangent, b), second(cotangent, a)

  form.defvjp(lambda a, b: (form(a, b), (a, b)), backward)


_define_derivatives(_down, _up, lambda y, x: _correlate(x, y))
_define_derivatives(_up, _down, _correlate)
_define_derivatives(
  _correlate, lambda w, y: _up(y, w), lambda w, x: _down(x, w)
)
_define_derivatives(_wide, _wide_transposed, lambda y, x: _wide_correlate(x, y))
_define_derivatives(
  _wide_correlate,
  lambda w, y: _wide_transposed(y, w),
  lambda w, x: _wide(x, w),
)


def conv(x: jax.Array, kernel: jax.Array, padding: int) -> jax.Array:
  """Convolves x [B, H, W, I] with kernel [k, k, I, O], stride 1."""
  folds = kernel.shape[0] == _WIDE and not (x.shape[1] % 2 or x.shape[2] % 2)
  if _takes_cpu_forms() and folds and padding == _WIDE // 2:
    return _wide(x, kernel)
  return _plain(x, kernel, padding)


def conv_with_planes(
  x: jax.Array, planes: jax.Array, kernel: jax.Array
) -> jax.Array:
  """Convolves x beside planes tiled over space, padded to keep the size.

  Args:
    x: [B, H, W, I].
    planes: [B, P].
    kernel: [k, k, I + P, O].

  Returns:
    [B, H, W, O].
  """
  height, width, channels = x.shape[1:]
  size = kernel.shape[0]
  if not _takes_cpu_forms():
    tiled = jnp.broadcast_to(
      planes[:, None, None], (*x.shape[:3], planes.shape[-1])
    )
    return conv(jnp.concatenate([x, tiled], -1), kernel, size // 2)
  # A constant plane needs no convolution: at each pixel it meets the sum of
  # the taps that lie inside the picture, the same for all samples. That spares
  # two thirds of the first layer.
  rows, columns = _taps_inside(height, size), _taps_inside(width, size)
  sums = jnp.einsum("ht,tuco,wu->chwo", rows, kernel[:, :, channels:], columns)
  constant = jnp.einsum("bc,chwo->bhwo", planes, sums)
  convolved = conv(x, kernel[:, :, :channels], size // 2)
  return convolved + constant.astype(convolved.dtype)


def _taps_inside(length: int, size: int) -> np.ndarray:
  """[length, size]: 1 where a tap of a padded convolution hits the picture."""
  position = np.arange(length)[:, None] + np.arange(size) - size // 2
  return ((position >= 0) & (position < length)).astype(np.float32)


def down(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """Convolves x [B, 2H, 2W, I] with kernel [4, 4, I, O], stride 2, padding 1.

  Returns:
    [B, H, W, O].
  """
  return _down(x, kernel) if _takes_cpu_forms() else _strided(x, kernel)


def up(y: jax.Array, kernel: jax.Array) -> jax.Array:
  """Applies the transpose of `down`: y [B, H, W, O], kernel [4, 4, I, O].

  Equals PyTorch's ConvTranspose2d(O, I, 4, stride=2, padding=1).

  Returns:
    [B, 2H, 2W, I].
  """
  if _takes_cpu_forms():
    return _up(y, kernel)
  return lax.conv_transpose(
    y,
    kernel,
    (2, 2),
    ((2, 2), (2, 2)),
    dimension_numbers=_NHWC,
    transpose_kernel=True,
  )
