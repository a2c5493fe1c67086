"""RelGAN in PyTorch, and its cycle, after elvisyjlin/RelGAN-PyTorch @8e432d0.

Vectors are target minus original, as in the Keras release.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch_training import adam, gradient_penalty, once, update


class SwitchNorm(nn.Module):
  """A learnt mixture of instance, layer and batch statistics."""

  def __init__(self, features, epsilon=1e-5, momentum=0.9):
    super().__init__()
    self.epsilon, self.momentum = epsilon, momentum
    self.weight = nn.Parameter(torch.ones(1, features, 1, 1))
    self.bias = nn.Parameter(torch.zeros(1, features, 1, 1))
    self.mean_weight = nn.Parameter(torch.ones(3))
    self.var_weight = nn.Parameter(torch.ones(3))
    self.register_buffer("running_mean", torch.zeros(1, features, 1))
    self.register_buffer("running_var", torch.zeros(1, features, 1))

  def forward(self, x):
    variance, mean = torch.var_mean(x.flatten(2), 2, keepdim=True)
    square = variance + mean.square()
    means, variances = [mean], [variance]
    for axis in (1, 0):
      means.append(mean.mean(axis, keepdim=True))
      pooled = square.mean(axis, keepdim=True) - means[-1].square()
      variances.append(pooled)
    self._keep(means[-1], variances[-1])
    mean = mixture(self.mean_weight, means)[..., None]
    variance = mixture(self.var_weight, variances)[..., None]
    scale = self.weight * (variance + self.epsilon).rsqrt()
    # In one pass: of the forms that were tried PyTorch's fastest.
    return torch.addcmul(self.bias - mean * scale, x, scale)

  @torch.no_grad()
  def _keep(self, mean, variance):
    self.running_mean.lerp_(mean, 1 - self.momentum)
    self.running_var.lerp_(variance, 1 - self.momentum)


def mixture(weight, moments):
  return sum(w * x for w, x in zip(weight.softmax(0), moments, strict=True))


class Residual(nn.Module):
  def __init__(self, width):
    super().__init__()
    self.f = nn.Sequential(
      nn.Conv2d(width, width, 3, padding=1),
      SwitchNorm(width),
      nn.ReLU(inplace=True),
      nn.Conv2d(width, width, 3, padding=1),
      SwitchNorm(width),
    )

  def forward(self, x):
    return x + self.f(x)


def tile(vector, x):
  return vector[:, :, None, None].expand(-1, -1, *x.shape[2:])


class Generator(nn.Module):
  def __init__(self, classes, width, blocks):
    super().__init__()

    def normed(convolution):
      features = convolution.out_channels
      norm = SwitchNorm(features)
      return nn.Sequential(convolution, norm, nn.ReLU(inplace=True))

    def down(w):
      return normed(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1))

    def up(w):
      return normed(nn.ConvTranspose2d(w, w // 2, 4, stride=2, padding=1))

    self.conv_in = normed(nn.Conv2d(3 + classes, width, 7, padding=3))
    self.down1, self.down2 = down(width), down(2 * width)
    self.resb = nn.Sequential(*(Residual(4 * width) for _ in range(blocks)))
    self.up2, self.up1 = up(4 * width), up(2 * width)
    out = nn.Conv2d(width, 3, 7, padding=3)
    self.conv_out = nn.Sequential(out, nn.Tanh())

  def forward(self, image, vector):
    x = self.conv_in(torch.cat([image, tile(vector, image)], 1))
    x = self.resb(self.down2(self.down1(x)))
    return self.conv_out(self.up1(self.up2(x)))


class Discriminator(nn.Module):
  """Its features are what three heads see; so each picture is seen once."""

  def __init__(self, classes, width, layers, match_width, interpolation_width):
    super().__init__()
    convolutions, inputs = [], 3
    for i in range(layers):
      down = nn.Conv2d(inputs, width * 2**i, 4, stride=2, padding=1)
      convolutions += [down, nn.LeakyReLU(0.01, inplace=True)]
      inputs = width * 2**i
    self.convs = nn.Sequential(*convolutions)
    self.conv_adv = nn.Conv2d(inputs, 1, 1)
    self.conv_int = nn.Conv2d(inputs, interpolation_width, 1)
    self.convs_cls = nn.Sequential(
      nn.Conv2d(2 * inputs + classes, match_width, 1),
      nn.LeakyReLU(0.01, inplace=True),
      nn.Conv2d(match_width, 1, 1),
    )

  def forward(self, image):
    return self.convs(image)

  def match(self, source, image, vector):
    tiled = tile(vector, image)
    return self.convs_cls(torch.cat([source, image, tiled], 1))

  def interpolate(self, features):
    return self.conv_int(features).mean((1, 2, 3))


def ones(answer):
  return F.mse_loss(answer, torch.ones_like(answer))


def zeros(answer):
  return answer.square().mean()


def orthogonality(generator):
  """The squared off-diagonal of W'W, W as stored, at every position."""
  loss = 0.0
  for w in generator.parameters():
    if w.dim() == 4 and w.shape[-1] > 1:
      positions = w.permute(2, 3, 1, 0)
      gram = positions @ positions.mT
      others = 1 - torch.eye(gram.shape[-1], device=w.device)
      loss = loss + (gram * others).square().sum()
  return loss


