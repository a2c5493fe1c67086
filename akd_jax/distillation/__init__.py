"""What a student learns from its teacher.

A new method is one file that ends in a `Method`, one entry in METHODS and one
section of config.distill.
"""

from akd_jax.distillation.akd import AKD
from akd_jax.distillation.attention import MAPS
from akd_jax.distillation.method import Method
from akd_jax.distillation.output import OUTPUT

__all__ = ["MAPS", "METHODS"]

# By the name of its section in config.distill.
METHODS: dict[str, Method] = {"akd": AKD, "output": OUTPUT}
