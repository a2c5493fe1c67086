"""Which distillation pays: at equal training time, and method by method."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import student
from akd_jax.configs.experiments.variants import (
  WITHOUT,
  Experiment,
  draws_faces,
  experiment,
)
from akd_jax.configs.scales import Deltas, at_scale, changed

# Of avatars: seconds of a step alone on two cores, as
#   python benchmarks/step_cost.py --name=distillation
# printed them, and how long each student is trained.
_SECONDS = {
  "untaught": 0.200,
  "attention": 0.300,
  "attention and pictures": 0.214,
  "that pays": 0.095,
}
_BUDGET = 360.0
# A student of the teacher's discriminator, which stays as it is.
_FROZEN: dict[str, Any] = {
  "distill.akd.weight": 0.0,
  "init": "sliced",
  "adversary": "frozen",
  "n_critic": 1,
  "generator.output": "blend",
  "loss.lambda_rec": 0.0,
  "optimizer.learning_rate": 1e-3,
}
_OF_METHODS: Deltas = {"avatars": {"steps": 2_500}}
# Each about as heavy as pictures are at the start.
_WEIGHTS = {
  "output": 30.0,
  "change": 10.0,
  "wavelet": 10.0,
  "features": 1.0,
  "alignment": 3.0,
  "attention_transfer": 3e4,
  "co_attention": 3e4,
  "omgd": 1.0,
  "class_score": 0.3,
  "discriminator_features": 10.0,
  "dgl": 1.0,
  "dcd": 3.0,
  "akd": 3.0,
}


def distillation(scale: str) -> Experiment:
  """Compares no teacher, the papers' attention, and the recipe that pays.

  On avatars each is trained as long, on two cores. The shipped teacher teaches
  every seed.
  """
  base = student.by_attention(scale)
  pays = student.get_config(scale)
  variants = {
    "untaught": _timed("untaught", base, WITHOUT | {"n_critic": 1}),
    "attention": _timed("attention", base, {}),
    "attention and pictures": _timed(
      "attention and pictures",
      base,
      {"distill.output.weight": 10.0, "n_critic": 1},
    ),
    "that pays": _timed("that pays", pays, {}),
  }
  return Experiment(
    "Which distillation pays, at equal training time", variants, ""
  )


def methods(scale: str) -> Experiment:
  """Compares every method, beside the teacher's frozen discriminator."""
  base = student.by_attention(scale)
  base = at_scale(base, scale, {scale: _FROZEN})
  base = at_scale(base, scale, _OF_METHODS)
  variants: dict[str, dict[str, Any]] = {"none": {}}
  variants |= {
    name: {f"distill.{name}.weight": weight}
    for name, weight in _WEIGHTS.items()
  }
  return experiment("Each method by itself", base, variants)


def _timed(
  name: str, base: ConfigDict, fields: Mapping[str, Any]
) -> ConfigDict:
  """Returns a base with some fields, trained as long as the others."""
  config = changed(base, fields)
  if draws_faces(config):
    config.steps = round(_BUDGET / _SECONDS[name] / 100) * 100
  return config


EXPERIMENTS = {"distillation": distillation, "methods": methods}