class Trainer:
  """A cycle: an update of D and one of G, on the same batches.

  Args:
    networks: the generator and the discriminator, in training mode.
    loss: weights, as config.loss names them.
    rate: Adam's.
    compiled: whether torch.compile makes what is differentiated once.
  """

  def __init__(self, networks, loss, rate, compiled=False):
    self.generator, self.discriminator = networks
    make = once(compiled)
    self.generate, self.look_once = map(make, networks)
    self.optimizers = [adam(network, rate) for network in networks]
    self.weights = {
      "d_loss_interpolation": loss["lambda_interpolation"],
      "d_loss_gp": loss["lambda_gp"],
      "g_loss_rec": loss["lambda_rec"],
      "g_loss_self": loss["lambda_self"],
      "g_loss_interpolation": loss["lambda_interpolation"],
      "g_loss_orthogonality": loss["lambda_orthogonality"],
    }

  def update_discriminator(self, image, label, alpha, strength):
    """Arguments as of `cycle`; `strength` is this update's alone."""
    d = self.discriminator
    label_a, label_b, label_c = label
    v, v_ac, v_cb = label_b - label_a, label_c - label_a, label_b - label_c
    with torch.no_grad():
      fakes = [
        self.generate(image[0], x)
        for x in (v, torch.zeros_like(v), strength[:, None] * v)
      ]
    seen = self.look_once(torch.cat([*image, *fakes]))
    a, b, c, whole, unchanged, between = seen.chunk(6)
    wrong = (
      (a, whole, v), (c, b, v), (a, c, v), (a, b, v_ac), (a, b, v_cb)
    )  # fmt: skip
    distance = torch.minimum(strength, 1 - strength)
    end = torch.where(
      strength < 0.5, d.interpolate(unchanged), d.interpolate(whole)
    )
    terms = {
      "d_loss_real": ones(d.conv_adv(b)),
      "d_loss_fake": zeros(d.conv_adv(whole)),
      "d_loss_match": ones(d.match(a, b, v))
      + sum(zeros(d.match(*question)) for question in wrong),
      "d_loss_interpolation": F.mse_loss(d.interpolate(between), distance)
      + zeros(end),
      "d_loss_gp": gradient_penalty(
        lambda x: d.conv_adv(d(x)), alpha * image[0] + (1 - alpha) * fakes[0]
      ),
    }
    return update(self.optimizers[1], terms, self.weights)

  def update_generator(self, image, label, target, strength):
    d = self.discriminator
    v = target - label
    fake = self.generate(image, v)
    unchanged = self.generate(image, torch.zeros_like(v))
    restored = self.generate(fake, -v)
    between = self.generate(image, strength[:, None] * v)
    with torch.no_grad():
      of_source = self.look_once(image)
    of_fake, of_between = self.look_once(torch.cat([fake, between])).chunk(2)
    terms = {
      "g_loss_fake": ones(d.conv_adv(of_fake)),
      "g_loss_match": ones(d.match(of_source, of_fake, v)),
      "g_loss_rec": (image - restored).abs().mean(),
      "g_loss_self": (image - unchanged).abs().mean(),
      "g_loss_interpolation": zeros(d.interpolate(of_between)),
      "g_loss_orthogonality": orthogonality(self.generator),
    }
    return update(self.optimizers[0], terms, self.weights)

  def cycle(self, image, label, alpha, strength):
    """Returns the loss terms, on the device: nothing waits for it.

    Args:
      image: a, b, c: 3 batches [B, 3, S, S].
      label: 0/1, 3 of [B, C], theirs.
      alpha: [B, 1, 1, 1], where the gradient penalty looks.
      strength: 2 of [B], how far either update's interpolation goes.
    """
    terms = self.update_discriminator(image, label, alpha, strength[0])
    return terms | self.update_generator(image[0], *label[:2], strength[1])


def create_networks(case):
  return (
    Generator(case["classes"], **case["generator"]),
    Discriminator(case["classes"], **case["discriminator"]),
  )


def draw_inputs(case):
  """Random arguments of `Trainer.cycle`."""
  batch, size = case["batch"], case["size"]
  image = torch.rand(3, batch, 3, size, size) * 2 - 1
  label = torch.randint(0, 2, (3, batch, case["classes"])).float()
  return image, label, torch.rand(batch, 1, 1, 1), torch.rand(2, batch)
