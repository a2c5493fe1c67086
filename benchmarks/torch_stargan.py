"""StarGAN in PyTorch, its cycle and attention distillation."""

import contextlib
import functools

import torch
import torch.nn.functional as F
from torch import nn
from torch_training import adam, gradient_penalty, once, update


class Residual(nn.Module):
  def __init__(self, width):
    super().__init__()
    self.main = nn.Sequential(
      nn.Conv2d(width, width, 3, padding=1, bias=False),
      nn.InstanceNorm2d(width, affine=True),
      nn.ReLU(inplace=True),
      nn.Conv2d(width, width, 3, padding=1, bias=False),
      nn.InstanceNorm2d(width, affine=True),
    )

  def forward(self, x):
    return x + self.main(x)


class Generator(nn.Module):
  """Under StarGAN's names, in two parts: up to the last block, and after."""

  def __init__(self, width, blocks, classes):
    super().__init__()

    def normed(convolution, features):
      norm = nn.InstanceNorm2d(features, affine=True)
      return [convolution, norm, nn.ReLU(inplace=True)]

    first = nn.Conv2d(3 + classes, width, 7, padding=3, bias=False)
    layers = normed(first, width)
    for w in (width, 2 * width):
      down = nn.Conv2d(w, 2 * w, 4, stride=2, padding=1, bias=False)
      layers += normed(down, 2 * w)
    layers += [Residual(4 * width) for _ in range(blocks)]
    self.end = len(layers)
    for w in (4 * width, 2 * width):
      up = nn.ConvTranspose2d(w, w // 2, 4, stride=2, padding=1, bias=False)
      layers += normed(up, w // 2)
    layers += [nn.Conv2d(width, 3, 7, padding=3, bias=False), nn.Tanh()]
    self.main = nn.Sequential(*layers)

  def encode(self, image, label):
    tiled = label[:, :, None, None].expand(-1, -1, *image.shape[2:])
    return self.main[: self.end](torch.cat([image, tiled], 1))

  def decode(self, activation):
    return self.main[self.end :](activation)

  def forward(self, image, label):
    return self.decode(self.encode(image, label))


class Discriminator(nn.Module):
  def __init__(self, width, layers, classes, size):
    super().__init__()
    main, inputs = [], 3
    for i in range(layers):
      main.append(nn.Conv2d(inputs, width * 2**i, 4, stride=2, padding=1))
      main.append(nn.LeakyReLU(0.01, inplace=True))
      inputs = width * 2**i
    self.main = nn.Sequential(*main)
    self.conv1 = nn.Conv2d(inputs, 1, 3, padding=1, bias=False)
    self.conv2 = nn.Conv2d(inputs, classes, size // 2**layers, bias=False)

  def forward(self, image):
    x = self.main(image)
    return self.conv1(x), self.conv2(x).flatten(1)


def classification(logits, label):
  loss = F.binary_cross_entropy_with_logits(logits, label, reduction="sum")
  return loss / len(logits)


def attention_map(logits, selector, activation, create_graph):
  (gradient,) = torch.autograd.grad(
    (logits * selector).sum(), activation, create_graph=create_graph
  )
  alpha = gradient.float().mean((2, 3), keepdim=True)
  return (alpha * activation.float()).sum(1).relu()


WEIGHTS = {"d_loss_gp": 10.0, "g_loss_rec": 10.0}


class Trainer:
  """A cycle: as many updates of D as there are micro-batches, one of G.

  Args:
    generator: what is trained.
    discriminator: its discriminator.
    teacher: (generator, discriminator) whose attention is learnt; or None.
    lambda_akd: weight of that.
    compiled: whether torch.compile makes what is differentiated once; what
      the gradient penalty and the student's maps go through stays eager.
    autocast: dtype of the computation; None for the parameters' own.
  """

  def __init__(
    self,
    generator,
    discriminator,
    teacher=None,
    lambda_akd=10.0,
    compiled=False,
    autocast=None,
  ):
    self.generator, self.discriminator, self.teacher = (
      generator,
      discriminator,
      teacher,
    )
    for network in teacher or ():
      network.requires_grad_(False)
    self.weights = WEIGHTS | {"g_loss_akd": lambda_akd}
    make = once(compiled)
    self.generate_once, self.discriminate_once = (
      make(generator),
      make(discriminator),
    )
    if teacher is not None:
      self.encode_once = make(generator.encode)
      self.teacher_once = [
        make(f) for f in (teacher[0].encode, teacher[0].decode, teacher[1])
      ]
    device = next(generator.parameters()).device.type
    # A context of its own for every loss, since each caches cast weights.
    self.precision = contextlib.nullcontext
    if autocast:
      self.precision = functools.partial(torch.autocast, device, autocast)
    self.optimizers = [adam(x, 1e-4) for x in (generator, discriminator)]

  def discriminator_terms(self, image, fake, label, alpha):
    source, logits = self.discriminate_once(image)
    return {
      "d_loss_real": -source.mean(),
      "d_loss_fake": self.discriminate_once(fake)[0].mean(),
      "d_loss_cls": classification(logits, label),
      "d_loss_gp": gradient_penalty(
        lambda x: self.discriminator(x)[0], alpha * image + (1 - alpha) * fake
      ),
    }

  def generator_terms(self, image, label, target):
    terms = {}
    if self.teacher is None:
      fake = self.generate_once(image, target)
    else:
      activation = self.encode_once(image, target)
      fake = self.generator.decode(activation)
      logits = self.teacher[1](fake)[1]
      ours = attention_map(logits, target, activation, create_graph=True)
      theirs = self._teachers_map(image, target)
      terms["g_loss_akd"] = (ours - theirs.detach()).abs().mean()
    source, logits = self.discriminate_once(fake)
    return terms | {
      "g_loss_fake": -source.mean(),
      "g_loss_cls": classification(logits, target),
      "g_loss_rec": (image - self.generate_once(fake, label)).abs().mean(),
    }

  def _teachers_map(self, image, target):
    encode, decode, discriminator = self.teacher_once
    with torch.no_grad():  # nothing of the encoder is kept for the way back
      activation = encode(image, target)
    activation = activation.requires_grad_()
    logits = discriminator(decode(activation))[1]
    return attention_map(logits, target, activation, create_graph=False)

  def cycle(self, image, label, target, alpha):
    """Returns the loss terms, on the device: nothing waits for it.

    Args:
      image: n micro-batches [B, 3, S, S].
      label: n of [B, C], their own.
      target: n of [B, C], that they are translated to.
      alpha: n of [B, 1, 1, 1], where the gradient penalty looks.
    """
    steps = []
    for i in range(len(image)):
      with torch.no_grad(), self.precision():
        fake = self.generate_once(image[i], target[i])
      with self.precision():
        terms = self.discriminator_terms(image[i], fake, label[i], alpha[i])
      steps.append(update(self.optimizers[1], terms, self.weights))
    mean = {k: torch.stack([t[k] for t in steps]).mean() for k in steps[0]}
    with self.precision():
      terms = self.generator_terms(image[-1], label[-1], target[-1])
    return mean | update(self.optimizers[0], terms, self.weights)
