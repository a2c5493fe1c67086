"""The tables of paper 1 (2021)."""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import pseudo
from akd_jax.configs.experiments.arms import (
  ADVERSARIAL,
  BY_ADVERSARIAL,
  WITH,
  WITHOUT,
  Experiment,
  changed,
  experiment,
  half_width,
  of_expressions,
  quarter_width,
)

OWN = {"attention.discriminator": "own"}
# Of avatars: each often enough, as in configs/teacher.py, baldness on anyone.
PSEUDO_SHARES = {
  "Black_Hair": 0.18, "Blond_Hair": 0.18, "Brown_Hair": 0.18, "Gray_Hair": 0.18,
  "Bald": 0.12, "Wearing_Hat": 0.12,
}  # fmt: skip
PSEUDO_CONDITIONS = {"Bald": {"Male": 0.5}}
# Paper 1, Table 4.
FOUR_EXPRESSIONS = ("disgusted", "fearful", "happy", "sad")


def table1(scale: str) -> Experiment:
  """The half-width student (paper 2, Table VI, is the same)."""
  return experiment(
    "Paper 1, Table 1: the half-width student",
    half_width(scale),
    {"without": WITHOUT, "with": WITH},
    "CelebA: 57.22 % without, 59.47 % with; FID 21.48 and 21.02; the teacher"
    " 65.08 %, 18.61.",
  )


def table2(scale: str) -> Experiment:
  """The quarter-width student of one block."""
  return experiment(
    "Paper 1, Table 2: the quarter-width student",
    quarter_width(scale),
    {"without": WITHOUT, "with": WITH},
    "CelebA: 52.24 % without, 55.04 % with; FID 42.42 and 42.51.",
  )


def table3(scale: str) -> Experiment:
  """Pseudo-attention, in both readings (paper 2, Table IX, is the same)."""
  title = "Paper 1, Table 3: pseudo-attention"
  fields: dict[str, Any] = {
    "data.attributes": tuple(pseudo.PAPER1),
    "pseudo.mapping": ConfigDict(pseudo.PAPER1),
  }
  if scale in ("avatars", "debug"):
    fields |= {
      "data.distribution": ConfigDict(PSEUDO_SHARES),
      "data.conditional": ConfigDict(PSEUDO_CONDITIONS),
    }
  if scale == "avatars":
    title += BY_ADVERSARIAL
    fields |= ADVERSARIAL
  return experiment(
    title,
    changed(half_width(scale), fields),
    {
      "without": WITHOUT | {"pseudo.reading": "paper2"} | OWN,
      "paper 1's reading": {"pseudo.reading": "paper1"},
      "paper 2's reading": {"pseudo.reading": "paper2"} | OWN,
    },
    "CelebA: 44.03 % without, 53.5 % with; FID 27.02 and 24.72.",
  )


def table4(scale: str) -> Experiment:
  """Four expressions, exclusive classes, the quarter-width student."""
  return experiment(
    "Paper 1, Table 4: four expressions",
    changed(quarter_width(scale), of_expressions(scale, FOUR_EXPRESSIONS)),
    {"without": WITHOUT, "with": WITH},
    "RaFD: 90.68 % without, 91.79 % with.",
  )


EXPERIMENTS = {
  "paper1_table1": table1,
  "paper1_table2": table2,
  "paper1_table3": table3,
  "paper1_table4": table4,
}
