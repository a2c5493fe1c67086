"""The same work in PyTorch: StarGAN's cycle and attention distillation.

What the speed of akd_jax is measured against. It needs PyTorch alone:

  python benchmarks/torch_peer.py --check tests/golden/cycle_student.npz

proves that it does the work of the reference: same losses, same weights after
one cycle. Without --check it is a worker of benchmarks/compare.py.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn.functional as F
import worker
from torch import nn


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
  """Under StarGAN's names; `forward` gives the last block's output, too."""

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

  def forward(self, image, label):
    tiled = label[:, :, None, None].expand(-1, -1, *image.shape[2:])
    activation = self.main[: self.end](torch.cat([image, tiled], 1))
    return self.main[self.end :](activation), activation


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


def discriminator_terms(judge, image, fake, label, alpha):
  source, logits = judge(image)
  mixed = (alpha * image + (1 - alpha) * fake).requires_grad_()
  (gradient,) = torch.autograd.grad(
    judge(mixed)[0].sum(), mixed, create_graph=True
  )
  norm = gradient.flatten(1).square().sum(1).sqrt()
  return {
    "d_loss_real": -source.mean(),
    "d_loss_fake": judge(fake)[0].mean(),
    "d_loss_cls": classification(logits, label),
    "d_loss_gp": (norm - 1).square().mean(),
  }


def attention_map(logits, selector, activation, create_graph):
  (gradient,) = torch.autograd.grad(
    (logits * selector).sum(),
    activation,
    create_graph=create_graph,
    retain_graph=True,
  )
  alpha = gradient.mean((2, 3), keepdim=True)
  return (alpha * activation).sum(1).relu()


def generator_terms(generator, judge, teacher, image, label, target):
  fake, activation = generator(image, target)
  source, logits = judge(fake)
  terms = {
    "g_loss_fake": -source.mean(),
    "g_loss_cls": classification(logits, target),
    "g_loss_rec": (image - generator(fake, label)[0]).abs().mean(),
  }
  if teacher is not None:
    teacher_generator, teacher_judge = teacher
    with torch.no_grad():  # nothing of the encoder is kept for the way back
      _, wanted = teacher_generator(image, target)
    wanted = wanted.requires_grad_()
    decoded = teacher_generator.main[teacher_generator.end :](wanted)
    theirs = attention_map(teacher_judge(decoded)[1], target, wanted, False)
    ours = attention_map(teacher_judge(fake)[1], target, activation, True)
    terms["g_loss_akd"] = (ours - theirs.detach()).abs().mean()
  return terms


WEIGHTS = {"d_loss_gp": 10.0, "g_loss_rec": 10.0}


class Trainer:
  """A cycle: as many updates of D as there are micro-batches, one of G."""

  def __init__(self, generator, judge, teacher=None, lambda_akd=10.0, lr=1e-4):
    self.generator, self.judge, self.teacher = generator, judge, teacher
    for network in teacher or ():
      network.requires_grad_(False)
    self.weights = WEIGHTS | {"g_loss_akd": lambda_akd}
    self.optimizers = [
      torch.optim.Adam(network.parameters(), lr, betas=(0.5, 0.999))
      for network in (generator, judge)
    ]

  def _update(self, optimizer, terms, parameters):
    loss = sum(self.weights.get(name, 1.0) * x for name, x in terms.items())
    # Of these parameters only: the other network's gradients are not needed.
    for p, g in zip(
      parameters, torch.autograd.grad(loss, parameters), strict=True
    ):
      p.grad = g
    optimizer.step()
    return {name: float(x.detach()) for name, x in terms.items()}

  def cycle(self, image, label, target, alpha):
    """image [n, B, 3, S, S], label and target [n, B, C], alpha [n, B, 1...]."""
    terms = []
    for i in range(len(image)):
      with torch.no_grad():
        fake, _ = self.generator(image[i], target[i])
      terms.append(
        self._update(
          self.optimizers[1],
          discriminator_terms(self.judge, image[i], fake, label[i], alpha[i]),
          list(self.judge.parameters()),
        )
      )
    mean = {k: float(np.mean([t[k] for t in terms])) for k in terms[0]}
    return mean | self._update(
      self.optimizers[0],
      generator_terms(
        self.generator, self.judge, self.teacher, image[-1], label[-1],
        target[-1],
      ),
      list(self.generator.parameters()),
    )  # fmt: skip


def check(path):
  """One cycle from the golden weights, against the golden outcome."""
  arrays = np.load(path)

  def load(network, prefix):
    state = {
      k.removeprefix(prefix): torch.tensor(arrays[k])
      for k in arrays.files
      if k.startswith(prefix)
    }
    network.load_state_dict(state)
    return network

  classes = arrays["c_org"].shape[-1]
  generator = load(Generator(8, 2, classes), "G0/")
  judge = load(Discriminator(8, 4, classes, 32), "D0/")
  teacher = None
  if "attention_teacher" in arrays.files:
    teacher = (
      load(Generator(16, 3, classes), "TG/"),
      load(Discriminator(8, 4, classes, 32), "TD/"),
    )
  weight = float(arrays["lambda_akd"]) if teacher else 0.0
  trainer = Trainer(generator, judge, teacher, weight)
  inputs = [
    torch.tensor(arrays[name])
    for name in ("x_real", "c_org", "c_trg", "gp_alpha")
  ]
  terms = trainer.cycle(*inputs)
  for name, value in terms.items():
    wanted = arrays[name].mean()
    assert abs(value - wanted) <= 1e-4 * max(abs(wanted), 0.01), name
    print(f"{name:12}  {value:12.6g}  reference {wanted:12.6g}")
  for network, prefix in ((generator, "G1/"), (judge, "D1/")):
    for name, value in network.state_dict().items():
      wanted = torch.tensor(arrays[prefix + name])
      far = (value - wanted).abs() > 1e-4 * wanted.abs().max()
      # Adam gives rounding noise a whole step: see tests/test_golden.py.
      assert far.sum() <= max(1, 0.02 * far.numel()), prefix + name
  print(f"equal to {path} after one cycle")


def prepare(case):
  """The unit of work that a case (see compare.py) asks for."""
  torch.set_num_threads(case["threads"])
  torch.manual_seed(0)
  size, classes, batch = case["size"], case["classes"], case["batch"]
  generator = Generator(case["width"], case["blocks"], classes)
  if case["work"] == "translate":
    image, label = torch.rand(batch, 3, size, size), torch.ones(batch, classes)
    generator = maybe_compiled(generator.eval(), case)

    def translate():
      with torch.inference_mode():
        generator(image, label)

    return translate
  judge = Discriminator(case["d_width"], case["d_layers"], classes, size)
  teacher = None
  if case["work"] == "distilled":
    teacher = (
      Generator(case["t_width"], case["t_blocks"], classes),
      copy.deepcopy(judge),
    )
  n = case["n_critic"]
  inputs = (
    torch.rand(n, batch, 3, size, size) * 2 - 1,
    torch.randint(0, 2, (n, batch, classes)).float(),
    torch.randint(0, 2, (n, batch, classes)).float(),
    torch.rand(n, batch, 1, 1, 1),
  )
  trainer = Trainer(generator, maybe_compiled(judge, case), teacher)
  return lambda: trainer.cycle(*inputs)


def maybe_compiled(network, case):
  return torch.compile(network) if case.get("compile") else network


def main():
  if sys.argv[1] == "--check":
    return check(sys.argv[2])
  worker.serve(prepare, torch.__version__)


if __name__ == "__main__":
  main()
