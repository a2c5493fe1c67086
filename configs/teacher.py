"""StarGAN teacher: the generator and discriminator that a student learns from.

python -m akd_jax.main --config=configs/teacher.py[:avatars|celeba|rafd|debug]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      94 min     mean accuracy 94.3 % (docs/results.md)
celeba   not run here               paper 1, Table 1: 65.1 %
rafd     not run here               paper 1, Table 4: 98.2 % of 4 expressions
debug    2 CPU cores     seconds    nothing: every part runs

This file explains every field, but for config.distill (configs/distill.py), and
sets it as the papers do on CelebA. ARG sets some of them otherwise: see
configs/scales.py and configs/data.py.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import distill
from akd_jax.configs.data import CELEBA_ALSO, CELEBA_ATTRIBUTES
from akd_jax.configs.scales import SCALES, Deltas, at_scale

# For a laptop, and of no use at all, as configs/scales.py says.
LAPTOP: dict[str, Any] = {
  "generator.width": 16,
  "discriminator.width": 32,
  "discriminator.layers": 5,
}
DEBUG: dict[str, Any] = {
  "generator.width": 4,
  "generator.blocks": 2,
  "discriminator.width": 4,
  "discriminator.layers": 4,
}
_AVATARS: dict[str, Any] = {
  "n_critic": 2,
  "optimizer.learning_rate": 4e-4,
  # Beside these weights the adversarial loss counts 3.3 times as much as in the
  # papers. Pictures are clearer, and what the class loss asks for looks like
  # the attribute (docs/results.md).
  "loss.lambda_cls": 0.3,
  "loss.lambda_rec": 3.0,
}
_AT_SCALE: Deltas = {
  "avatars": _AVATARS | LAPTOP,
  "debug": _AVATARS | DEBUG,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a StarGAN at one of the scales."""
  return at_scale(at_scale(papers(), scale, SCALES), scale, _AT_SCALE)


def papers() -> ConfigDict:
  """Returns the papers' recipe on CelebA."""
  config = ConfigDict()

  # The published system: which networks there are, and what each lowers.
  config.system = "stargan"
  # All randomness is a function of this seed and the step.
  config.seed = 0
  # Updates of the generator. StarGAN counts n_critic times as many iterations.
  config.steps = 40_000
  # Images in a micro-batch, over all devices of all processes.
  config.batch_size = 16
  # Updates of the discriminator before each update of the generator.
  config.n_critic = 5
  # Type of the arithmetic: float32 or bfloat16. Parameters are float32 always.
  config.dtype = "float32"

  config.data = _data()
  config.generator = ConfigDict()
  # Channels of the generator's first layer.
  config.generator.width = 64
  # Residual blocks of the generator.
  config.generator.blocks = 6
  # What its last layer gives: "image", the picture (StarGAN's), or "blend",
  # colours and a mask of what is copied from the source (GANimation's).
  config.generator.output = "image"
  config.discriminator = ConfigDict()
  # Channels of the discriminator's first layer.
  config.discriminator.width = 64
  # Strided convolutions of the discriminator: each halves the picture.
  config.discriminator.layers = 6

  # What the generator is trained against. "scratch": a discriminator of its
  # own; "teacher": the same, but it starts as the teacher's; "frozen": the
  # teacher's, as it is; "none": no discriminator, only what it is taught, and
  # the reconstruction. The last two take half of the time; n_critic is 1.
  config.adversary = "scratch"
  # Steps from one to the next in which that discriminator learns, too: at 4 a
  # step takes little more than with a frozen one.
  config.adversary_every = 1

  config.loss = _loss()
  config.distill = distill.sections()
  config.optimizer = _optimizer()
  config.attention = _attention()
  # The teacher: a run's directory, or a file that was exported with
  # --format=run. "" is for a run without a teacher.
  config.teacher = ""

  # Steps between two lines of metrics.
  config.log_every = 100
  # Steps between two pictures of samples.
  config.sample_every = 2_000
  # Steps between two checkpoints.
  config.checkpoint_every = 1_000
  # How many of the last checkpoints are kept.
  config.keep = 2
  # The checkpoint with the highest score is kept, too: --step=best of evaluate
  # and export. "held_out/score", "held_out/accuracy", or "" to keep none.
  config.best_metric = "held_out/score"
  config.held_out = _held_out()

  config.classifier = _classifier()
  config.evaluation = _evaluation()
  return config


def _data() -> ConfigDict:
  """Returns what the pictures and their labels are."""
  data = ConfigDict()
  # The data set: avatars, celeba, folder (a subfolder for each class) or table
  # (images and a CSV of attributes).
  data.name = "celeba"
  # Folder of the data set. "" is the user's cache for avatars, and TensorFlow
  # Datasets' copy of CelebA.
  data.path = ""
  # Side of the square pictures that the networks see.
  data.image_size = 128
  # Attributes that are translated. () is all that the data set has labels of.
  data.attributes = CELEBA_ATTRIBUTES
  # "multilabel": a picture has any number of them; "exclusive": exactly one.
  data.label_rule = "multilabel"
  # Side of the square that is cut out of a photo's centre before it is resized.
  # 0 is the largest square there is.
  data.crop = 178
  # Whether an unreadable photo is counted and replaced by the next one, instead
  # of being an error.
  data.skip_unreadable = False
  # CelebA only. Which photos are for training and testing: the "official"
  # partition, or that of the released code, "stargan".
  data.split_rule = "official"
  # Folder and table only. Share of the people, or images, that are for testing.
  data.test_share = 0.1
  # Table only. Name of the CSV; "" is the only one in the folder.
  data.csv = ""
  # Avatars only. Seed of the faces.
  data.seed = 0
  # Avatars only. How many faces each split has.
  data.sizes = ConfigDict({"train": 10_000, "validation": 1_000, "test": 4_096})
  # Avatars only. Probability of attributes, where it is not the usual one:
  # {"Eyeglasses": 0.3}.
  data.distribution = ConfigDict()
  # Avatars only. Probability of attributes, given another one:
  # {"Bald": {"Male": 0.996}}.
  data.conditional = ConfigDict()
  # Threads that read pictures ahead of training.
  data.threads = 4
  return data


