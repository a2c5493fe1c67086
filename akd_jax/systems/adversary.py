"""What a generator is trained against, by config.adversary.

"scratch", a discriminator of its own; "teacher", the same, but it starts as the
teacher's; "frozen", the teacher's, as it is; "none", no discriminator.
"""

from ml_collections import ConfigDict


def scores(config: ConfigDict) -> bool:
  """Returns whether a discriminator scores what the generator draws."""
  return config.adversary in ("scratch", "teacher", "frozen")


def learns(config: ConfigDict) -> bool:
  """Returns whether a step updates the discriminator, too."""
  return config.adversary in ("scratch", "teacher")


def is_teachers(config: ConfigDict) -> bool:
  """Returns whether the discriminator is the teacher's, or starts as it."""
  return config.adversary in ("teacher", "frozen")
