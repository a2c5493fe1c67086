"""What a teacher teaches: one section for each method, all of weight 0.

akd_jax/distillation/ has a file of each method: its source, and its equation.
docs/findings/distillation.md says what has been measured of them.
"""

from ml_collections import ConfigDict

from akd_jax.configs.ranges import Field, Section, defaults, weight


def sections() -> ConfigDict:
  """Returns what a teacher teaches: one section for each method.

  A teacher is loaded only if a weight is above 0.
  """
  return defaults(fields())


def fields() -> Section:
  """Returns every field of these sections, with its range."""
  distill = Section()
  distill.akd = Section()
  # Weight of the distance between both networks' attention maps, the papers'.
  distill.akd.weight = Field(0.0, weight())
  distill.output = Section()
  # Weight of the distance between both networks' pictures.
  distill.output.weight = Field(0.0, weight())
  distill.change = Section()
  # Weight of that distance, counted where the teacher changes the photo.
  distill.change.weight = Field(0.0, weight())
  # How much more a pixel counts that changes as much as pixels do on average.
  distill.change.factor = Field(4.0, weight())
  distill.wavelet = Section()
  # Weight of the distance of the pictures' high frequencies.
  distill.wavelet.weight = Field(0.0, weight())
  distill.features = Section()
  # Weight of the distance of all blocks, through learnt 1x1 convolutions.
  distill.features.weight = Field(0.0, weight())
  distill.alignment = Section()
  # Weight of what the blocks lack in kernel alignment.
  distill.alignment.weight = Field(0.0, weight())
  distill.attention_transfer = Section()
  # Weight of the distance of the blocks' sizes, pixel by pixel.
  distill.attention_transfer.weight = Field(0.0, weight())
  distill.co_attention = Section()
  # Weight of that distance, where the teacher's discriminator has a say, too.
  distill.co_attention.weight = Field(0.0, weight())
  distill.omgd = Section()
  # Weight of the four terms of online distillation,
  distill.omgd.weight = Field(0.0, weight())
  # and of each beside the others: the pictures' distance,
  distill.omgd.l1 = Field(10.0, weight())
  # their dissimilarity (1 - SSIM),
  distill.omgd.ssim = Field(10.0, weight())
  # the student's total variation,
  distill.omgd.tv = Field(1e-5, weight())
  # and the distance of the channels' means.
  distill.omgd.channels = Field(50.0, weight())
  distill.class_score = Section()
  # Weight of the class loss by the teacher's discriminator.
  distill.class_score.weight = Field(0.0, weight())
  distill.discriminator_features = Section()
  # Weight of the distance of both pictures' features in that discriminator.
  distill.discriminator_features.weight = Field(0.0, weight())
  distill.dgl = Section()
  # Weight of that discriminator as a second adversary.
  distill.dgl.weight = Field(0.0, weight())
  distill.dcd = Section()
  # Weight of the distance of the blocks' features in that discriminator.
  distill.dcd.weight = Field(0.0, weight())
  return distill
