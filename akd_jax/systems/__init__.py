"""Published systems: what each network is given and lowers.

A new system is one file that ends in a `System`, an entry in SYSTEMS, a recipe
with its line in RECIPES, and small sizes for its tests: docs/extending.md.
"""

from ml_collections import ConfigDict

from akd_jax.common.ranges import check_choice
from akd_jax.systems.acgan import ACGAN
from akd_jax.systems.attgan import ATTGAN
from akd_jax.systems.relgan import RELGAN
from akd_jax.systems.stargan import STARGAN
from akd_jax.systems.stargan2 import STARGAN2
from akd_jax.systems.stgan import STGAN
from akd_jax.systems.system import System

# By config.system.
SYSTEMS: dict[str, System] = {
  "stargan": STARGAN,
  "acgan": ACGAN,
  "attgan": ATTGAN,
  "stgan": STGAN,
  "relgan": RELGAN,
  "stargan2": STARGAN2,
}


def system_of(config: ConfigDict) -> System:
  """Returns the system that `config.system` names.

  Raises:
    UserError: there is none of that name.
  """
  check_choice("system", config.system, SYSTEMS)
  return SYSTEMS[config.system]
