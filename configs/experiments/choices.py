"""What the papers leave open, decided by measurement (docs/method.md)."""

from typing import Any

from akd_jax.configs.experiments.variants import (
  WITH,
  WITHOUT,
  Experiment,
  experiment,
  small_half_width,
)


def target(scale: str) -> Experiment:
  """Compares the logits that a map explains: of all classes, or of one."""
  others = ("sampled", "each")
  return _choice("Target of the map", scale, "attention.target", others)


def normalize(scale: str) -> Experiment:
  """Compares how maps are scaled before their distance is taken."""
  return _choice("Normalisation", scale, "attention.normalize", ("max", "l2"))


def discriminator(scale: str) -> Experiment:
  """Compares the discriminators whose logits the student's map explains."""
  return _choice("Discriminator", scale, "attention.discriminator", ("own",))


def hook(scale: str) -> Experiment:
  """Compares the places in a block where the activation is taken."""
  return _choice("Hook", scale, "attention.hook", ("branch",))


def weight(scale: str) -> Experiment:
  """Compares weights of L_akd; 10 is the papers'."""
  return _choice("Weight", scale, "distill.akd.weight", (1.0, 100.0, 1000.0))


def _choice(
  title: str, scale: str, field: str, others: tuple[Any, ...]
) -> Experiment:
  """Compares the papers' setting with others, and with no distillation."""
  variants = {"without": WITHOUT, "with": WITH}
  variants |= {
    f"{x:g}" if isinstance(x, float) else x: {field: x} for x in others
  }
  return experiment(f"{title} ({field})", small_half_width(scale), variants)


EXPERIMENTS = {
  "target": target,
  "normalize": normalize,
  "discriminator": discriminator,
  "hook": hook,
  "weight": weight,
}
