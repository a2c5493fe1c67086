"""The released StarGAN restores what we export.

Runs where PyTorch is installed, which the tests do not require.
"""

import types

import ml_collections
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.inference import torch_exports
from akd_jax.interop.torch_stargan import EVAL_LINES
from akd_jax.models.stargan import Discriminator, Generator
from tests.stargan_weights import random_discriminator, random_generator

torch = pytest.importorskip("torch")
nn = torch.nn

WIDTH, BLOCKS, CLASSES, SIZE, LAYERS, STEP = 4, 3, 3, 16, 2, 7


def norm(features):
  return nn.InstanceNorm2d(features, affine=True, track_running_stats=True)


class ResidualBlock(nn.Module):
  def __init__(self, width):
    super().__init__()
    self.main = nn.Sequential(
      nn.Conv2d(width, width, 3, 1, 1, bias=False),
      norm(width),
      nn.ReLU(inplace=True),
      nn.Conv2d(width, width, 3, 1, 1, bias=False),
      norm(width),
    )

  def forward(self, x):
    return x + self.main(x)


class ReleasedGenerator(nn.Module):
  """Layer by layer the released one."""

  def __init__(self):
    super().__init__()
    w = WIDTH

    def block(convolution, features):
      return [convolution, norm(features), nn.ReLU(inplace=True)]

    self.main = nn.Sequential(
      *block(nn.Conv2d(3 + CLASSES, w, 7, 1, 3, bias=False), w),
      *block(nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), 2 * w),
      *block(nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False), 4 * w),
      *[ResidualBlock(4 * w) for _ in range(BLOCKS)],
      *block(nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1, bias=False), 2 * w),
      *block(nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False), w),
      nn.Conv2d(w, 3, 7, 1, 3, bias=False),
      nn.Tanh(),
    )

  def forward(self, x, c):
    tiled = c.view(*c.shape, 1, 1).repeat(1, 1, *x.shape[2:])
    return self.main(torch.cat([x, tiled], dim=1))


class ReleasedDiscriminator(nn.Module):
  def __init__(self):
    super().__init__()
    layers, channels = [], 3
    for i in range(LAYERS):
      layers += [nn.Conv2d(channels, WIDTH * 2**i, 4, 2, 1), nn.LeakyReLU(0.01)]
      channels = WIDTH * 2**i
    self.main = nn.Sequential(*layers)
    self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
    size = SIZE // 2**LAYERS
    self.conv2 = nn.Conv2d(channels, CLASSES, size, bias=False)

  def forward(self, x):
    h = self.main(x)
    return self.conv1(h), self.conv2(h).flatten(1)


@pytest.fixture(name="run", scope="module")
def fixture_run():
  size = SIZE // 2**LAYERS
  flat = {
    "generator": random_generator(WIDTH, BLOCKS, CLASSES),
    "discriminator": random_discriminator(WIDTH, LAYERS, CLASSES, size),
  }
  networks = {
    name: traverse_util.unflatten_dict(x, sep="/") for name, x in flat.items()
  }
  config = ml_collections.ConfigDict(
    {
      "generator": {"width": WIDTH, "blocks": BLOCKS, "output": "image"},
      "discriminator": {"width": WIDTH, "layers": LAYERS},
      "data": {"image_size": SIZE},
    }
  )
  return types.SimpleNamespace(
    config=config,
    attributes=("A", "B", "C"),
    step=STEP,
    model=types.SimpleNamespace(**networks),
  )


@pytest.fixture(name="folder", scope="module")
def fixture_folder(run, tmp_path_factory):
  folder = tmp_path_factory.mktemp("models")
  torch_exports.export_torch(run, str(folder))
  return folder


def restore_model(folder):
  """The lines of the released solver that restore a model."""
  networks = ReleasedGenerator(), ReleasedDiscriminator()
  for network, letter in zip(networks, "GD", strict=True):
    path = folder / f"{STEP}-{letter}.ckpt"
    network.load_state_dict(
      torch.load(path, map_location=lambda storage, loc: storage)
    )
  return networks


def inputs():
  rng = np.random.default_rng(0)
  image = rng.uniform(-1, 1, (2, SIZE, SIZE, 3)).astype(np.float32)
  return image, np.eye(CLASSES, dtype=np.float32)[:2]


def run_generator(network):
  image, label = inputs()
  with torch.no_grad():
    made = network(
      torch.from_numpy(image.transpose(0, 3, 1, 2)), torch.from_numpy(label)
    )
  return made.numpy().transpose(0, 2, 3, 1)


@pytest.fixture(name="expected", scope="module")
def fixture_expected(run):
  params = {"params": run.model.generator}
  return np.asarray(Generator(WIDTH, BLOCKS).apply(params, *inputs())[0])


def test_both_networks_are_restored_strictly(run, folder, expected):
  generator, discriminator = restore_model(folder)
  made = run_generator(generator)
  np.testing.assert_allclose(made, expected, atol=1e-4)
  image = torch.from_numpy(inputs()[0].transpose(0, 3, 1, 2))
  with torch.no_grad():
    source, logits = discriminator(image)
  params = {"params": run.model.discriminator}
  network = Discriminator(WIDTH, LAYERS, CLASSES)
  (map_, ours), _ = network.apply(params, inputs()[0])
  np.testing.assert_allclose(source.numpy()[:, 0], map_[..., 0], atol=1e-4)
  np.testing.assert_allclose(logits.numpy(), ours, atol=1e-4)


def test_the_two_lines_make_eval_right(folder, expected):
  generator, _ = restore_model(folder)
  generator.eval()
  assert np.abs(run_generator(generator) - expected).max() > 0.1
  exec("\n".join(EVAL_LINES), {"G": generator})
  np.testing.assert_allclose(run_generator(generator), expected, atol=1e-4)
  generator.train()
  np.testing.assert_allclose(run_generator(generator), expected, atol=1e-4)


def test_the_file_has_the_names_that_pytorch_gives(folder):
  generator, discriminator = ReleasedGenerator(), ReleasedDiscriminator()
  for network, letter in ((generator, "G"), (discriminator, "D")):
    found = torch.load(folder / f"{STEP}-{letter}.ckpt")
    declared = {
      name: x
      for name, x in network.state_dict().items()
      if not name.endswith("num_batches_tracked")  # Filled in by the load.
    }
    assert list(found) == list(declared)
    for name, value in declared.items():
      assert found[name].shape == value.shape
      if ".running_" in name:
        assert torch.equal(found[name], value)


@pytest.mark.parametrize("name", ["student.pt", "student.pth", "student.ckpt"])
def test_a_generator_alone_is_restored_strictly(run, tmp_path, name, expected):
  torch_exports.export_torch(run, str(tmp_path / name))
  generator = ReleasedGenerator()
  generator.load_state_dict(torch.load(tmp_path / name))
  np.testing.assert_allclose(run_generator(generator), expected, atol=1e-4)
