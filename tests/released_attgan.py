"""Arrays of the released AttGAN and STGAN under our names.

Their PyTorch ports name layers alike: AttGAN's `enc_layers.0.layers.1.weight`
is STGAN's `encoder.0.1.weight`.
"""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from akd_jax.distillation.attention import attention_maps
from akd_jax.systems import SYSTEMS
from akd_jax.systems.arrangements import DiscriminatorBatch, GeneratorBatch
from akd_jax.systems.model import Model, translate
from akd_jax.training.step import discriminator_loss, generator_loss
from tests.golden_arrays import load, nhwc, part

# What only one of the two says, in the words of the patterns below.
_WORDS = {
  "enc_layers": "encoder", "dec_layers": "decoder", ".layers": "",
  "fc_adv": "critic", "fc_cls": "classifier", "fc_att": "classifier",
  "_gate.0": "", "hidden.0": "hidden", "stu": "unit",
}  # fmt: skip
# The layer of a name but for its last word: the layer in our paths.
_LAYERS = {
  r"(encoder|decoder)\.(\d)\.0": r"\1/layer_\2/conv",
  r"(encoder|decoder)\.(\d)\.1": r"\1/layer_\2/norm",
  r"unit\.(\d)\.(upsample|reset|update|hidden)": r"unit_\1/\2",
  r"conv\.(\d)\.0": r"layer_\1",
  r"conv\.(\d)\.1": r"norm_\1",
  r"(critic|classifier)\.0(\.0)?": r"\1_hidden",
  r"(critic|classifier)\.[12](\.0)?": r"\1",
}
_NORM = {
  "weight": "scale", "bias": "bias", "running_mean": "mean",
  "running_var": "var",
}  # fmt: skip
_OTHERS = {"weight": "kernel", "bias": "bias"}


def parameters(state):
  """Our nested parameters of a state dict, or of its gradient."""
  return _nested({k: x for k, x in state.items() if "running" not in k})


def statistics(state):
  """The running statistics that are in a state dict, nested as ours."""
  return _nested({k: x for k, x in state.items() if "running" in k})


def _nested(state):
  flat = {_path(name): _ours(array) for name, array in state.items()}
  # The decoder's last layer draws the picture, without a norm.
  layers = [x for x in flat if re.match(r"decoder/layer_\d/conv", x)]
  last = max(layers, default="").removesuffix("/kernel")
  flat = {
    path.replace(last, "decoder/output") if last else path: array
    for path, array in flat.items()
  }
  for name in ("critic_hidden/kernel", "classifier_hidden/kernel"):
    if name in flat:
      flat[name] = _flattened_last(flat[name], _widest(flat))
  return traverse_util.unflatten_dict(flat, sep="/")


def _path(name):
  for theirs, ours in _WORDS.items():
    name = name.replace(theirs, ours)
  layer, _, end = name.rpartition(".")
  for pattern, path in _LAYERS.items():
    if found := re.fullmatch(pattern, layer):
      path = found.expand(path)
      return f"{path}/{(_NORM if 'norm' in path else _OTHERS)[end]}"
  raise KeyError(name)


def _ours(array):
  if array.ndim == 4:
    return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
  return array.T


def _widest(flat):
  """Channels of the discriminator's last map."""
  return max(x.shape[-1] for path, x in flat.items() if "layer_" in path)


def _flattened_last(kernel, channels):
  """[C h w, K] to [h w C, K]: we flatten a map's channels last."""
  kernel = kernel.reshape(channels, -1, kernel.shape[-1])
  return kernel.swapaxes(0, 1).reshape(-1, kernel.shape[-1])


class Released:
  """A released system's arrays, and what ours makes of the same inputs.

  Args:
    system: "attgan" or "stgan".
    networks: ours, of the arrays' sizes.
    config: the published recipe, whose weights count.
  """

  def __init__(self, system, networks, config):
    self.arrays = load(system)
    self.system, self.config = SYSTEMS[system], config
    weights = {name: part(self.arrays, f"{name}/") for name in ("G", "D")}
    self.model = Model(
      parameters(weights["G"]),
      parameters(weights["D"]),
      networks,
      statistics(weights["G"]),
    )
    self.image = nhwc(self.arrays["x_real"])
    self.label, self.target = (
      jnp.asarray(self.arrays[name]) for name in ("att_a", "att_b")
    )
    self.given = self.system.generator_label(self.target, self.label)
    self.hooks = sorted(
      {x.split("/")[1] for x in self.arrays if x.startswith("attention/")}
    )

  def compute(self):
    """All that is compared, by one program."""
    return jax.jit(self._compute)(self.model)

  def _compute(self, model):
    one = jnp.zeros(())
    # Released code mixes fake and real the other way round.
    alpha = 1 - self.arrays["gp_alpha"][:, 0, 0, 0]
    batches = DiscriminatorBatch(
      one[None], self.image[None], None, self.label[None], alpha[None],
      self.target[None],
    )  # fmt: skip
    batches, moved = self.system.fakes(model, batches, self.given[None])
    batch = jax.tree.map(lambda x: x[0], batches)
    d_gradient, d_terms = jax.grad(discriminator_loss, has_aux=True)(
      model.discriminator, model, batch, self.config
    )
    g_gradient, g_terms = jax.grad(self._generator_loss, has_aux=True)(
      model.generator, model
    )
    encodings, _ = model.move(
      self.image, method=lambda generator, image: generator.encoder(image)
    )
    trained = self._translate(model, self.hooks)
    evaluated = translate(model, self.image, self.given, self.hooks)
    return {
      "encode": encodings,
      "activations": trained.activations,
      "x_fake": trained.image,
      "x_rec": trained.others["restored"],
      "fake": model.discriminate(batch.fake),
      "real": model.discriminate(self.image),
      "D_loss": d_terms,
      "D_grad": d_gradient,
      "G_after_D_step": moved.statistics,
      "G_loss": g_terms,
      "G_grad": g_gradient,
      "G_after_G_step": trained.model.statistics,
      "eval/x_fake": evaluated.image,
      "eval/fake_att": model.discriminate(evaluated.image).logits,
      "attention": self._maps(model, evaluated),
      "attention_train": self._maps(model, trained),
    }

  def _batch(self):
    return GeneratorBatch(
      jnp.zeros(()), self.image, self.label, self.target, self.target
    )

  def _translate(self, model, names=()):
    return self.system.translate(model, self._batch(), self.given, names)

  def _generator_loss(self, params, model):
    model = dataclasses.replace(model, generator=params)
    translation = self._translate(model)
    return generator_loss(model, translation, None, self._batch(), self.config)

  def _maps(self, model, translation):
    """Maps, channel weights and the largest of the terms that a map is the sum
    of, by hook, [C + 1, ...]; the sum of the classes comes last.
    """
    passed = self.system.complete(model, translation)
    classes = self.target.shape[1]
    each = jnp.repeat(jnp.eye(classes)[:, None], len(self.target), axis=1)

    def look(weights):
      gradient = passed.pull_classes(weights)
      alphas = jax.tree.map(
        lambda x: jnp.mean(x, axis=(1, 2)), passed.pull(gradient)
      )
      terms = {
        name: jnp.max(jnp.abs(alpha[:, None, None] * passed.activations[name]))
        for name, alpha in alphas.items()
      }
      return attention_maps(passed, gradient), alphas, terms

    return jax.lax.map(look, jnp.concatenate([each, self.target[None]]))