def _loss() -> ConfigDict:
  """Returns the weights of the loss terms beside the adversarial one."""
  loss = ConfigDict()
  # Weight of the class loss, of both networks.
  loss.lambda_cls = 1.0
  # The class loss is taken of adversarial examples at this l2 distance, over
  # all pixels and channels in [-1, 1], which is reached after a quarter of the
  # steps. So it is satisfied only by what can be seen: 2 at 48 pixels is 3 of
  # 255 grey levels for each value. Not the papers', who have 0: no adversarial
  # examples.
  loss.cls_radius = 0.0
  # Weight of the reconstruction: from x to the target, and back to x.
  loss.lambda_rec = 10.0
  # Weight of the discriminator's gradient penalty.
  loss.lambda_gp = 10.0
  # Weight of the size of a blend's mask (generator.output), which else may copy
  # everything; GANimation's.
  loss.lambda_mask = 0.1
  return loss


def _optimizer() -> ConfigDict:
  """Returns how both networks are updated: by Adam."""
  optimizer = ConfigDict()
  # Step size.
  optimizer.learning_rate = 1e-4
  # Decay of the running mean of gradients.
  optimizer.beta1 = 0.5
  # Decay of the running mean of their squares.
  optimizer.beta2 = 0.999
  # How the step size changes. "constant"; "linear": constant, then linear to 0
  # over the second half; "released": as in StarGAN's code, which lowers it to
  # 0.999 of what it was.
  optimizer.schedule = "linear"
  # Decay of a running average of the generator, which is then evaluated and
  # exported. 0 keeps no average.
  optimizer.ema = 0.0
  return optimizer


def _attention() -> ConfigDict:
  """Returns how attention maps are taken and compared (docs/method.md)."""
  attention = ConfigDict()
  # What a map is made of. "grad_cam", the papers': each channel counts by the
  # mean of its gradient; "hires_cam": each pixel counts by its own gradient.
  attention.method = "grad_cam"
  # Residual block of the generator: its index, "last" or "second_last".
  attention.block = "last"
  # Place in the block. "block": after the residual sum; "branch": before it.
  attention.hook = "block"
  # Discriminator whose logits are explained. "teacher": the teacher's, for both
  # generators; "own": the one that each generator was trained with.
  attention.discriminator = "teacher"
  # Logits that are explained. "sum": of all active classes, in one map;
  # "sampled": one active class; "each": every active class, in a map each.
  attention.target = "sum"
  # How maps are scaled before they are compared. "none"; "max": by their
  # maximum; "l2": by their norm.
  attention.normalize = "none"
  # Distance of two maps: "l1_mean" over pixels, "l1_sum" or "l2".
  attention.norm = "l1_mean"
  # Whether L_akd is differentiated through the gradient in the map, too.
  attention.second_order = True
  return attention


def _held_out() -> ConfigDict:
  """Returns how a checkpoint is scored, on validation images."""
  held_out = ConfigDict()
  # How many validation images are translated to each attribute, spread evenly
  # over the split; 0 is no score. It needs the attribute classifier, which is
  # trained first where there is none.
  held_out.images = 32
  return held_out


def _classifier() -> ConfigDict:
  """Returns what the attribute classifier is, by which accuracy is measured.

  It learns from the real training split.
  """
  classifier = ConfigDict()
  # Architecture, as torchvision's: resnet18 or resnet50.
  classifier.name = "resnet50"
  # Channels of its first stage.
  classifier.width = 64
  # torchvision's file of ImageNet weights to start from. "" starts afresh.
  classifier.weights = ""
  # Attributes that it knows besides those that are translated. Names that the
  # data set does not have are left out.
  classifier.also = CELEBA_ALSO
  # Fields of config.data that are set otherwise for the classifier. It learns
  # the bias of biased faces, and then is wrong about whoever goes against it.
  classifier.data = ConfigDict()
  # Passes over the training split.
  classifier.epochs = 3
  # Images in a batch.
  classifier.batch_size = 64
  # AdamW's step size at the start; a cosine takes it to 0 at the end.
  classifier.learning_rate = 2e-3
  # AdamW's weight decay.
  classifier.weight_decay = 1e-4
  # Seed of its first weights, of the order of images and of their flips.
  classifier.seed = 0
  return classifier


def _evaluation() -> ConfigDict:
  """Returns how a trained run is measured."""
  evaluation = ConfigDict()
  # Which test images are translated to an attribute: those "lacking" it, or
  # "all"; "flip" takes all, and takes the attribute away where it is.
  evaluation.protocol = "lacking"
  # How many test images are translated, spread evenly over the split; 0 is all.
  evaluation.images = 0
  # How many of them are probe images, for each attribute. Their attention maps
  # and, of drawn faces, their true translations are measured, too.
  evaluation.probe_images = 256
  # File with the weights of FID's InceptionV3, as pytorch-fid has them. Without
  # one ("") there is no FID, but fd_classifier: the same distance of the
  # attribute classifier's features.
  evaluation.inception = ""
  return evaluation
