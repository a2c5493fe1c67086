"""A narrow generator of AttGAN or STGAN cut out of a wide one.

Pruning by the size of filters, as systems/stargan_slices.py. Of each layer the
channels whose kernels are largest stay; what a skip or the state of a unit
carries is one choice wherever it goes.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from akd_jax.common.errors import UserError
from akd_jax.systems.stargan_slices import (
  cut,
  cut_conv,
  cut_norm,
  find_doubling,
  find_largest,
)

Params = Mapping[str, Any]


class Kept(NamedTuple):
  """Channels of an activation that stay: `chosen` ones `of` so many."""

  chosen: np.ndarray
  of: int


def slice_generator(wide: Params, narrow: Params) -> dict[str, Any]:
  """Returns the narrow generator's parameters, cut out of the wide one's.

  Args:
    wide: of a generator of `models.attgan` or `models.stgan`; running
      statistics may stand beside the scale of their norm.
    narrow: fresh ones, of another width: they say the sizes.

  Raises:
    UserError: the two differ in more than width, or the narrow one is wider.
  """
  _check_same(wide, narrow, lambda leaf: None)
  encoder, encodings = _slice_encoder(wide["encoder"], narrow["encoder"])
  *shallow, deepest = encodings
  # Of AttGAN the skips are the encodings themselves.
  skips = shallow[::-1]
  units: dict[str, Any] = {}
  if "unit_0" in wide:
    units, skips = _slice_units(wide, narrow, encodings)
  decoder = _slice_decoder(wide["decoder"], narrow["decoder"], deepest, skips)
  sliced = {"encoder": encoder, "decoder": decoder, **units}
  _check_same(sliced, narrow, np.shape)
  return sliced


def _slice_encoder(
  wide: Params, narrow: Params
) -> tuple[dict[str, Any], list[Kept]]:
  sliced, encodings, kept = {}, [], Kept(np.arange(3), 3)
  for i in range(len(wide)):
    layer, fresh = wide[f"layer_{i}"], narrow[f"layer_{i}"]
    kernel = layer["conv"]["kernel"]
    chosen = _choose(kernel, 3, fresh["conv"]["kernel"])
    sliced[f"layer_{i}"] = {
      "conv": {"kernel": cut(kernel, kept.chosen, chosen)},
      "norm": cut_norm(layer["norm"], chosen),
    }
    kept = Kept(chosen, np.shape(kernel)[3])
    encodings.append(kept)
  return sliced, encodings


def _slice_units(
  wide: Params, narrow: Params, encodings: list[Kept]
) -> tuple[dict[str, Any], list[Kept]]:
  """STGAN's units, and what stays of each skip."""
  sliced: dict[str, Any] = {}
  skips: list[Kept] = []
  *shallow, state = encodings
  for i, encoding in enumerate(reversed(shallow)):
    name = f"unit_{i}"
    if name not in wide:
      break
    up, fresh = (x[name]["upsample"] for x in (wide, narrow))
    doubling, skip = _slice_doubling(up, fresh, [state])
    sliced[name] = {"upsample": doubling}
    for gate in ("reset", "update", "hidden"):
      conv, fresh = (x[name][gate] for x in (wide, narrow))
      kernels = conv["kernel"], fresh["kernel"]
      inputs = _inputs(*kernels, 2, [encoding, skip])
      sliced[name][gate] = cut_conv(conv, inputs, skip.chosen)
    state = skip
    skips.append(skip)
  return sliced, skips


def _slice_decoder(
  wide: Params, narrow: Params, deepest: Kept, skips: list[Kept]
) -> dict[str, Any]:
  sliced: dict[str, Any] = {}
  joined = [deepest]
  for i in range(len(wide) - 1):
    layer, fresh = wide[f"layer_{i}"], narrow[f"layer_{i}"]
    conv, kept = _slice_doubling(layer["conv"], fresh["conv"], joined)
    sliced[f"layer_{i}"] = {
      "conv": conv,
      "norm": cut_norm(layer["norm"], kept.chosen),
    }
    joined = [kept, *skips[i : i + 1]]
  sliced["output"], _ = _slice_doubling(
    wide["output"], narrow["output"], joined
  )
  return sliced


def _slice_doubling(
  wide: Params, narrow: Params, joined: list[Kept]
) -> tuple[dict[str, np.ndarray], Kept]:
  """A layer that doubles pictures, and what stays of its channels."""
  name, outgoing = find_doubling(wide)
  transposed = outgoing == 2
  kernel, fresh = wide[name], narrow[name]
  chosen = _choose(kernel, outgoing, fresh)
  inputs = _inputs(kernel, fresh, 3 if transposed else 2, joined)
  sliced = cut_conv(wide, inputs, chosen, transposed)
  return sliced, Kept(chosen, np.shape(kernel)[outgoing])


def _choose(kernel: Any, axis: int, fresh: Any) -> np.ndarray:
  """The largest channels of an axis, as many as the narrow kernel has."""
  return find_largest(kernel, axis, np.shape(fresh)[axis])


def _inputs(kernel: Any, fresh: Any, axis: int, joined: list[Kept]) -> Any:
  """The channels that stay of a layer's input.

  A layer may not be given the skip that comes last in `joined`. What else it is
  given, the label, stays as it is.

  Args:
    kernel: the wide layer's.
    fresh: the narrow one's.
    axis: of the input's channels.
    joined: what may be concatenated there.
  """
  total, wanted = np.shape(kernel)[axis], np.shape(fresh)[axis]
  while True:
    rest = total - sum(x.of for x in joined)
    if rest >= 0 and sum(len(x.chosen) for x in joined) + rest == wanted:
      break
    if len(joined) == 1:
      raise _differ()
    joined = joined[:-1]
  starts = np.cumsum([0, *(x.of for x in joined)])
  parts = [x.chosen + s for x, s in zip(joined, starts[:-1], strict=True)]
  return np.concatenate([*parts, np.arange(starts[-1], total)])


def _check_same(wide: Params, narrow: Params, look: Callable) -> None:
  """Raises UserError where what is looked at is not the same of both."""
  found, wanted = (
    {path: look(leaf) for path, leaf in traverse_util.flatten_dict(x).items()}
    for x in (wide, narrow)
  )
  if found != wanted:
    raise _differ()


def _differ() -> UserError:
  return UserError(
    "config.init='sliced' takes a generator from one that is as wide or wider"
    " and otherwise the same: layers, shortcut, inject, units, upsample and"
    " attributes"
  )
