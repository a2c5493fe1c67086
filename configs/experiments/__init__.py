"""Experiments: `python -m akd_jax.experiment --name=NAME[:ARG]`."""

from akd_jax.configs.experiments import (
  beyond,
  choices,
  distillation,
  paper1,
  paper2,
  systems,
)

# {name: a function of the scale (avatars, photos, celeba, rafd, debug)}.
EXPERIMENTS = (
  paper1.EXPERIMENTS
  | paper2.EXPERIMENTS
  | choices.EXPERIMENTS
  | beyond.EXPERIMENTS
  | distillation.EXPERIMENTS
  | systems.EXPERIMENTS
)
