"""AttGAN in PyTorch, and its cycle.

Names are those of the port (elvisyjlin/AttGAN-PyTorch), numbers those of the
authors' code (LynnHo/AttGAN-Tensorflow, v2).
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch_training import adam, gradient_penalty, once, update

WIDEST = 1024


class Block(nn.Module):
  def __init__(self, *layers):
    super().__init__()
    self.layers = nn.Sequential(*layers)

  def forward(self, x):
    return self.layers(x)


def append_label(x, label):
  tiled = label[:, :, None, None].expand(-1, -1, *x.shape[2:])
  return torch.cat([x, tiled], 1)


class Generator(nn.Module):
  """Sizes as `akd_jax.models.attgan.Generator`'s."""

  def __init__(self, classes, width, layers, shortcut, inject, slope, epsilon):
    super().__init__()
    self.shortcut, self.inject = shortcut, inject

    def norm(features):
      return nn.BatchNorm2d(features, epsilon, momentum=1e-3)

    widths = [min(width * 2**i, WIDEST) for i in range(layers)]
    encoder, inputs = [], 3
    for w in widths:
      down = nn.Conv2d(inputs, w, 4, stride=2, padding=1, bias=False)
      encoder.append(Block(down, norm(w), nn.LeakyReLU(slope, inplace=True)))
      inputs = w
    self.enc_layers = nn.ModuleList(encoder)
    decoder, inputs = [], inputs + classes
    for i, w in enumerate(widths[:0:-1]):
      up = nn.ConvTranspose2d(inputs, w, 4, stride=2, padding=1, bias=False)
      decoder.append(Block(up, norm(w), nn.ReLU(inplace=True)))
      inputs = w + (widths[layers - 2 - i] if i < shortcut else 0)
      inputs += classes if i < inject else 0
    up = nn.ConvTranspose2d(inputs, 3, 4, stride=2, padding=1)
    self.dec_layers = nn.ModuleList([*decoder, Block(up, nn.Tanh())])

  def encode(self, image):
    encodings, x = [], image
    for layer in self.enc_layers:
      x = layer(x)
      encodings.append(x)
    return encodings

  def decode(self, encodings, label):
    *skips, deepest = encodings
    x = append_label(deepest, label)
    *inner, last = self.dec_layers
    for i, layer in enumerate(inner):
      x = layer(x)
      if i < self.shortcut:
        x = torch.cat([x, skips[-1 - i]], 1)
      if i < self.inject:
        x = append_label(x, label)
    return last(x)

  def forward(self, image, label):
    return self.decode(self.encode(image), label)


class Discriminator(nn.Module):
  """Sizes as `akd_jax.models.attgan_discriminator.Discriminator`'s."""

  def __init__(
    self, size, classes, width, layers, hidden, slope, hidden_slope, epsilon
  ):
    super().__init__()
    convolutions, inputs = [], 3
    for i in range(layers):
      w = min(width * 2**i, WIDEST)
      convolutions.append(
        Block(
          nn.Conv2d(inputs, w, 4, stride=2, padding=1, bias=False),
          nn.InstanceNorm2d(w, epsilon, affine=True),
          nn.LeakyReLU(slope, inplace=True),
        )
      )
      inputs = w
    self.conv = nn.Sequential(*convolutions)
    flat = inputs * (size // 2**layers) ** 2

    def head(outputs):
      return nn.Sequential(
        Block(nn.Linear(flat, hidden), nn.LeakyReLU(hidden_slope)),
        Block(nn.Linear(hidden, outputs)),
      )

    self.fc_adv, self.fc_cls = head(1), head(classes)

  def forward(self, image):
    x = self.conv(image).flatten(1)
    return self.fc_adv(x), self.fc_cls(x)


class Trainer:
  """A cycle: updates of D, each on a batch, and one of G on a batch of its own.

  Args:
    networks: the generator and the discriminator, in training mode.
    loss: weights, as config.loss names them.
    rate: Adam's.
    compiled: whether torch.compile makes what is differentiated once.
  """

  def __init__(self, networks, loss, rate, compiled=False):
    generator, self.discriminator = networks
    make = once(compiled)
    self.encode, self.decode = make(generator.encode), make(generator.decode)
    self.discriminate_once = make(self.discriminator)
    self.optimizers = [adam(network, rate) for network in networks]
    self.weights = {
      "d_loss_cls": loss["lambda_d_cls"],
      "d_loss_gp": loss["lambda_gp"],
      "g_loss_cls": loss["lambda_g_cls"],
      "g_loss_rec": loss["lambda_rec"],
    }

  def update_discriminator(self, image, label, target, alpha):
    """Arguments as of `cycle`, but for one batch each."""
    with torch.no_grad():
      fake = self.decode(self.encode(image), 2 * target - 1)
    adversarial, logits = self.discriminate_once(image)
    terms = {
      "d_loss_real": -adversarial.mean(),
      "d_loss_fake": self.discriminate_once(fake)[0].mean(),
      "d_loss_cls": F.binary_cross_entropy_with_logits(logits, label),
      "d_loss_gp": gradient_penalty(
        lambda x: self.discriminator(x)[0], image + alpha * (fake - image)
      ),
    }
    return update(self.optimizers[1], terms, self.weights)

  def update_generator(self, image, label, target):
    encodings = self.encode(image)
    fake = self.decode(encodings, 2 * target - 1)
    restored = self.decode(encodings, 2 * label - 1)
    adversarial, logits = self.discriminate_once(fake)
    terms = {
      "g_loss_fake": -adversarial.mean(),
      "g_loss_cls": F.binary_cross_entropy_with_logits(logits, target),
      "g_loss_rec": (image - restored).abs().mean(),
    }
    return update(self.optimizers[0], terms, self.weights)

  def cycle(self, image, label, target, alpha):
    """Returns the loss terms, on the device: nothing waits for it.

    Args:
      image: n + 1 batches [B, 3, S, S]; the last is the generator's.
      label: 0/1, n + 1 of [B, C], their own.
      target: 0/1, n + 1 of [B, C], that they are translated to.
      alpha: n of [B, 1, 1, 1], where the gradient penalty looks.
    """
    steps = [
      self.update_discriminator(*batch)
      for batch in zip(image[:-1], label[:-1], target[:-1], alpha, strict=True)
    ]
    mean = {k: torch.stack([t[k] for t in steps]).mean() for k in steps[0]}
    return mean | self.update_generator(image[-1], label[-1], target[-1])


def create_networks(case):
  size, classes = case["size"], case["classes"]
  return (
    Generator(classes, **case["generator"]),
    Discriminator(size, classes, **case["discriminator"]),
  )


def draw_inputs(case):
  """Random arguments of `Trainer.cycle`."""
  n, batch, size = case["n_critic"], case["batch"], case["size"]
  image = torch.rand(n + 1, batch, 3, size, size) * 2 - 1
  labels = torch.randint(0, 2, (2, n + 1, batch, case["classes"])).float()
  return image, *labels, torch.rand(n, batch, 1, 1, 1)
