"""What a teacher teaches: one section for each method, all of weight 0.

akd_jax/distillation/ has a file of each method: its source, and its equation.
docs/findings/distillation.md says what has been measured of them.
"""

from ml_collections import ConfigDict


def sections() -> ConfigDict:
  """Returns what a teacher teaches: one section for each method.

  A teacher is loaded only if a weight is above 0.
  """
  distill = ConfigDict()
  distill.akd = ConfigDict()
  # Weight of the distance between both networks' attention maps, the papers'.
  distill.akd.weight = 0.0
  distill.output = ConfigDict()
  # Weight of the distance between both networks' pictures.
  distill.output.weight = 0.0
  distill.change = ConfigDict()
  # Weight of that distance, counted where the teacher changes the photo.
  distill.change.weight = 0.0
  # How much more a pixel counts that changes as much as pixels do on average.
  distill.change.factor = 4.0
  distill.wavelet = ConfigDict()
  # Weight of the distance of the pictures' high frequencies.
  distill.wavelet.weight = 0.0
  distill.features = ConfigDict()
  # Weight of the distance of all blocks, through learnt 1x1 convolutions.
  distill.features.weight = 0.0
  distill.alignment = ConfigDict()
  # Weight of what the blocks lack in kernel alignment.
  distill.alignment.weight = 0.0
  distill.attention_transfer = ConfigDict()
  # Weight of the distance of the blocks' sizes, pixel by pixel.
  distill.attention_transfer.weight = 0.0
  distill.co_attention = ConfigDict()
  # Weight of that distance, where the teacher's discriminator has a say, too.
  distill.co_attention.weight = 0.0
  distill.omgd = ConfigDict()
  # Weight of the four terms of online distillation,
  distill.omgd.weight = 0.0
  # and of each beside the others: the pictures' distance,
  distill.omgd.l1 = 10.0
  # their dissimilarity (1 - SSIM),
  distill.omgd.ssim = 10.0
  # the student's total variation,
  distill.omgd.tv = 1e-5
  # and the distance of the channels' means.
  distill.omgd.channels = 50.0
  distill.class_score = ConfigDict()
  # Weight of the class loss by the teacher's discriminator.
  distill.class_score.weight = 0.0
  distill.discriminator_features = ConfigDict()
  # Weight of the distance of both pictures' features in that discriminator.
  distill.discriminator_features.weight = 0.0
  distill.dgl = ConfigDict()
  # Weight of that discriminator as a second adversary.
  distill.dgl.weight = 0.0
  distill.dcd = ConfigDict()
  # Weight of the distance of the blocks' features in that discriminator.
  distill.dcd.weight = 0.0
  return distill
