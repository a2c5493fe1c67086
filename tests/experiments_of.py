"""Which experiments a scale has: photos do not have every label."""

from akd_jax.configs.experiments import EXPERIMENTS

# A recipe that pays was looked for on avatars and photos alone.
_OF_WHAT_PAYS = ("distillation", "sizes", "durations")
# CelebA knows no expressions, RaFD nothing else.
LACKING = {
  "celeba": (
    *_OF_WHAT_PAYS,
    "paper1_table4",
    "paper2_table10",
    "paper2_table11",
  ),
  "rafd": (
    *_OF_WHAT_PAYS,
    "paper1_table3",
    "paper2_table4",
    "paper2_table7",
    "paper2_table8",
    "paper2_table9",
    "curriculum",
  ),
}


def experiments_of(scale: str) -> list[str]:
  """Returns the names of those whose labels the faces of a scale have."""
  return [x for x in EXPERIMENTS if x not in LACKING.get(scale, ())]
