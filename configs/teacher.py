"""StarGAN teacher: the generator and discriminator that a student learns from.

python -m akd_jax.main --config=configs/teacher.py[:avatars|celeba|rafd|debug]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  1 CPU core      94 min     mean accuracy 94.3 % (docs/results.md)
celeba   not run here               paper 1, Table 1: 65.1 %
rafd     not run here               paper 1, Table 4: 98.2 % of 4 expressions
debug    2 CPU cores     seconds    nothing: every part runs
"""

from ml_collections import ConfigDict

CELEBA_ATTRIBUTES = (
    "Blond_Hair", "Mustache", "Goatee", "Eyeglasses", "Rosy_Cheeks",
    "Pale_Skin", "Heavy_Makeup",
)  # fmt: skip
AVATAR_ATTRIBUTES = (
    "Black_Hair", "Blond_Hair", "Gray_Hair", "Eyeglasses", "Goatee",
    "Pale_Skin", "Smiling",
)  # fmt: skip
# Each often enough, and on anyone, to be learnt in minutes: a goatee that one
# face in eight has, and no woman's, comes out faint. Nobody is bald or hides
# his hair, since three of the attributes are its colours.
AVATAR_SHARES = {
  "Black_Hair": 0.25, "Blond_Hair": 0.25, "Gray_Hair": 0.25, "Bald": 0.0,
  "Wearing_Hat": 0.0, "Eyeglasses": 0.5, "Goatee": 0.4, "No_Beard": 0.5,
  "Pale_Skin": 0.4, "Smiling": 0.5,
}  # fmt: skip
AVATAR_CONDITIONS = {"Male": {"No_Beard": 0.5}}
# What else a judge is to know, since it may change along.
CELEBA_JUDGED = (
    "Male", "Young", "Smiling", "Bald", "Wearing_Lipstick", "Black_Hair",
    "Brown_Hair", "Gray_Hair",
)  # fmt: skip
AVATAR_JUDGED = (
    "Male", "Young", "Brown_Hair", "Wavy_Hair", "Bangs", "Mustache",
    "No_Beard", "Rosy_Cheeks", "Wearing_Lipstick", "Arched_Eyebrows",
)  # fmt: skip
EXPRESSIONS = (
    "angry", "contemptuous", "disgusted", "fearful", "happy", "neutral",
    "sad", "surprised",
)  # fmt: skip


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the recipe at one of four scales (see the module docstring)."""
  config = ConfigDict()

  # Everything random is a function of the seed and the step.
  config.seed = 0
  # Generator updates; StarGAN counts n_critic times as many iterations.
  config.steps = 40_000
  # Images in a micro-batch, over all devices of all processes.
  config.batch_size = 16
  # Discriminator updates before each update of the generator.
  config.n_critic = 5
  # Type of the computation, float32 or bfloat16; parameters stay float32.
  config.dtype = "float32"

  config.data = _data()
  config.generator = ConfigDict()
  # Channels of the generator's first layer.
  config.generator.width = 64
  # Its residual blocks.
  config.generator.blocks = 6
  config.discriminator = ConfigDict()
  # Channels of the discriminator's first layer.
  config.discriminator.width = 64
  # Its strided convolutions: each halves the picture.
  config.discriminator.layers = 6

  config.loss = ConfigDict()
  # Weight of the class loss, of both networks.
  config.loss.lambda_cls = 1.0
  # l2 distance, over all pixels and channels in [-1, 1], of the adversarial
  # examples of which the class loss is taken; 2 at 48 pixels is 3 of 255 grey
  # levels each, reached after a quarter of the steps. What satisfies a class
  # logit has to be seen then. Not the papers'; 0 takes the class loss at the
  # picture.
  config.loss.cls_radius = 0.0
  # Weight of the reconstruction x -> G(x, c) -> G(., original).
  config.loss.lambda_rec = 10.0
  # Weight of the gradient penalty.
  config.loss.lambda_gp = 10.0
  # Weight of the attention distillation.
  config.loss.lambda_akd = 0.0
  # Weight of the distance to the teacher's pictures (not the papers'). With
  # both 0, no teacher is looked at.
  config.loss.lambda_out = 0.0

  config.optimizer = ConfigDict()
  # Adam's step size, of both networks.
  config.optimizer.learning_rate = 1e-4
  # Adam's decay of the mean of gradients, and of their squares.
  config.optimizer.beta1 = 0.5
  config.optimizer.beta2 = 0.999
  # "linear": constant, then linear to 0 over the second half; "released":
  # as StarGAN's code, which ends at 0.999 of it; "constant".
  config.optimizer.schedule = "linear"
  # Decay of the running average of the generator that is evaluated and
  # exported; 0 keeps none and uses the last parameters.
  config.optimizer.ema = 0.0

  config.attention = _attention()
  # Directory of the teacher's run; "" for a run that is itself a teacher.
  config.teacher = ""

  # Steps between two lines of metrics, pictures, checkpoints.
  config.log_every = 100
  config.sample_every = 2_000
  config.checkpoint_every = 1_000
  # Checkpoints kept: the last `keep`, and the best by `best_metric`, lower
  # is better, averaged since the one before; "" keeps none for being best.
  config.keep = 2
  config.best_metric = "g_loss_rec"

  config.classifier = _classifier()
  config.evaluation = ConfigDict()
  # Which test images are translated to an attribute: those "lacking" it,
  # "all", or all with a "flip" of it.
  config.evaluation.protocol = "lacking"
  # How many test images are translated, spread evenly; 0 for all.
  config.evaluation.images = 0
  # How many of them, for each attribute, are probe images, whose attention
  # maps and (of drawn faces) true translations are measured, too.
  config.evaluation.probe_images = 256
  # Weights of FID's InceptionV3, pytorch-fid's file; "" measures no FID but
  # fd_classifier, the distance of the classifier's features.
  config.evaluation.inception = ""
  config.held_out = ConfigDict()
  # Validation images that a generator is scored on at every checkpoint
  # ("held_out/score", see akd_jax/evaluation/held_out.py); 0 for no score.
  config.held_out.images = 32

  if scale == "celeba":
    config.data.name = "celeba"
    config.data.attributes = CELEBA_ATTRIBUTES
    config.classifier.also = CELEBA_JUDGED
    config.classifier.name = "resnet50"
    config.classifier.width = 64
  elif scale == "rafd":
    config.data.name = "folder"
    config.data.attributes = EXPRESSIONS
    config.data.label_rule = "exclusive"
    config.data.crop = 256
    config.classifier.name = "resnet50"
    config.classifier.width = 64
  elif scale in ("avatars", "debug"):
    config.data.image_size = 64
    config.data.distribution = ConfigDict(AVATAR_SHARES)
    config.data.conditional = ConfigDict(AVATAR_CONDITIONS)
    config.discriminator.layers = 5
    config.generator.width = 16
    config.discriminator.width = 32
    config.steps = 12_000
    config.batch_size = 8
    config.n_critic = 2
    # The critic counts 3.3 times as much beside the other terms: clearer, and
    # what its class logits ask for looks like it (docs/results.md).
    config.loss.lambda_cls = 0.3
    config.loss.lambda_rec = 3.0
    config.optimizer.learning_rate = 4e-4
    config.optimizer.ema = 0.999
    config.evaluation.images = 1_024
    config.evaluation.probe_images = 128
    config.classifier.also = AVATAR_JUDGED
    config.log_every = 20
    config.sample_every = 500
    config.checkpoint_every = 200
  else:
    raise ValueError(
      f"configs know the scales avatars, celeba, rafd, debug; not {scale!r}"
    )
  if scale == "debug":
    _shrink(config)
  return config


def _data() -> ConfigDict:
  data = ConfigDict()
  # avatars, celeba, folder (a subfolder a class) or table (images and a CSV).
  data.name = "avatars"
  # Where it lies; "" for the embedded set's cache, or for tfds's celeb_a.
  data.path = ""
  # Side of the square pictures that the networks see.
  data.image_size = 128
  # What is translated; the number of classes follows from it.
  data.attributes = AVATAR_ATTRIBUTES
  # "multilabel": any number of them at once; "exclusive": exactly one.
  data.label_rule = "multilabel"
  # Side of the centre crop before resizing; 0 takes the largest square.
  data.crop = 178
  # Replace unreadable images by the next one, and count them, or stop.
  data.skip_unreadable = False
  # celeba: "official" partition, or "stargan", the released code's.
  data.split_rule = "official"
  # folder and table: share of people or images that is tested on.
  data.test_share = 0.1
  # table: the CSV's name; "" for the only one in the folder.
  data.csv = ""
  # avatars: how many are drawn, and from which seed.
  data.seed = 0
  data.sizes = ConfigDict({"train": 10_000, "validation": 1_000, "test": 4_096})
  # avatars: probability of an attribute, {"Eyeglasses": 0.3}, and of one
  # given another, {"Bald": {"Male": 0.996}}, where not the default.
  data.distribution = ConfigDict()
  data.conditional = ConfigDict()
  # Threads that read ahead.
  data.threads = 4
  return data


def _attention() -> ConfigDict:
  """How attention maps are taken and compared (docs/method.md)."""
  attention = ConfigDict()
  # What a map is made of: "grad_cam", the papers', whose weights are means of
  # the gradient over pixels, or "hires_cam", the gradient of each pixel.
  attention.method = "grad_cam"
  # Residual block: an index, "last" or "second_last".
  attention.block = "last"
  # "block": output after the residual sum; "branch": before it.
  attention.hook = "block"
  # Whose logit: "teacher" scores both generators, "own" each its own.
  attention.discriminator = "teacher"
  # "sum" of the active target logits, one map; "sampled", one active class;
  # "each", one map for every active class.
  attention.target = "sum"
  # "none", or each map divided by its "max" or its "l2" norm.
  attention.normalize = "none"
  # "l1_mean" over pixels, "l1_sum" or "l2".
  attention.norm = "l1_mean"
  # Differentiate through alpha, too.
  attention.second_order = True
  return attention


def _classifier() -> ConfigDict:
  """The judge of accuracy, trained on the real training split."""
  classifier = ConfigDict()
  # resnet18 or resnet50, as torchvision's.
  classifier.name = "resnet18"
  # Channels of its first stage.
  classifier.width = 16
  # A torchvision file of ImageNet weights to start from; "" starts afresh.
  classifier.weights = ""
  # Attributes that it knows besides those that are translated, where the data
  # has them.
  classifier.also = ()
  # Fields of `data` that have other values for it: from biased faces it learns
  # the bias, and is no judge of who goes against it.
  classifier.data = ConfigDict()
  # Passes over the training split, and images in a batch.
  classifier.epochs = 3
  classifier.batch_size = 64
  # AdamW's step size at the start (a cosine ends it at 0) and weight decay.
  classifier.learning_rate = 2e-3
  classifier.weight_decay = 1e-4
  # Of its first weights, of order and flips.
  classifier.seed = 0
  return classifier


def _shrink(config: ConfigDict) -> None:
  """Seconds instead of minutes: every part runs, nothing is learnt."""
  config.steps = 4
  config.batch_size = 4
  config.n_critic = 2
  config.data.image_size = 32
  config.data.sizes = ConfigDict({"train": 64, "validation": 16, "test": 32})
  config.generator.width = 4
  config.generator.blocks = 2
  config.discriminator.width = 4
  config.discriminator.layers = 4
  config.classifier.width = 4
  config.classifier.epochs = 1
  config.classifier.batch_size = 16
  config.log_every = 1
  config.sample_every = 2
  config.checkpoint_every = 2
