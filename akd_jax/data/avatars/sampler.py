"""Draws the labels of avatars from a distribution that a config gives.

Attributes are drawn one after another, each by one number in [0, 1). An
attribute may be excluded, or switched on, by one that was drawn before. Where
it is free, its chance is such that its share of all avatars is as asked for.
"""

from collections.abc import Collection, Mapping

import numpy as np

from akd_jax.common.errors import UserError, suggest
from akd_jax.data.attributes import EXPRESSIONS
from akd_jax.data.avatars.labels import (
  ALL_ATTRIBUTES,
  CONDITIONAL,
  IMPLIED,
  PARTITIONS,
  SHARES,
  TWIN,
  find_excluded,
)


class LabelSampler:
  """Draws labels from a distribution.

  `distribution` maps attributes to their shares of all avatars. An attribute
  that is not named has its usual share (SHARES). But where one of a partition
  is named, the others are scaled, so that all together keep their share.

  `conditional` maps a condition to attributes and their shares among the
  avatars where the condition is on: {"Bald": {"Male": 0.996}} means
  P(Male | Bald) = 0.996. The condition is drawn first. Where it is off, Male
  gets the chance that leaves Male's share of all avatars as the distribution
  says, or the nearest possible one. Where several conditions are on, the one
  that is named first decides.
  """

  def __init__(
    self,
    distribution: Mapping[str, float],
    conditional: Mapping[str, Mapping[str, float]],
  ):
    self._asked = _check(distribution, "config.data.distribution")
    self._asked_conditions = _flatten(conditional)
    usual = {
      pair: share
      for pair, share in _flatten(CONDITIONAL).items()
      if pair[::-1] not in self._asked_conditions
    }
    self._conditions = {**usual, **self._asked_conditions}
    self._shares = _make_room(self._asked)
    self._order = _sort(self._conditions)
    self._chances: dict[str, list[float]] = {}
    # A fixed sample tells how often the rules leave an attribute free.
    uniforms = np.random.default_rng(0).random((1 << 16, len(SHARES)))
    self._draw(uniforms, calibrate=True)

  def __call__(self, uniforms: np.ndarray) -> np.ndarray:
    """Returns labels [N, len(ALL_ATTRIBUTES)].

    Args:
      uniforms: [N, len(SHARES)], numbers in [0, 1).
    """
    return self._draw(uniforms, calibrate=False)

  def describe(self) -> list[tuple[str, list[float]]]:
    """Returns all that the labels depend on besides the numbers, as JSON."""
    return [(name, self._chances[name]) for name in self._order]

  def _draw(self, uniforms: np.ndarray, calibrate: bool) -> np.ndarray:
    on: dict[str, np.ndarray] = {}
    nothing = np.zeros(len(uniforms), bool)
    numbers = dict(zip(SHARES, uniforms.T, strict=True))
    for name in self._order:
      barred = _find_any(on, find_excluded(name), nothing)
      bringing = [n for n, brought in IMPLIED.items() if name in brought]
      forced = _find_any(on, bringing, nothing) & ~barred
      causes = [cause for cause, effect in self._conditions if effect == name]
      # Which condition decides. The last index means none.
      holds = np.stack([*(on[cause] for cause in causes), ~nothing])
      stratum = np.argmax(holds, axis=0)
      if calibrate:
        self._calibrate(name, barred, forced, stratum)
      chance = np.asarray(self._chances[name])[stratum]
      on[name] = forced | (~barred & (numbers[name] < chance))
    on["neutral"] = on["neutral"] | ~_find_any(on, EXPRESSIONS, nothing)
    for name, twin in TWIN.items():
      on[name] = on[twin]
    columns = [on[name] for name in ALL_ATTRIBUTES]
    return np.stack(columns, axis=1).astype(np.uint8)

  def _calibrate(
      self, name: str, barred: np.ndarray, forced: np.ndarray,
      stratum: np.ndarray,
  ) -> None:  # fmt: skip
    """Sets the chances of `name` where it is free, one a stratum."""
    pairs = [pair for pair in self._conditions if pair[1] == name]
    rest = self._shares[name] * len(barred)
    self._chances[name] = []
    for index, pair in enumerate([*pairs, None]):
      here = stratum == index
      count = np.count_nonzero(here)
      least = np.count_nonzero(here & forced)
      free = np.count_nonzero(here & ~barred & ~forced)
      wanted = self._conditions[pair] * count if pair else rest
      reached = float(np.clip(wanted, least, least + free))
      # Less than that may be the sample's own noise.
      base = count if pair else len(barred)
      if abs(reached - wanted) > 0.02 * base + 2 * base**0.5:
        self._refuse(name, pair, (reached - wanted) / len(barred))
      self._chances[name].append((reached - least) / free if free else 0.0)
      rest -= reached

  def _refuse(
    self, name: str, pair: tuple[str, str] | None, excess: float
  ) -> None:
    """Refuses what cannot be had, unless it is a default.

    Raises:
      UserError: it was asked for.
    """
    if pair in self._asked_conditions:
      raise UserError(
        f"config.data.conditional: P({name} | {pair[0]}) ="
        f" {self._conditions[pair]:g} cannot be had beside the rest"
      )
    if pair is None and name in self._asked:
      share = self._shares[name]
      raise UserError(
        f"config.data.distribution: {name} = {share:g} cannot be had beside the"
        f" rest; the nearest is {share + excess:.2f}"
      )


