"""One label set of a StarGAN that has been trained on two."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akd_jax.models.stargan import LABEL_SET_PLANES
from akd_jax.systems.model import Model, Networks


def take_classes(
  model: Model, networks: Networks, columns: Sequence[int]
) -> Model:
  """Returns the model of one label set; see `System.take_classes`.

  What is left out of the first kernel would be multiplied by 0. The mask vector
  stays.

  Args:
    model: of two label sets.
    networks: those of one of them.
    columns: of its classes.
  """
  colours = 3
  kernel = np.asarray(model.generator["encoder_0"]["conv"]["kernel"])
  last = range(kernel.shape[2] - LABEL_SET_PLANES, kernel.shape[2])
  planes = [*range(colours), *(colours + i for i in columns), *last]
  logits = np.asarray(model.discriminator["classifier"]["kernel"])
  path = ("encoder_0", "conv", "kernel")
  return Model(
    _with(model.generator, path, kernel[:, :, planes]),
    _with(
      model.discriminator,
      ("classifier", "kernel"),
      logits[..., list(columns)],
    ),
    networks,
  )


def _with(
  params: Mapping[str, Any], path: Sequence[str], array: np.ndarray
) -> dict[str, Any]:
  """Returns parameters with another array at a path."""
  name, *rest = path
  return {**params, name: _with(params[name], rest, array) if rest else array}
