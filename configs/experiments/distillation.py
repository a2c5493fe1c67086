"""Which distillation pays: at equal training time, and method by method."""

from typing import Any

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
# printed them.
_SECONDS = {
  "untaught": 0.127,
  "attention": 0.191,
  "that pays": 0.076,
}
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

  On avatars each is trained as long, on two cores, and all that need a
  discriminator of their own update it once a step. The shipped teacher teaches
  every seed.
  """
  base = changed(student.by_attention(scale), {"n_critic": 1})
  variants = {
    "untaught": changed(base, WITHOUT),
    "attention": base,
    "that pays": student.get_config(scale),
  }
  if draws_faces(base):
    seconds = variants["that pays"].steps * _SECONDS["that pays"]
    for name, config in variants.items():
      config.steps = round(seconds / _SECONDS[name])
  return Experiment(
    "Which distillation pays, at equal training time", variants, ""
  )


def methods(scale: str) -> Experiment:
  """Compares every method, beside the teacher's frozen discriminator."""
  base = student.by_attention(scale)
  base = at_scale(changed(base, _FROZEN), scale, _OF_METHODS)
  variants: dict[str, dict[str, Any]] = {"none": {}}
  variants |= {
    name: {f"distill.{name}.weight": weight}
    for name, weight in _WEIGHTS.items()
  }
  return experiment("Each method by itself", base, variants)


EXPERIMENTS = {"distillation": distillation, "methods": methods}
