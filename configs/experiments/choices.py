"""What the papers leave open, decided by measurement (docs/method.md)."""

from typing import Any

from akd_jax.configs.experiments.arms import (
  WITH,
  WITHOUT,
  Experiment,
  experiment,
  small_half_width,
)


def target(scale: str) -> Experiment:
  """Which logits the map is taken from."""
  others = ("sampled", "each")
  return _choice("Target of the map", scale, "attention.target", others)


def normalize(scale: str) -> Experiment:
  """How maps are scaled before they are compared."""
  return _choice("Normalisation", scale, "attention.normalize", ("max", "l2"))


def discriminator(scale: str) -> Experiment:
  """Whose logits the student's map is taken from."""
  return _choice("Discriminator", scale, "attention.discriminator", ("own",))


def hook(scale: str) -> Experiment:
  """Where in the block the activation is taken."""
  return _choice("Hook", scale, "attention.hook", ("branch",))


def weight(scale: str) -> Experiment:
  """How much L_akd counts; 10 is the papers'."""
  return _choice("Weight", scale, "distill.akd.weight", (1.0, 100.0, 1000.0))


def _choice(
  title: str, scale: str, field: str, others: tuple[Any, ...]
) -> Experiment:
  """The papers' setting and others, beside no distillation."""
  arms = {"without": WITHOUT, "with": WITH}
  arms |= {f"{x:g}" if isinstance(x, float) else x: {field: x} for x in others}
  return experiment(f"{title} ({field})", small_half_width(scale), arms)


EXPERIMENTS = {
  "target": target,
  "normalize": normalize,
  "discriminator": discriminator,
  "hook": hook,
  "weight": weight,
}
