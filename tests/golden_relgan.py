"""RelGAN's golden arrays, and what our code makes of the same inputs.

Everything is computed by one program. Our vectors are target minus original,
and so are those of the golden file.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from akd_jax.configs import relgan
from akd_jax.distillation import attention
from akd_jax.models.relgan import Discriminator, Generator
from akd_jax.systems import relgan_losses
from akd_jax.systems.arrangements import translate_once
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.model import translate as translate_in_use
from akd_jax.systems.randomness import Draws
from akd_jax.systems.relgan import RELGAN
from akd_jax.training.step import discriminator_loss, generator_loss
from tests.golden_arrays import load, nhwc, part

GENERATOR = Generator(width=6, blocks=3)
DISCRIMINATOR = Discriminator(8, 4, match_width=48, classes=5)
# Every activation that has a name, in the order of the data flow.
NAMES = (
  "down2",
  *(f"{hook}_{i}" for i in range(3) for hook in ("branch", "block")),
  "up2",
  "up1",
)
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
    self.model = Model(
      generator["params"],
      discriminator["params"],
      Networks(GENERATOR, DISCRIMINATOR),
      generator["batch_stats"],
    )
    images = jnp.stack([nhwc(self.arrays[f"img_{x}"]) for x in "abc"])
    labels = jnp.stack([jnp.asarray(self.arrays[f"att_{x}"]) for x in "abc"])
    # Both networks' interpolations are at the same place.
    places = ("gp_alpha", "inter_alpha", "inter_alpha")
    places = np.stack([self.arrays[name].ravel() for name in places])
    self.discriminator_batches, self.generator_batch = RELGAN.arrange(
      jnp.zeros(()),
      images,
      labels,
      Draws(labels[1:2], jnp.asarray(places), labels[0]),
    )
    self.config = relgan.get_config("celeba")
    # The golden file's, which shows in a gradient.
    self.config.loss.lambda_orthogonality = 1e-2

  def reference(self, prefix):
    """Their arrays under a prefix, by our names."""
    return variables(self.arrays, prefix)

  @functools.cached_property
  def computed(self):
    """All that is compared, by one program."""
    return jax.jit(self._compute)(self.model)

  def _compute(self, model):
    batch = self.generator_batch
    given = RELGAN.generator_label(batch.target, batch.label)
    fakes, after_d = RELGAN.fakes(
      model, self.discriminator_batches, given[None]
    )
    fakes = jax.tree.map(lambda x: x[0], fakes)
    d_gradient, d_terms = jax.grad(discriminator_loss, has_aux=True)(
      model.discriminator, model, fakes, self.config
    )

    def loss(params):
      trained = dataclasses.replace(model, generator=params)
      translation = RELGAN.translate(trained, batch, given, ())
      total, terms = generator_loss(
        trained, translation, None, batch, self.config
      )
      others = translation.others | {"translated": translation.image}
      return total, (terms, others, translation.model.statistics)

    g_gradient, (g_terms, images, after_g) = jax.grad(loss, has_aux=True)(
      model.generator
    )
    used = translate_in_use(model, batch.image, given, NAMES)
    trained = translate_once(model, batch, given, NAMES)
    return {
      "images": images | {"used": used.image, "fake": fakes.fake},
      "fakes": fakes.more,
      "answers": self._answers(model, fakes),
      "D_loss": d_terms,
      "G_loss": g_terms,
      "D_grad": d_gradient,
      "G_grad": g_gradient,
      "G_after_D_step": after_d.statistics,
      "G_after_G_step": after_g,
      "attention": _maps(model, used, range(given.shape[1])),
      "attention_train": _maps(model, trained, ()),
    }

  def _answers(self, model, fakes):
    """What the heads say, under the reference's names."""
    pictures = {
      "a": fakes.image,
      "b": fakes.more["target_image"],
      "c": fakes.more["other_image"],
      "fake": fakes.fake,
      "self": fakes.more["unchanged"],
      "inter": fakes.more["between"],
    }
    last, _ = relgan_losses.look(model, jnp.concatenate([*pictures.values()]))
    h = dict(zip(pictures, jnp.split(last, len(pictures)), strict=True))
    labels = fakes.label, fakes.target, fakes.more["other_label"]
    v, v_ac, v_cb = jnp.split(relgan_losses.relative_vectors(*labels), 3, 1)
    pairs = {
      "real": ("a", "b", v),
      "fake": ("a", "fake", v),
      "wrong_orig": ("c", "b", v),
      "wrong_target": ("a", "c", v),
      "wrong_vector1": ("a", "b", v_ac),
      "wrong_vector2": ("a", "b", v_cb),
    }
    answers = {
      f"{name}_match": relgan_losses.match(model, h[s], h[t], vector)
      for name, (s, t, vector) in pairs.items()
    }
    answers |= {
      f"{name}_adv": jnp.moveaxis(relgan_losses.judge(model, h[of]), 3, 1)
      for name, of in (("real", "b"), ("fake", "fake"))
    }
    answers |= {
      f"interp_{name}": relgan_losses.interpolate(model, h[name])[:, None]
      for name in ("self", "fake", "inter")
    }
    return answers | {"v_ab": v[:, 0], "v_ac": v_ac[:, 0], "v_cb": v_cb[:, 0]}


def _maps(model, translation, attributes):
  """Maps, and channel weights of the whole vector, by the reference's names."""
  translated = RELGAN.complete(model, translation)
  shape = translation.given.shape
  one_hot = jax.nn.one_hot(jnp.array(attributes, int), shape[1])
  asked = jnp.concatenate([jnp.ones((1, shape[1])), one_hot])

  def look(weights):
    weights = jnp.broadcast_to(weights, shape)
    gradient = translated.pull_classes(weights)
    pulled = translation.pull(gradient)
    alphas = {name: x.mean((1, 2)) for name, x in pulled.items()}
    return attention.attention_maps(translated, gradient), alphas

  maps, alphas = jax.vmap(look)(asked)
  kinds = ["match", *(f"match_{k}" for k in attributes)]
  found = {f"{name}/alpha_match": x[0] for name, x in alphas.items()}
  for name, of_all in maps.items():
    found |= {f"{name}/{k}": x for k, x in zip(kinds, of_all, strict=True)}
  return found
