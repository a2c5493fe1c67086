r"""Runs any exported generator with NumPy alone: its metadata say what to do.

`akd_jax.export --format=numpy` writes a program for every system. Only a
StarGAN of one label set has none: numpy_generator.py runs it by itself. With
that one beside it, this file may be copied away, and is used the same way:

  params, metadata = load("model.npz")
  photo = load_photo("photo.jpg", metadata)
  label = make_label(metadata, {"Blond_Hair": 1})
  translated = translate(params, metadata, photo, label)

  python numpy_program.py model.npz photo.jpg --set Smiling=1 --out out.png
"""

import functools
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

try:
  from akd_jax.interop import numpy_generator as base
except ImportError:  # Copied away.
  import numpy_generator as base  # type: ignore

Array = np.ndarray
Params = Mapping[str, Array]
Metadata = Mapping[str, Any]
load_photo, make_label = base.load_photo, base.make_label

FORMAT = 3
# Numbers in memory at a time: 4 GB, more than a picture of 1,024 pixels takes;
# and in a trial with the smallest picture that there is.
_LARGEST, _TRIAL = 2**30, 2**27
# What one step of a program says: "do", one of OPERATIONS; "of", the names of
# what it is done to; "to", the name of what comes of it; "at", the path of its
# parameters; and options. "image" and "given" are there, "picture" is drawn.
Step = dict[str, Any]


def load(path: str) -> tuple[Params, dict[str, Any]]:
  """Reads an exported generator: parameters by path, float32, and metadata.

  Raises:
    OSError, ValueError: the file cannot be read, is damaged or no such export.
  """
  return base.load(path, _count_numbers, _try)


def _count_numbers(metadata: dict[str, Any]) -> int:
  if metadata.get("format") != FORMAT:
    if "program" in metadata:
      raise ValueError(f"it has a program, and format {metadata['format']}")
    return base.count_numbers(metadata)
  numbers, side = metadata["numbers"], metadata["multiple"]
  if not (0 < numbers < 2**30 and 0 < side < 2**10):
    raise ValueError(f"it has {numbers} numbers, for multiples of {side}")
  told = [*metadata["given"], metadata["test_strength"]]
  numeric = all(type(x) in (int, float) for x in told)
  if len(told) != 4 or not numeric or not all(abs(x) < 2**20 for x in told):
    raise ValueError(f"its label is given by {told}")
  return numbers


def _try(
  metadata: Metadata, params: Params, image: Array, label: Array
) -> None:
  """Runs the network once; it raises where an array does not fit."""
  for name, x in params.items():
    if name.endswith("/var") and (x < 0).any():
      raise ValueError(f"its {name} holds variances below 0")
  drawn = generate(metadata, params, image, label, _TRIAL)
  if drawn.shape != image.shape or not np.isfinite(drawn).all():
    raise ValueError(f"it draws {drawn.shape}, or no finite numbers")


def translate(
  params: Params,
  metadata: Metadata,
  image: Array,
  label: Array,
  own: Array | float = 0,
  edits: Array | float = 1,
) -> Array:
  """Translates photos; returns uint8 in the shape of `image`.

  Args:
    params, metadata: from `load`.
    image: uint8 [H, W, 3] or [B, H, W, 3], H and W multiples of
      metadata["multiple"].
    label: [C] for all, or [B, C], from `make_label`.
    own: the photos' own label, for systems that are given differences.
    edits: 1 where an attribute was set, 0 where it changes because of another.
  """
  if "program" not in metadata:
    return base.translate(params, metadata, image, label)
  further = (metadata["test_strength"] - 1) * edits
  label = label + further * (label - own)
  of_label, of_own, constant = metadata["given"]
  given = of_label * label + of_own * own + constant
  run = functools.partial(generate, metadata)
  return base.translate(params, metadata, image, given, run=run)


def takes_own(metadata: Metadata) -> bool:
  """Whether what is drawn depends on what the photo has, beside the label."""
  _, of_own, _ = metadata.get("given", (1, 0, 0))
  return of_own != 0 or metadata.get("test_strength", 1) != 1


def generate(
  metadata: Metadata,
  params: Params,
  image: Array,
  given: Array,
  most: int = _LARGEST,
) -> Array:
  """Runs the network: image [B, H, W, 3] in [-1, 1], given [B, C] -> image.

  `most` is how many numbers may be in memory. Raises ValueError beyond it, and
  of shapes that do not fit.
  """
  if "program" not in metadata:
    return base.generate(params, image, given)
  side, classes = metadata["multiple"], len(metadata["attributes"])
  size = image.shape[1:3]
  if image.shape != (len(given), *size, 3) or size[0] % side or size[1] % side:
    raise ValueError(
      f"image is {image.shape}; H and W must be multiples of {side}"
    )
  if given.shape != (len(image), classes):
    raise ValueError(f"label is {given.shape}, not [{len(image)}, {classes}]")
  steps = metadata["program"]
  program = [(step, _under(step.get("at"), params)) for step in steps]
  pairs = zip(image, given, strict=True)
  return np.stack([_execute(program, *pair, most) for pair in pairs])