def _check(shares: Mapping[str, float], where: str) -> dict[str, float]:
  """Returns the shares by the names that attributes are drawn under.

  Raises:
    UserError: there is no such attribute or share; `where` names the field.
  """
  for name, share in shares.items():
    if name not in ALL_ATTRIBUTES:
      raise UserError(
        f"{where}: {name!r} is no attribute of avatars"
        f"{suggest(name, ALL_ATTRIBUTES)}"
      )
    if not isinstance(share, int | float) or not 0 <= share <= 1:
      raise UserError(f"{where}: {name} = {share!r} is not between 0 and 1")
  return {TWIN.get(name, name): float(share) for name, share in shares.items()}


def _flatten(
  conditional: Mapping[str, Mapping[str, float]],
) -> dict[tuple[str, str], float]:
  """Returns {(condition, attribute): share}, by names that are drawn under."""
  pairs = {}
  for condition, shares in conditional.items():
    (cause,) = _check({condition: 1.0}, "config.data.conditional")
    where = f"config.data.conditional.{condition}"
    for effect, share in _check(shares, where).items():
      if effect in find_excluded(cause) | {cause} and share > 0:
        raise UserError(f"{where}: {effect!r} cannot go with {condition!r}")
      pairs[cause, effect] = share
  return pairs


def _make_room(asked: Mapping[str, float]) -> dict[str, float]:
  """Returns all shares: those asked for, and the rest of SHARES.

  Where one of a partition is asked for, the others are scaled to make room.
  """
  shares = {**SHARES, **asked}
  for group in PARTITIONS:
    named = sum(asked[name] for name in group if name in asked)
    if named > 1 + 1e-6:
      raise UserError(
        f"config.data.distribution: the shares of {', '.join(group)} add up to"
        f" {named:g}; they exclude each other, so at most 1"
      )
    others = [name for name in group if name not in asked]
    room = max(sum(SHARES[name] for name in group) - named, 0)
    usual = sum(SHARES[name] for name in others)
    for name in others:
      shares[name] = SHARES[name] * room / usual
  return shares


def _sort(conditions: Mapping[tuple[str, str], float]) -> list[str]:
  """Returns all attributes, each after those that it depends on."""
  after: dict[str, set[str]] = {name: set() for name in SHARES}
  for cause, effect in conditions:
    after[effect].add(cause)
  for cause, brought in IMPLIED.items():
    for effect in brought:
      after[effect].add(cause)
  effects = {effect for _, effect in conditions}
  order: list[str] = []
  while len(order) < len(after):
    ready = [n for n in after if n not in order and after[n] <= set(order)]
    if not ready:
      left = ", ".join(name for name in after if name not in order)
      raise UserError(f"config.data.conditional goes in a circle among {left}")
    order.append(min(ready, key=lambda name: name not in effects))
  return order


def _find_any(
    on: Mapping[str, np.ndarray], names: Collection[str],
    nothing: np.ndarray,
) -> np.ndarray:  # fmt: skip
  """Returns where any of the named attributes drawn so far is on."""
  drawn = [on[name] for name in names if name in on]
  return np.any(np.stack(drawn), 0) if drawn else nothing
