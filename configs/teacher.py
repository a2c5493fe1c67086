"""StarGAN teacher: the generator and discriminator that a student learns from.

python -m akd_jax.main --config=configs/teacher.py[:ARG]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      94 min     accuracy 93.9 %
                                    (docs/findings/quickstart.md)
photos   2 CPU cores     54 min     14,921 photos of CelebA: accuracy 85.4 % by
                                    a classifier that is right on 91.5 %; 87 %
                                    keep their face (docs/findings/photos.md)
celeba   not run here               paper 1, Table 1: 65.1 %
rafd     not run here               paper 1, Table 4: 98.2 % of 4 expressions
debug    2 CPU cores     a minute   nothing: every part runs

This file explains every field, but for those of configs/distill.py and
measures.py, and sets it as the papers do on CelebA, beside what else it may be.
ARG sets some of them otherwise: see configs/scales.py and configs/data.py.
"""

from typing import Any

from ml_collections import ConfigDict

from akd_jax.configs import distill, measures
from akd_jax.configs.data import CELEBA_ATTRIBUTES
from akd_jax.configs.ranges import (
  LAST_SEED,
  MOST,
  Field,
  Section,
  defaults,
  flag,
  mapping,
  names,
  number,
  one_of,
  part,
  path,
  weight,
  whole,
  word,
)
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
  # the attribute (docs/findings/adversarial.md).
  "loss.lambda_cls": 0.3,
  "loss.lambda_rec": 3.0,
}
_PHOTOS: dict[str, Any] = {
  # Class losses that only what can be seen satisfies: of photos, too, a teacher
  # is accurate after fewer updates.
  "loss.cls_radius": 2.0,
  # What is not to change is copied, so that people stay themselves. A heavier
  # reconstruction, or a lighter class loss, and everything is copied.
  "generator.output": "blend",
  "loss.lambda_cls": 1.0,
  "loss.lambda_rec": 1.0,
  # A blend of transposed convolutions has their checkerboards in its mask.
  "generator.upsample": "resize",
  "steps": 8_000,
}
_AT_SCALE: Deltas = {
  "avatars": _AVATARS | LAPTOP,
  "photos": _AVATARS | LAPTOP | _PHOTOS,
  "debug": _AVATARS | DEBUG,
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe of a StarGAN at one of the scales."""
  return at_scale(at_scale(papers(), scale, SCALES), scale, _AT_SCALE)


def papers() -> ConfigDict:
  """Returns the papers' recipe on CelebA."""
  return defaults(fields())


def fields() -> Section:
  """Returns every field of the papers' recipe, and its range."""
  config = Section()

  # The published system: which networks there are, and what each lowers.
  config.system = Field("stargan", word())
  # All randomness is a function of this seed and the step.
  config.seed = Field(0, whole(0, LAST_SEED))
  # Steps of the training. StarGAN counts n_critic times as many iterations.
  config.steps = Field(40_000, whole(1, MOST))
  # Images in a micro-batch, over all devices of all processes.
  config.batch_size = Field(16, whole(1, 65_536))
  # Updates of the discriminator before each update of the generator.
  config.n_critic = Field(5, whole(1, 64))
  # Type of the activations: float32 or bfloat16. Parameters are float32 always.
  config.dtype = Field("float32", one_of("float32", "bfloat16"))

  config.data = _data()
  config.generator = Section()
  # Channels of the generator's first layer.
  config.generator.width = Field(64, whole(1, 1_024))
  # Residual blocks of the generator.
  config.generator.blocks = Field(6, whole(1, 128))
  # What its last layer gives: "image", the picture (StarGAN's), or "blend",
  # colours and a mask of what is copied from the photo (GANimation's).
  config.generator.output = Field("image", one_of("image", "blend"))
  # How its decoder doubles pictures: "transposed" convolutions (StarGAN's), or
  # "resize", convolutions of doubled pixels, against checkerboards.
  config.generator.upsample = Field(
    "transposed", one_of("transposed", "resize")
  )
  # How many label sets there are: 1, or 2 of a network that is trained on
  # data.second, too, and is told by a mask vector which is meant.
  config.generator.label_sets = Field(1, whole(1, 2))
  config.discriminator = Section()
  # Channels of the discriminator's first layer.
  config.discriminator.width = Field(64, whole(1, 1_024))
  # Strided convolutions of the discriminator: each halves the picture.
  config.discriminator.layers = Field(6, whole(1, 11))

  # What the generator is trained against. "scratch": a discriminator of its
  # own; "teacher": the same, but it starts as the teacher's; "frozen": the
  # teacher's, as it is; "none": no discriminator, only what it is taught, and
  # the reconstruction. The last two take half of the time; n_critic is 1.
  config.adversary = Field(
    "scratch", one_of("scratch", "teacher", "frozen", "none")
  )
  # Steps from one to the next in which that discriminator learns, too: at 4 a
  # step takes little more than with a frozen one.
  config.adversary_every = Field(1, whole(1, MOST))

  config.loss = _loss()
  config.distill = distill.fields()
  config.optimizer = _optimizer()
  config.attention = _attention()
  # The teacher: a run's directory, or a file that was exported with
  # --format=run. "" is for a run without a teacher.
  config.teacher = Field("", path())

  # Steps between two lines of metrics.
  config.log_every = Field(100, whole(1, MOST))
  # Steps between two pictures of samples.
  config.sample_every = Field(2_000, whole(1, MOST))
  # Steps between two checkpoints.
  config.checkpoint_every = Field(1_000, whole(1, MOST))
  # How many of the last checkpoints are kept.
  config.keep = Field(2, whole(1, MOST))
  # The checkpoint with the highest score is kept, too: --step=best of evaluate
  # and export. "held_out/score", "held_out/accuracy", or "" to keep none.
  config.best_metric = Field(
    "held_out/score", one_of("held_out/score", "held_out/accuracy", "")
  )
  config.held_out = measures.held_out()

  config.classifier = measures.classifier(config.data)
  config.evaluation = measures.evaluation()
  return config


def _data() -> Section:
  """Returns what the pictures and their labels are."""
  data = Section()
  # The data set: avatars, celeba, folder (a subfolder for each class) or table
  # (images and a CSV of attributes); or photos: that of the last three which
  # lies in data.path.
  data.name = Field("celeba", word())
  # Folder of the data set. "" is the user's cache for avatars, and TensorFlow
  # Datasets' copy of CelebA.
  data.path = Field("", path(as_written=True))
  # Side of the square pictures that the networks see.
  data.image_size = Field(128, whole(2, 2_048))
  # Attributes that are translated. () is all that the data set has labels of.
  data.attributes = Field(CELEBA_ATTRIBUTES, names())
  # "multilabel": a picture has any number of them; "exclusive": exactly one.
  data.label_rule = Field("multilabel", one_of("multilabel", "exclusive"))
  # Side of the square that is cut out of a photo's centre before it is resized.
  # 0 is the largest square there is.
  data.crop = Field(178, whole(0, 65_536))
  # Whether an unreadable photo is counted and replaced by the next one, instead
  # of being an error.
  data.skip_unreadable = Field(False, flag())
  # CelebA only. Which photos are for training and testing: the "official"
  # partition, or that of the released code, "stargan".
  data.split_rule = Field("official", one_of("official", "stargan"))
  # Folder only. Which photos are for training and testing: a "share" of all, or
  # those in "folders" of their own, train, test and, perhaps, valid.
  data.split = Field("share", one_of("share", "folders"))
  # Folder and table only. Share of the people, or images, that are for testing.
  data.test_share = Field(0.1, number(0, 0.5, "(]"))
  # Table only. Name of the CSV; "" is the only one in the folder.
  data.csv = Field("", path(as_written=True))
  # Avatars only. Seed of the faces.
  data.seed = Field(0, whole(0, LAST_SEED))
  # Avatars only. How many faces each split has.
  data.sizes = Field(
    {"train": 10_000, "validation": 1_000, "test": 4_096},
    mapping(whole(1, MOST)),
  )
  # Avatars only. Probability of attributes, where it is not the usual one:
  # {"Eyeglasses": 0.3}.
  data.distribution = Field({}, mapping(number(0, 1)))
  # Avatars only. Probability of attributes, given another one:
  # {"Bald": {"Male": 0.996}}.
  data.conditional = Field({}, mapping(mapping(number(0, 1))))
  # Share of the steps in which pictures with a biased pair of labels are held
  # back: they are missing at first and return linearly. 0 holds back none.
  data.curriculum = Field(0.0, number(0, 1))
  # Of a biased pair: the attribute that the others must not go with.
  data.bias_attribute = Field("Male", word())
  # Threads that read pictures ahead of training.
  data.threads = Field(4, whole(1, 256))
  # A second label set, which is learnt at the same time (configs/both.py): the
  # fields in which it differs from these. {} is none.
  data.second = Field({}, part(data))
  return data


def _loss() -> Section:
  """Returns the weights of the loss terms beside the adversarial one."""
  loss = Section()
  # Weight of the class loss, of both networks.
  loss.lambda_cls = Field(1.0, weight())
  # The class loss is taken of adversarial examples at this l2 distance, over
  # all pixels and channels in [-1, 1], which is reached after a quarter of the
  # steps. So it is satisfied only by what can be seen: 2 at 48 pixels is 3 of
  # 255 grey levels for each value. Not the papers', who have 0: no adversarial
  # examples.
  loss.cls_radius = Field(0.0, number(0, 10_000))
  # Weight of the reconstruction: from x to the target, and back to x.
  loss.lambda_rec = Field(10.0, weight())
  # Weight of the discriminator's gradient penalty.
  loss.lambda_gp = Field(10.0, weight())
  # Weight of the size of a blend's mask (generator.output), which else may copy
  # everything; GANimation's.
  loss.lambda_mask = Field(0.1, weight())
  return loss


def _optimizer() -> Section:
  """Returns how both networks are updated: by Adam."""
  optimizer = Section()
  # Step size.
  optimizer.learning_rate = Field(1e-4, number(0, 1))
  # Decay of the running mean of gradients.
  optimizer.beta1 = Field(0.5, number(0, 1, "[)"))
  # Decay of the running mean of their squares.
  optimizer.beta2 = Field(0.999, number(0, 1, "[)"))
  # How much of each parameter is added to its gradient (an l2 penalty).
  optimizer.weight_decay = Field(0.0, number(0, 1_000))
  # How the step size changes: "constant"; over the second half "linear" to 0 or
  # a "tenth" of it; "released": StarGAN's code lowers it to 0.999 of it.
  optimizer.schedule = Field(
    "linear", one_of("linear", "released", "tenth", "constant")
  )
  # Decay of a running average of the generator, which is then evaluated and
  # exported. 0 keeps no average.
  optimizer.ema = Field(0.0, number(0, 1, "[)"))
  return optimizer


def _attention() -> Section:
  """Returns how attention maps are taken and compared (docs/method.md)."""
  attention = Section()
  # What a map is made of. "grad_cam", the papers': each channel counts by the
  # mean of its gradient; "hires_cam": each pixel counts by its own gradient.
  attention.method = Field("grad_cam", word())
  # Residual block of the generator: its index, "last" or "second_last".
  attention.block = Field("last", word())
  # Of a block, "block": after the residual sum; "branch": before it; or "conv":
  # its last convolution, by hires_cam alone. Or "decode": the decoder's layers.
  attention.hook = Field("block", word())
  # Discriminator whose logits are explained. "teacher": the teacher's, for both
  # generators; "own": the one that each generator was trained with.
  attention.discriminator = Field("teacher", one_of("teacher", "own"))
  # Logits that are explained. "sum": of all active classes, in one map;
  # "sampled": one active class; "each": every active class, in a map each.
  attention.target = Field("sum", one_of("sum", "sampled", "each"))
  # How maps are scaled before they are compared. "none"; "max": by their
  # maximum; "l2": by their norm.
  attention.normalize = Field("none", one_of("none", "max", "l2"))
  # Distance of two maps: "l1_mean" over pixels, "l1_sum" or "l2".
  attention.norm = Field("l1_mean", one_of("l1_mean", "l1_sum", "l2"))
  # Whether L_akd is differentiated through the gradient in the map, too.
  attention.second_order = Field(True, flag())
  return attention
