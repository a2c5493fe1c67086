"""RelGAN's golden arrays, and what our code makes of the same inputs.

Everything is computed by one program: what compares returns two trees of one
structure, ours and the reference's. Our vectors are target minus original,
and so are those of the golden file.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import traverse_util

from akd_jax.distillation import attention
from akd_jax.models.relgan import Discriminator, Generator
from akd_jax.systems import relgan_losses
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.relgan_losses import (
  Translated,
  Triple,
  relative_vectors,
)
from tests.golden_arrays import load, nhwc, part

GENERATOR = Generator(width=6, blocks=3)
DISCRIMINATOR = Discriminator(8, 4, match_width=48)
# Of the terms whose weight is not 1.
WEIGHTS = {
  "d_loss_gp": 150,
  "g_loss_rec": 10,
  "g_loss_self": 10,
  "g_loss_orthogonality": 1e-2,
}
_LAYERS = {
  "conv_in": "encoder_0",
  "down1": "encoder_1",
  "down2": "encoder_2",
  "up2": "decoder_0",
  "up1": "decoder_1",
  "conv_out": "output",
  "conv_adv": "adversarial_head",
  "conv_int": "interpolation_head",
}
_LEAVES = {"running_mean": "mean", "running_var": "var"}


def variables(arrays, prefix):
  """{collection: nested arrays} of the release's names under a prefix."""
  flat = {}
  for name, array in part(arrays, prefix).items():
    *layer, leaf = name.split(".")
    path = tuple(_path(layer))
    collection = "batch_stats" if leaf in _LEAVES else "params"
    norm = "norm" in path[-1]
    if leaf == "weight":
      leaf = "scale" if norm else "kernel"
    if norm:
      array = array.reshape(-1)
    elif array.ndim == 4:
      array = array.transpose(2, 3, 1, 0)
    flat[collection, *path, _LEAVES.get(leaf, leaf)] = jnp.asarray(array)
  return traverse_util.unflatten_dict(flat)


def _path(layer):
  if layer[0] == "resb":
    index = int(layer[3])
    return (
      f"residual_{layer[1]}",
      f"{'norm' if index % 3 else 'conv'}_{index // 3}",
    )
  if layer[0] == "convs":
    return (f"layer_{int(layer[1]) // 2}",)
  if layer[0] == "convs_cls":
    return ("match_head", "answer") if layer[1] == "2" else ("match_head",)
  name = _LAYERS[layer[0]]
  if layer[0] in ("conv_out", "conv_adv", "conv_int"):
    return (name,)
  return name, "norm" if layer[1] == "1" else "conv"


