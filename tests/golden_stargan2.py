"""StarGAN v2's golden arrays, and what our code makes of the same inputs.

Everything is computed by one program. In the half of references the golden file
compares with the picture of the second latent, as ours does; the release has a
second reference.
"""

import dataclasses
import functools
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from akd_jax.configs import stargan2
from akd_jax.distillation import attention
from akd_jax.models.stargan2 import Discriminator, Generator
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Model, Networks, tap
from akd_jax.systems.stargan2 import STARGAN2
from akd_jax.systems.stargan2_losses import judge
from akd_jax.systems.stargan2_passes import fakes_of, translation_of
from akd_jax.training.step import discriminator_loss, generator_loss
from tests.golden_arrays import load, nhwc, part

GENERATOR = Generator(4, 8, 2, 4, 5, 6, 3)
DISCRIMINATOR = Discriminator(4, 8, 3)
# Every activation that has a name, in the order of the data flow.
NAMES = tuple(
  f"{hook}_{i}" for i in range(8) for hook in ("norm", "branch", "block")
)
_LAYERS = {
  "conv1": "conv_0",
  "conv2": "conv_1",
  "conv1x1": "shortcut",
  "norm1": "norm_0",
  "norm2": "norm_1",
}
_HALVES = ("latent", "ref")


def params(arrays, prefix=""):
  """The generator's parameters, of the release's three networks."""
  flat = {
    _of_generator(name.split(".")): x
    for name, x in part(arrays, f"{prefix}G/").items()
  }
  flat |= _trunk(part(arrays, f"{prefix}E/shared."), ("trunk",))
  flat |= _of_domains(part(arrays, f"{prefix}E/unshared."), _joined)
  for name, x in part(arrays, f"{prefix}M/shared.").items():
    index, leaf = name.split(".")
    flat["mapping", "shared", f"layer_{int(index) // 2}", leaf] = x
  flat |= _of_domains(part(arrays, f"{prefix}M/unshared."), _stacked)
  return _ours(flat)


def discriminator_params(arrays, prefix=""):
  """The discriminator's."""
  main = part(arrays, f"{prefix}D/main.")
  head = {name: main.pop(name) for name in ("6.weight", "6.bias")}
  flat = _trunk(main, ("trunk",))
  for name, x in head.items():
    flat["branch", name.partition(".")[2]] = x.reshape(len(x), *x.shape[1:2])
  return _ours(flat)


def _of_generator(path):
  if path[0] in ("encode", "decode"):
    block, index, layer, *inner, leaf = path
    inner = ["affine"] if inner else []
    return f"{block}_{index}", _LAYERS[layer], *inner, leaf
  if path[0] == "to_rgb":
    return {"0": "norm", "2": "to_rgb"}[path[1]], path[2]
  return tuple(path)


def _trunk(arrays, start):
  """Of 16 pixels: a convolution, two blocks, and the whole of what is left."""
  flat = {}
  for name, x in arrays.items():
    index, *layer, leaf = name.split(".")
    if layer:
      place = f"block_{int(index) - 1}", _LAYERS[layer[0]]
    else:
      place = ({"0": "from_rgb", "4": "whole"}[index],)
    flat[*start, *place, leaf] = x
  return flat


def _of_domains(arrays, join):
  """One array of those that each domain has."""
  by_layer = {}
  for name, x in arrays.items():
    domain, rest = re.fullmatch(r"(\d+)\.(.*)", name).groups()
    by_layer.setdefault(rest, {})[int(domain)] = x
  return dict(
    join(rest, np.stack([found[i] for i in sorted(found)]))
    for rest, found in by_layer.items()
  )


def _joined(leaf, x):
  return ("seen", leaf), x.reshape(-1, *x.shape[2:])


def _stacked(name, x):
  index, leaf = name.split(".")
  layer = "output" if index == "6" else f"layer_{int(index) // 2}"
  return ("mapping", "branch", layer, leaf), x


