"""A curriculum: pictures whose labels show a bias are held back at first.

Paper 2 proposes it in words, at the end of section IV-E2, and does not try it:
"reject samples with strong biases, especially at the beginning of the training,
and accept samples with biases progressively". docs/method.md says which choices
are ours.
"""

from typing import NamedTuple

import numpy as np

# What one attribute rejects moves the shares of the others. Of four attributes
# of avatars all are right to 0.1 % after two passes, of 36 after five.
_PASSES = 20


class Curriculum(NamedTuple):
  """How often each picture is seen, from the first step on.

  Attributes:
    cumulative: [N], rises to 1: how often the pictures up to each are seen in
      the first step, of all.
    steps: after which every picture is seen as often as any other.
    seed: decides, with the position, what is seen.
  """

  cumulative: np.ndarray
  steps: float
  seed: int

  def choose(self, step: int, position: int, index: int) -> int:
    """Returns which picture is seen at a position of the training.

    With a probability that grows from 0 to 1 it is the one whose turn it is, so
    that in the end pictures come in the order that they have without a
    curriculum; else one that is drawn from those of the first step.

    Args:
      step: of the training, 0 the first.
      position: of the picture in the whole training.
      index: of the picture whose turn it is.
    """
    turn, place = np.random.default_rng((self.seed, position)).random(2)
    if turn < step / self.steps:
      return index
    return int(np.searchsorted(self.cumulative, place, side="right"))


def accept_unbiased(labels: np.ndarray, biased: np.ndarray) -> np.ndarray:
  """Returns how likely each picture is accepted in the first step: [N].

  A pair of labels, (an attribute's, the bias attribute's), is a bias where more
  pictures have it than if the two were independent. Of the pictures with one
  value of an attribute, those that are too many are rejected until as many have
  the bias attribute as in the whole set. A picture is accepted by all
  attributes, which are taken in turn, several times. Nothing is accepted where
  no two pictures with one value differ in the bias attribute.

  Args:
    labels: 0/1 [N, C], of the attributes but the bias attribute.
    biased: 0/1 [N], of the bias attribute. Both values are there.
  """
  usual = np.bincount(biased, minlength=2) / len(biased)
  accepted = np.ones(len(biased))
  for _ in range(_PASSES):
    for column in labels.T:
      pairs = 2 * column.astype(int) + biased
      # [an attribute's value, the bias attribute's], observed and expected.
      excess = np.bincount(pairs, accepted, 4).reshape(2, 2) / usual
      least = excess.min(1, keepdims=True)
      share = np.divide(least, excess, out=np.ones((2, 2)), where=excess > 0)
      accepted *= share.ravel()[pairs]
  return accepted
