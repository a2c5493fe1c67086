"""What a student learns from its teacher.

A new method is one file that ends in a `Method`, one entry in METHODS and one
section of config.distill.
"""

from akd_jax.distillation.activation import ATTENTION_TRANSFER, CO_ATTENTION
from akd_jax.distillation.akd import AKD
from akd_jax.distillation.alignment import ALIGNMENT
from akd_jax.distillation.attention import MAPS as MAPS
from akd_jax.distillation.change import CHANGE
from akd_jax.distillation.dcd import DCD
from akd_jax.distillation.discriminator import (
  CLASS_SCORE,
  DGL,
  DISCRIMINATOR_FEATURES,
)
from akd_jax.distillation.features import FEATURES
from akd_jax.distillation.method import Method
from akd_jax.distillation.online import OMGD
from akd_jax.distillation.output import OUTPUT
from akd_jax.distillation.wavelet import WAVELET

# By the name of its section in config.distill.
METHODS: dict[str, Method] = {
  "akd": AKD,
  "output": OUTPUT,
  "change": CHANGE,
  "wavelet": WAVELET,
  "features": FEATURES,
  "alignment": ALIGNMENT,
  "attention_transfer": ATTENTION_TRANSFER,
  "co_attention": CO_ATTENTION,
  "omgd": OMGD,
  "class_score": CLASS_SCORE,
  "discriminator_features": DISCRIMINATOR_FEATURES,
  "dgl": DGL,
  "dcd": DCD,
}
