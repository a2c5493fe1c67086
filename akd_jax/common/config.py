"""--config.FIELD=VALUE of the commands whose config is not a file's."""

from typing import Any

from absl import flags
from ml_collections import config_flags

from akd_jax.configs import student


def define() -> None:
  """Defines the flags: the fields of a student's config, and their types.

  Reads the command line, as ml_collections does, and raises what it raises.
  """
  config_flags.DEFINE_config_dict(
    "config", student.get_config("debug"), lock_config=True
  )


def given() -> dict[str, Any]:
  """{dotted name: value} of those on the command line."""
  return config_flags.get_override_values(flags.FLAGS["config"])
