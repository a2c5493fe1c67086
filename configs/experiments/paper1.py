"""The tables of paper 1 (2021)."""

from akd_jax.configs import pseudo
from akd_jax.configs.experiments.variants import (
  ADVERSARIAL,
  BY_ADVERSARIAL,
  WITH,
  WITHOUT,
  Experiment,
  draws_faces,
  experiment,
  half_width,
  of_attributes,
  of_expressions,
  quarter_width,
)
from akd_jax.configs.scales import at_scale

OWN = {"attention.discriminator": "own"}
# Of avatars: each is frequent enough to be learnt, and baldness on anyone.
PSEUDO_SHARES = {
  "Black_Hair": 0.18, "Blond_Hair": 0.18, "Brown_Hair": 0.18, "Gray_Hair": 0.18,
  "Bald": 0.12, "Wearing_Hat": 0.12,
}  # fmt: skip
PSEUDO_CONDITIONS = {"Bald": {"Male": 0.5}}
# Paper 1, Table 4.
FOUR_EXPRESSIONS = ("disgusted", "fearful", "happy", "sad")


def table1(scale: str) -> Experiment:
  """Teaches the half-width student (paper 2, Table VI, is the same)."""
  return experiment(
    "Paper 1, Table 1: the half-width student",
    half_width(scale),
    {"without": WITHOUT, "with": WITH},
    "CelebA: 57.22 % without, 59.47 % with; FID 21.48 and 21.02; the teacher"
    " 65.08 %, 18.61.",
  )


def table2(scale: str) -> Experiment:
  """Teaches the quarter-width student of one block."""
  return experiment(
    "Paper 1, Table 2: the quarter-width student",
    quarter_width(scale),
    {"without": WITHOUT, "with": WITH},
    "CelebA: 52.24 % without, 55.04 % with; FID 42.42 and 42.51.",
  )


def table3(scale: str) -> Experiment:
  """Compares both readings of pseudo-attention (also paper 2, Table IX)."""
  base = half_width(scale)
  fields = pseudo.of_mapping(pseudo.PAPER1)
  if draws_faces(base):
    fields["data.distribution"] = PSEUDO_SHARES
    fields["data.conditional"] = PSEUDO_CONDITIONS
  if scale == "photos":
    fields |= pseudo.RARE
  return experiment(
    "Paper 1, Table 3: pseudo-attention" + BY_ADVERSARIAL.get(scale, ""),
    at_scale(of_attributes(base, fields), scale, ADVERSARIAL),
    {
      "without": WITHOUT | {"pseudo.reading": "paper2"} | OWN,
      "paper 1's reading": {"pseudo.reading": "paper1"},
      "paper 2's reading": {"pseudo.reading": "paper2"} | OWN,
    },
    "CelebA: 44.03 % without, 53.5 % with; FID 27.02 and 24.72.",
  )


def table4(scale: str) -> Experiment:
  """Teaches the quarter-width student four expressions, exclusive classes."""
  return experiment(
    "Paper 1, Table 4: four expressions",
    of_expressions(quarter_width(scale), FOUR_EXPRESSIONS),
    {"without": WITHOUT, "with": WITH},
    "RaFD: 90.68 % without, 91.79 % with.",
  )


EXPERIMENTS = {
  "paper1_table1": table1,
  "paper1_table2": table2,
  "paper1_table3": table3,
  "paper1_table4": table4,
}
