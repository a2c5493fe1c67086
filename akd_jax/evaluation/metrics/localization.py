"""Attention scored against known regions.

A map [h, w] is read as constant over the pixels of each of its cells, so the
region enters as the share of each cell that it covers. Interpolating the map
up to the picture would smear its mass across the region's border, and no chance
level would be exact. The pixels of a cell are tied, then, as are those of cells
with equal values (many are 0, by the ReLU): where pixels are picked by their
values, each score is what picking at random among tied ones gives on average.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from akd_jax.evaluation.metrics.metric import (
  PERCENT,
  Metric,
  Reader,
  Value,
  mean_if_any,
  read_rows,
)
from akd_jax.evaluation.metrics.outcome import Outcome

# maps [N, P] and the covered share of each cell [N, P] -> scores [N].
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


def localization(maps: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
  """Measures how well maps of one block find the region of one attribute.

  Args:
    maps: [N, h, w], not negative.
    masks: bool [N, S, S], the pixels that the attribute owns; S is a multiple
      of h and w.

  Returns:
    {"share", "pointing", "iou", "images", "empty_maps", "empty_masks"}, where
    each of the first three is {"value", "chance", "best"}, means over images:
    the score, that of a uniform map, and the most that a map of h x w cells
    can have. All are in [0, 1]; None without any image to score.

    share: of the map's mass, how much is in the region ("relevance mass
      accuracy" of Arras et al., CLEVR-XAI, Information Fusion 2022).
    pointing: is the map's maximum in the region (Zhang et al., Top-Down Neural
      Attention by Excitation Backprop, IJCV 2018, without its tolerance of 15
      pixels)?
    iou: intersection over union of the region and as many pixels, those where
      the map is largest (the pixels of CLEVR-XAI's "relevance rank accuracy":
      no threshold to tune).

    Images whose map or mask is empty are left out, and counted.
  """
  if len(maps) != len(masks) or (maps.ndim, masks.ndim) != (3, 3):
    raise ValueError(
      f"maps {maps.shape} and masks {masks.shape} are not [N, h, w], [N, S, S]"
    )
  if masks.shape[1] % maps.shape[1] or masks.shape[2] % maps.shape[2]:
    raise ValueError(f"masks {masks.shape} are no multiple of {maps.shape}")
  check_maps(maps)
  empty_maps, empty_masks = ~maps.any((1, 2)), ~masks.any((1, 2))
  kept = ~empty_maps & ~empty_masks
  count = int(kept.sum())
  covered = _covered(masks[kept], maps.shape[1:])
  values = maps[kept].reshape(covered.shape).astype(np.float64)
  uniform = np.ones_like(covered)
  # The best map has all its mass in the cell that the region covers most.
  most = covered.max(1)
  best = {"share": most, "pointing": most, "iou": _iou(covered, covered)}
  scores: dict[str, Score] = {
    "share": _mass_inside,
    "pointing": _pointing,
    "iou": _iou,
  }
  result: dict[str, Any] = {
    name: {
      "value": mean_if_any(score(values, covered)),
      "chance": mean_if_any(score(uniform, covered)),
      "best": mean_if_any(best[name]),
    }
    for name, score in scores.items()
  }
  return result | {
    "images": count,
    "empty_maps": int(empty_maps.sum()),
    "empty_masks": int(empty_masks.sum()),
  }


def check_maps(maps: np.ndarray) -> None:
  """Refuses what no attention map can be.

  Raises:
    ValueError: a value is negative, infinite or no number.
  """
  if not ((maps >= 0) & (maps < np.inf)).all():
    raise ValueError(
      "attention maps have a value that is negative or no number"
    )


def _covered(masks: np.ndarray, cells: tuple[int, ...]) -> np.ndarray:
  """Returns the share of each cell's pixels that masks cover: [N, h w]."""
  height, width = cells
  count, rows, columns = masks.shape
  blocks = masks.reshape(count, height, rows // height, width, columns // width)
  return blocks.mean((2, 4)).reshape(count, height * width)


def _mass_inside(maps: np.ndarray, covered: np.ndarray) -> np.ndarray:
  return (maps * covered).sum(1) / maps.sum(1)


def _pointing(maps: np.ndarray, covered: np.ndarray) -> np.ndarray:
  largest = maps == maps.max(1, keepdims=True)
  return (largest * covered).sum(1) / largest.sum(1)


def _iou(maps: np.ndarray, covered: np.ndarray) -> np.ndarray:
  """Returns the IoU [N] by the overlap that tied pixels have on average."""
  size = covered.sum(1, keepdims=True)  # in cells
  # The cell at which `size` of them, from the largest down, are complete.
  last = np.clip(np.ceil(size).astype(int) - 1, 0, maps.shape[1] - 1)
  level = np.take_along_axis(-np.sort(-maps, axis=1), last, axis=1)
  above, tied = maps > level, maps == level
  rest = size - above.sum(1, keepdims=True)
  taken = above + tied * (rest / tied.sum(1, keepdims=True))
  overlap = (taken * covered).sum(1)
  return overlap / (2 * size[:, 0] - overlap)


def _measure_attention(outcome: Outcome) -> dict[str, Any]:
  masks = outcome.probes.masks
  assert masks is not None
  return {
    "attention": {
      activation: localization(maps, masks)
      for activation, maps in outcome.probes.maps.items()
    }
  }


def _measure_mask(outcome: Outcome) -> dict[str, Any]:
  drawn, masks = outcome.probes.drawn, outcome.probes.masks
  assert drawn is not None and masks is not None
  return {"mask": localization(drawn, masks)}


def _measure_change(outcome: Outcome) -> dict[str, Any]:
  probes = outcome.probes
  assert probes.masks is not None
  sources = outcome.sources[probes.chosen].astype(np.int16)
  change = np.abs(outcome.translated[probes.chosen] - sources).mean(-1)
  return {"change": localization(change, probes.masks)}


def _read_attention(score: str) -> Reader:
  """Returns a reader of the activation that is distilled."""

  def read(network: Mapping[str, Any], attribute: str | None) -> Value:
    path = ("attention", network["block"], score)
    return _read_path(*path)(network, attribute)

  return read


def _read_path(*path: str) -> Reader:
  return read_rows(*path, "value", chance=(*path, "chance"))


def _metric(
  title: str,
  explanation: str,
  needs: tuple[str, ...],
  read: Reader,
  measure: Callable[[Outcome], dict[str, Any]],
) -> Metric:
  return Metric(
    title=title,
    explanation=explanation,
    unit=PERCENT,
    better="higher",
    chance="a uniform map",
    needs=("a region", *needs),
    read=read,
    measure=measure,
  )


# By score: the end of a title, and what it says of a map.
_SCORES = {
  "share": (
    " inside",
    "Share of {} mass that lies in the attribute's pixels.",
  ),
  "pointing": (
    "'s maximum inside",
    "How often {} largest value lies in the attribute's pixels.",
  ),
  "iou": (
    "'s IoU",
    "Overlap of the attribute's pixels and as many pixels, those of {} largest"
    " values: intersection over union.",
  ),
}
ATTENTION_INSIDE, ATTENTION_MAXIMUM, ATTENTION_IOU = (
  _metric(
    f"attention{end}",
    explanation.format("the map's"),
    ("attention",),
    _read_attention(score),
    _measure_attention,
  )
  for score, (end, explanation) in _SCORES.items()
)
# Of a blend's own mask: no gradient, so that all are made in one way.
MASK_INSIDE, MASK_MAXIMUM, MASK_IOU = (
  _metric(
    f"mask{end}",
    explanation.format("the mask's"),
    ("a mask",),
    _read_path("mask", score),
    _measure_mask,
  )
  for score, (end, explanation) in _SCORES.items()
)
# Of the translation itself: what a network does rather than where it looks.
CHANGE_INSIDE = _metric(
  "change inside",
  _SCORES["share"][1].format("the change's"),
  (),
  _read_path("change", "share"),
  _measure_change,
)