class Released:
  """The released networks, and what ours of the same weights compute."""

  def __init__(self):
    self.arrays = load("relgan")
    generator, discriminator = (
      variables(self.arrays, prefix) for prefix in ("G/", "D/")
    )
    self.statistics = generator["batch_stats"]
    self.model = Model(
      generator["params"],
      discriminator["params"],
      Networks(GENERATOR, DISCRIMINATOR),
    )
    self.image = Triple(*(nhwc(self.arrays[f"img_{x}"]) for x in "abc"))
    label = Triple(*(jnp.asarray(self.arrays[f"att_{x}"]) for x in "abc"))
    self.vectors = relative_vectors(label)
    self.strength = jnp.asarray(self.arrays["inter_alpha"][:, 0])

  @functools.cached_property
  def computed(self):
    """All that is compared, by one program."""
    return jax.jit(self._compute)(self.model, self.statistics)

  def reference(self, prefix):
    """Their arrays under a prefix, by our names."""
    return variables(self.arrays, prefix)

  def weighted(self, name):
    """The weighted sum of our terms of a loss."""
    terms = self.computed[name].items()
    return sum(WEIGHTS.get(term, 1) * x for term, x in terms)

  def _compute(self, model, statistics):
    a, v = self.image.source, self.vectors[:, 0]
    fakes, after_d = self._translate(model, statistics)
    (_, (g_terms, restored, after_g)), g_gradient = jax.value_and_grad(
      self._generator_loss, has_aux=True
    )(model.generator, model, statistics)
    (_, d_terms), d_gradient = jax.value_and_grad(
      self._discriminator_loss, has_aux=True
    )(model.discriminator, model, fakes)
    used, _ = _generate(model, statistics, a, v, train=False)
    return {
      "images": {**fakes._asdict(), "restored": restored, "used": used},
      "answers": self._answers(model, fakes),
      "D_loss": d_terms,
      "G_loss": g_terms,
      "D_grad": d_gradient,
      "G_grad": g_gradient,
      "G_after_D_step": after_d,
      "G_after_G_step": after_g,
      "attention": self._maps(model, statistics, train=False),
      "attention_train": self._maps(model, statistics, train=True),
    }

  def _translate(self, model, statistics):
    """The source by v, 0 and t v, and the statistics after all three."""
    a, v = self.image.source, self.vectors[:, 0]
    images = []
    for vector in (v, jnp.zeros_like(v), self.strength[:, None] * v):
      image, statistics = _generate(model, statistics, a, vector)
      images.append(image)
    return Translated(*images, self.strength), statistics

  def _generator_loss(self, params, model, statistics):
    model = dataclasses.replace(model, generator=params)
    a, v = self.image.source, self.vectors[:, 0]
    whole, statistics = _generate(model, statistics, a, v)
    unchanged, statistics = _generate(model, statistics, a, jnp.zeros_like(v))
    restored, statistics = _generate(model, statistics, whole, -v)
    between, statistics = _generate(
      model, statistics, a, self.strength[:, None] * v
    )
    fakes = Translated(whole, unchanged, between, self.strength)
    terms = relgan_losses.generator_terms(model, a, fakes, restored, v)
    terms = jax.tree.map(jnp.mean, terms)
    total = sum(WEIGHTS.get(name, 1) * x for name, x in terms.items())
    return total, (terms, restored, statistics)

  def _discriminator_loss(self, params, model, fakes):
    model = dataclasses.replace(model, discriminator=params)
    alpha = jnp.asarray(self.arrays["gp_alpha"][:, 0, 0, 0])
    terms = relgan_losses.discriminator_terms(
      model, self.image, fakes, self.vectors, alpha
    )
    terms = jax.tree.map(jnp.mean, terms)
    return sum(WEIGHTS.get(name, 1) * x for name, x in terms.items()), terms

  def _answers(self, model, fakes):
    """What the heads say, under the reference's names."""
    names = ("a", "b", "c", "fake", "self", "inter")
    pictures = jnp.concatenate((*self.image, *fakes[:3]))
    last = jnp.split(relgan_losses.features(model, pictures), len(names))
    h = dict(zip(names, last, strict=True))
    v, v_ac, v_cb = (self.vectors[:, i : i + 1] for i in range(3))
    pairs = {
      "real": ("a", "b", v),
      "fake": ("a", "fake", v),
      "wrong_orig": ("c", "b", v),
      "wrong_target": ("a", "c", v),
      "wrong_vector1": ("a", "b", v_ac),
      "wrong_vector2": ("a", "b", v_cb),
    }
    maps = {
      f"{name}_match": relgan_losses.match(model, h[s], h[t], vector)
      for name, (s, t, vector) in pairs.items()
    }
    for name, image in (("real", "b"), ("fake", "fake")):
      adversarial = relgan_losses.judge(model, h[image])
      maps[f"{name}_adv"] = jnp.moveaxis(adversarial, 3, 1)
    return maps | {
      f"interp_{name}": relgan_losses.interpolate(model, h[name])[:, None]
      for name in ("self", "fake", "inter")
    }

  def _maps(self, model, statistics, train):
    """Maps and channel weights of every hook, under the reference's names."""
    a, v = self.image.source, self.vectors[:, 0]
    vectors = v[:, None] * jnp.eye(v.shape[1])
    scores = [f"match_{k}" for k in range(v.shape[1])]
    vectors = jnp.concatenate([v[:, None], vectors], 1)
    scores = ["match", *scores]
    if train:
      vectors, scores = vectors[:, :1], scores[:1]

    def generate(taps):
      (image, activations), _ = _apply(model, statistics, a, v, train, taps)
      return image, activations

    def score(image):
      h = (relgan_losses.features(model, x) for x in (a, image))
      return relgan_losses.match(model, *h, vectors).mean((0, 2, 3)) * len(a)

    shapes = jax.eval_shape(generate, {})[1]
    taps = {name: jnp.zeros(x.shape) for name, x in shapes.items()}
    image, pull, activations = jax.vjp(generate, taps, has_aux=True)
    gradients = jax.vmap(lambda x: pull(x)[0])(jax.jacrev(score)(image))
    found = {}
    for i, kind in enumerate(scores):
      for name, activation in activations.items():
        gradient = gradients[name][i]
        found[f"{name}/{kind}"] = attention.grad_cam(gradient, activation)
        if kind == "match":
          found[f"{name}/alpha_match"] = gradient.mean((1, 2))
    return found


def _apply(model, statistics, image, vector, train, taps=None):
  outputs, updated = model.networks.generator.apply(
    {"params": model.generator, "batch_stats": statistics},
    image,
    vector,
    taps,
    mutable=["batch_stats"] if train else [],
  )
  return outputs, updated.get("batch_stats", statistics)


def _generate(model, statistics, image, vector, train=True):
  (image, _), statistics = _apply(model, statistics, image, vector, train)
  return image, statistics
