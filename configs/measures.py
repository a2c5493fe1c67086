"""How a run is measured: config.held_out, .classifier and .evaluation."""

from akd_jax.configs.data import CELEBA_ALSO
from akd_jax.configs.ranges import (
  LAST_SEED,
  MOST,
  Field,
  Section,
  mapping,
  names,
  number,
  one_of,
  part,
  path,
  whole,
)


def held_out() -> Section:
  """Returns how a checkpoint is scored, on validation images."""
  fields = Section()
  # How many validation images are translated to each attribute, spread evenly
  # over the split; 0 is no score. It needs the attribute classifier, which is
  # trained first where there is none.
  fields.images = Field(32, whole(0, MOST))
  return fields


def classifier(data: Section) -> Section:
  """Returns what the attribute classifier is, by which accuracy is measured.

  It learns from the real training split.

  Args:
    data: config.data's fields.
  """
  fields = Section()
  # Architecture, as torchvision's: resnet18 or resnet50.
  fields.name = Field("resnet50", one_of("resnet18", "resnet50"))
  # Channels of its first stage.
  fields.width = Field(64, whole(1, 1_024))
  # torchvision's file of ImageNet weights to start from. "" starts afresh.
  fields.weights = Field("", path())
  # Attributes that it knows besides those that are translated. Names that the
  # data set does not have are left out.
  fields.also = Field(CELEBA_ALSO, names())
  # Fields of config.data that are set otherwise for the classifier. It learns
  # the bias of biased faces, and then is wrong about whoever goes against it.
  fields.data = Field({}, part(data))
  # {"Male": ("Blond_Hair",)}: in the pictures Male goes with Blond_Hair, and
  # the classifier must not take one for the other. Pictures are weighed so that
  # each such pair is independent (akd_jax/evaluation/raking.py).
  fields.unbiased = Field({}, mapping(names()))
  # What is assumed of a picture before it is looked at: an attribute is as
  # frequent as in the "data"; or, "equal", it is there as often as not, and of
  # exclusive classes none is rarer than another (akd_jax/evaluation/prior.py).
  fields.prior = Field("data", one_of("data", "equal"))
  # Passes over the training split.
  fields.epochs = Field(3, whole(1, 10_000))
  # Images in a batch.
  fields.batch_size = Field(64, whole(1, 65_536))
  # AdamW's step size at the start; a cosine takes it to 0 at the end.
  fields.learning_rate = Field(2e-3, number(0, 1))
  # AdamW's weight decay.
  fields.weight_decay = Field(1e-4, number(0, 1_000))
  # Seed of its first weights, of the order of images and of their flips.
  fields.seed = Field(0, whole(0, LAST_SEED))
  return fields


def evaluation() -> Section:
  """Returns how a trained run is measured."""
  fields = Section()
  # Which test images are translated to an attribute: those "lacking" it, or
  # "all"; "flip" takes all, and takes the attribute away where it is.
  fields.protocol = Field("lacking", one_of("lacking", "all", "flip"))
  # How many test images are translated, spread evenly over the split; 0 is all.
  fields.images = Field(0, whole(0, MOST))
  # How many of them are probe images, for each attribute. Their attention maps
  # and, of drawn faces, their true translations are measured, too.
  fields.probe_images = Field(256, whole(1, MOST))
  # File with the weights of FID's InceptionV3, as pytorch-fid has them. Without
  # one ("") there is no FID, but fd_classifier: the same distance of the
  # attribute classifier's features.
  fields.inception = Field("", path())
  return fields