def _ours(flat):
  """Of PyTorch's arrays: names of leaves, and the order of axes."""
  found = {}
  for (*path, leaf), x in flat.items():
    if leaf == "weight":
      leaf = "kernel" if x.ndim > 1 else "scale"
      if x.ndim == 4:
        x = x.transpose(2, 3, 1, 0)
      else:
        x = np.swapaxes(x, -1, -2) if x.ndim > 1 else x
      if path[0] in ("decode_2", "decode_3") and path[-1] == "conv_0":
        leaf = "resize_kernel"
    found[*path, leaf] = jnp.asarray(x)
  return traverse_util.unflatten_dict(found)


class Released:
  """The released networks, and what ours of the same weights compute."""

  def __init__(self):
    self.arrays = load("stargan2")
    self.about = json.loads(str(self.arrays["metadata"]))
    networks = Networks(GENERATOR, DISCRIMINATOR)
    self.model = Model(
      params(self.arrays), discriminator_params(self.arrays), networks
    )
    self.config = stargan2.get_config("celeba")
    image, reference = (nhwc(self.arrays[f"x_{x}"]) for x in ("real", "ref"))
    label, target = (
      jnp.eye(3)[self.arrays[f"y_{x}"].astype(int)] for x in ("org", "trg")
    )
    more = {"reference": reference}
    self.generator_batch = GeneratorBatch(
      jnp.zeros(()), image, label, target, target, more
    )
    self.discriminator_batches = DiscriminatorBatch(
      jnp.zeros(2),
      *(jnp.stack([image, image]), None, jnp.stack([label, label])),
      *(jnp.zeros((2, 3)), jnp.stack([target, target]), more),
    )
    self.latents = jnp.stack(
      [jnp.asarray(self.arrays[x]) for x in ("z_trg", "z_trg2")]
    )

  @functools.cached_property
  def computed(self):
    """All that is compared, by one program."""
    return jax.jit(self._compute)(self.model, self.latents)

  def _compute(self, model, latents):
    batch = self.generator_batch
    fakes = fakes_of(model, self.discriminator_batches, latents)
    found = {"fakes": fakes.fake}

    def learn(seen):
      return jax.grad(discriminator_loss, has_aux=True)(
        model.discriminator, model, seen, self.config
      )

    learnt = jax.vmap(learn)(fakes)
    for i, half in enumerate(_HALVES):
      found[f"D_grad_{half}"], found[f"D_loss_{half}"] = jax.tree.map(
        lambda x, i=i: x[i], learnt
      )

    def loss(trained):
      model_ = dataclasses.replace(model, generator=trained)
      translation = translation_of(model_, batch, latents, batch.target)
      total, terms = generator_loss(
        model_, translation, None, batch, self.config
      )
      return total, (terms, translation.others | {"picture": translation.image})

    found["G_grad"], (found["G_loss"], found["others"]) = jax.grad(
      loss, has_aux=True
    )(model.generator)
    found["branches"] = {
      "real": judge(model, batch.image)[0],
      "fake": judge(model, found["others"]["picture"])[0],
      "fake_ref": judge(model, found["others"]["picture_reference"])[0],
    }
    found["attention"], found["alpha"] = self._maps(model, latents[0])
    return found

  def _maps(self, model, latent):
    """Maps of every hook, and how large channel weights are by the gradient."""
    batch, network = self.generator_batch, model.networks.generator
    style = network.apply(
      model.variables, latent, batch.target, method="map_latent"
    )

    def run(taps):
      return *network.apply(
        model.variables, batch.image, style, taps, method="translate"
      ), None  # fmt: skip

    image, activations, pull, _ = tap(run, NAMES)
    _, back = STARGAN2.score(model, image, batch.image, batch.target)
    gradients = pull(back(batch.target))
    maps = {
      f"{name}/{method}": function(gradients[name], activations[name])
      for name in NAMES
      for method, function in attention.MAPS.items()
    }
    return maps, {
      name: jnp.abs(x.mean((1, 2))).max() / jnp.abs(x).mean()
      for name, x in gradients.items()
    }