def _under(path: str | None, params: Params) -> Params:
  """The parameters of a step, by their last names."""
  start = f"{path}/"
  return {
    name.removeprefix(start): x
    for name, x in params.items()
    if name.startswith(start)
  }


def _execute(
  program: list[tuple[Step, Params]], image: Array, given: Array, most: int
) -> Array:
  values = {"image": image.astype(np.float32), "given": given}
  # Where each is needed last; then it is let go.
  last = {x: i for i, (step, _) in enumerate(program) for x in step["of"]}
  for i, (step, own) in enumerate(program):
    taken = [values[name] for name in step["of"]]
    numbers = _count(step, taken, own) + sum(x.size for x in values.values())
    if numbers > most:
      raise ValueError(f"{step['do']} takes {numbers:,} numbers")
    values[step["to"]] = OPERATIONS[step["do"]](taken, own, step)
    for name in [x for x in values if last.get(x) == i and x != "picture"]:
      del values[name]
  return values["picture"]


def _count(step: Step, taken: list[Array], own: Params) -> int:
  """Counts the numbers that a step needs at most, before it is done."""
  first = taken[0]
  match step["do"]:
    case "conv":
      side, _, channels, features = own["kernel"].shape
      pixels = (first.shape[0] + side) * (first.shape[1] + side)
      return pixels * (channels + side * channels + features)
    case "up":
      return first.shape[0] * first.shape[1] * 24 * own["kernel"].shape[2]
    case "tile":
      return first.size * taken[1].shape[0] * taken[1].shape[1]
    case "concat":
      return sum(x.size for x in taken)
    case "append":
      return first.size + len(step["numbers"])
    case "norm":
      widest = max(first.shape[-1], *(x.size for x in own.values()))
      return first.shape[0] * first.shape[1] * widest
  shapes = [x.shape for x in (*taken, *own.values())]
  return math.prod(np.broadcast_shapes(*shapes))


def _biased(y: Array, own: Params) -> Array:
  return y + own["bias"] if "bias" in own else y


def _normalize(x: Array, own: Params, epsilon: float) -> Array:
  """By running statistics where there are any, else by the picture's own."""
  if "mean_weight" in own:
    return _switch(x, own, epsilon)
  if "mean" not in own:
    return base.normalize(x, own["scale"], own["bias"])
  factor = own["scale"] / np.sqrt(own["var"] + np.float32(epsilon))
  return (x - own["mean"]) * factor + own["bias"]


def _switch(x: Array, own: Params, epsilon: float) -> Array:
  """SwitchNorm: by a mixture of both, and of those of all channels."""
  mean, pixels = x.mean((0, 1)), x.shape[0] * x.shape[1]
  var = np.square(x - mean).sum((0, 1)) / max(pixels - 1, 1)
  means = mean, mean.mean(), own["mean"]
  variances = var, (var + (mean - mean.mean()) ** 2).mean(), own["var"]
  mixed = []
  for name, parts in (("mean_weight", means), ("var_weight", variances)):
    weights = np.exp(own[name] - own[name].max())
    pairs = zip(weights / weights.sum(), parts, strict=True)
    mixed.append(sum(weight * part for weight, part in pairs))
  factor = own["scale"] / np.sqrt(mixed[1] + np.float32(epsilon))
  return (x - mixed[0]) * factor + own["bias"]


# (what it is done to, its parameters, the step) -> what comes of it, [H, W, K].
OPERATIONS: dict[str, Callable[[list[Array], Params, Step], Array]] = {
  # Numbers behind those of a label.
  "append": lambda x, _, step: np.append(x[0], step["numbers"]),
  # A label as planes of the size of a map.
  "tile": lambda x, _, step: np.broadcast_to(
    x[0], (*x[1].shape[:2], len(x[0]))
  ),
  "concat": lambda x, _, step: np.concatenate(x, axis=-1, dtype=np.float32),
  # Some channels.
  "take": lambda x, _, step: x[0][..., step["first"] : step["last"]],
  "conv": lambda x, own, step: _biased(
    base.convolve(x[0], own["kernel"], step.get("stride", 1)), own
  ),
  "up": lambda x, own, step: _biased(base.upsample(x[0], own["kernel"]), own),
  "norm": lambda x, own, step: _normalize(x[0], own, step.get("epsilon", 1e-5)),
  "relu": lambda x, _, step: np.maximum(x[0], step.get("slope", 0) * x[0]),
  "tanh": lambda x, _, step: np.tanh(x[0]),
  # It can not overflow.
  "sigmoid": lambda x, _, step: (1 + np.tanh(x[0] / 2)) / 2,
  "add": lambda x, _, step: x[0] + x[1],
  "multiply": lambda x, _, step: x[0] * x[1],
  # The first says how much of the second, the rest is the third.
  "mix": lambda x, _, step: x[0] * x[1] + (1 - x[0]) * x[2],
}


if __name__ == "__main__":
  base.main(runtime=sys.modules[__name__])
