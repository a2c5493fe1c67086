"""Metrics that tell how good a translator is: one file each, and METRICS.

Every table, of an evaluation and of an experiment, has a row or a table for
each entry, in this order.
"""

from akd_jax.evaluation.metrics.accuracy import ACCURACY
from akd_jax.evaluation.metrics.agreement import AGREEMENT
from akd_jax.evaluation.metrics.checkerboard import CHECKERBOARD
from akd_jax.evaluation.metrics.cost import (
  LATENCY,
  MULTIPLY_ACCUMULATES,
  PARAMETERS,
)
from akd_jax.evaluation.metrics.counterfactual import (
  ERROR_INSIDE,
  ERROR_OUTSIDE,
)
from akd_jax.evaluation.metrics.distances import (
  FD_CLASSIFIER,
  FID,
  KD_CLASSIFIER,
  KID,
)
from akd_jax.evaluation.metrics.face import FACE_DISTANCE, FACE_KEPT
from akd_jax.evaluation.metrics.gender import (
  MEN_TAKEN_FOR_WOMEN,
  WOMEN_TAKEN_FOR_MEN,
)
from akd_jax.evaluation.metrics.identity import IDENTITY
from akd_jax.evaluation.metrics.leakage import LEAKAGE, SELF_TRANSLATION
from akd_jax.evaluation.metrics.localization import (
  ATTENTION_INSIDE,
  ATTENTION_IOU,
  ATTENTION_MAXIMUM,
  CHANGE_INSIDE,
  MASK_INSIDE,
  MASK_IOU,
  MASK_MAXIMUM,
)
from akd_jax.evaluation.metrics.metric import Metric

METRICS: dict[str, Metric] = {
  "accuracy": ACCURACY,
  "leakage": LEAKAGE,
  "self_translation": SELF_TRANSLATION,
  "error_inside": ERROR_INSIDE,
  "error_outside": ERROR_OUTSIDE,
  "identity": IDENTITY,
  "face_distance": FACE_DISTANCE,
  "face_kept": FACE_KEPT,
  "change_inside": CHANGE_INSIDE,
  "attention_inside": ATTENTION_INSIDE,
  "attention_maximum": ATTENTION_MAXIMUM,
  "attention_iou": ATTENTION_IOU,
  "mask_inside": MASK_INSIDE,
  "mask_maximum": MASK_MAXIMUM,
  "mask_iou": MASK_IOU,
  "agreement": AGREEMENT,
  "checkerboard": CHECKERBOARD,
  "fid": FID,
  "kid": KID,
  "fd_classifier": FD_CLASSIFIER,
  "kd_classifier": KD_CLASSIFIER,
  "women_taken_for_men": WOMEN_TAKEN_FOR_MEN,
  "men_taken_for_women": MEN_TAKEN_FOR_WOMEN,
  "parameters": PARAMETERS,
  "multiply_accumulates": MULTIPLY_ACCUMULATES,
  "latency": LATENCY,
}
