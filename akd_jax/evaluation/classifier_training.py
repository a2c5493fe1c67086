"""The attribute classifier: how it is trained, and what it says of pictures."""

import functools
import sys
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, nearest
from akd_jax.data.pipeline import read_in_batches, training_batches
from akd_jax.evaluation.metrics.accuracy import agreement, spread
from akd_jax.inference.batches import in_pieces
from akd_jax.interop.torch_file import digest_in_name, read_state_dict
from akd_jax.interop.torch_resnet import from_imagenet
from akd_jax.models.resnet import (
  ResNet,
  Variables,
  draw_variables,
  resnet18,
  resnet50,
)

_NETWORKS = {"resnet18": resnet18, "resnet50": resnet50}
# Images judged at once.
_PIECE = 32
# Enough for the progress line; the test split is judged whole.
_VALIDATION_IMAGES = 2_000
_SECONDS_BETWEEN_LINES = 5.0


class Classifier(NamedTuple):
  """A trained network.

  Attributes:
    network: its architecture.
    variables: its parameters and batch statistics.
    metadata: what it was trained on, and its accuracy on the test split.
  """

  network: ResNet
  variables: Variables
  metadata: dict[str, Any]

  def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits [N, C] and features [N, F] of uint8 images [N, S, S, 3]."""
    function = functools.partial(_forward, self.network, self.variables)
    return in_pieces(function, _PIECE, images)


def create_network(config: ConfigDict) -> ResNet:
  """The architecture that `config.classifier` names."""
  name = config.classifier.name
  if name not in _NETWORKS:
    raise UserError(
      f"config.classifier.name={name!r} is none of {', '.join(_NETWORKS)}"
      + nearest(name, _NETWORKS)
    )
  return _NETWORKS[name](
    classes=len(config.data.attributes), width=config.classifier.width
  )


def train_classifier(
  config: ConfigDict, train: Any, validation: Any
) -> Variables:
  """Trains on random flips of `train`, by AdamW on a cosine schedule."""
  settings = config.classifier
  network = create_network(config)
  batch_size = min(settings.batch_size, len(train))
  steps_per_epoch = len(train) // batch_size
  steps = settings.epochs * steps_per_epoch
  optimizer = optax.adamw(
    optax.cosine_decay_schedule(settings.learning_rate, steps),
    weight_decay=settings.weight_decay,
    mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params),
  )
  variables = jax.device_put(_first_variables(network, settings))
  moments = optimizer.init(variables["params"])
  batches = training_batches(
      train, batch_size=batch_size, n_critic=1, seed=settings.seed,
      threads=config.data.threads,
  )  # fmt: skip
  say(f"training {settings.name} on {len(train):,} images, {steps:,} steps")
  started = said = time.monotonic()
  for step in range(1, steps + 1):
    batch = next(batches)
    variables, moments, loss = _update(
        network, optimizer, config.data.label_rule, variables, moments,
        batch["image"][0], batch["label"][0],
    )  # fmt: skip
    if not np.isfinite(loss):
      raise UserError(
        f"the classifier's loss is {loss} at step {step}: lower"
        f" config.classifier.learning_rate={settings.learning_rate}"
      )
    now = time.monotonic()
    if step == 1:
      started = said = now  # It compiled: that foretells nothing.
    elif now - said > _SECONDS_BETWEEN_LINES:
      said = now
      left = (now - started) / (step - 1) * (steps - step)
      say(f"step {step:,}/{steps:,}, loss {loss:.4f}, {left:.0f} s left")
    if step % steps_per_epoch == 0:
      accuracy = accuracy_on(
          config, Classifier(network, variables, {}), validation,
          _VALIDATION_IMAGES,
      )  # fmt: skip
      say(
        f"epoch {step // steps_per_epoch}/{settings.epochs}, right on"
        f" {accuracy['mean']:.2%} of the validation split"
      )
  return variables


def _first_variables(network: ResNet, settings: ConfigDict) -> Variables:
  """Drawn, or ImageNet's with a drawn last layer, whose classes are others."""
  drawn = draw_variables(network, settings.seed)
  path = settings.weights
  if not path:
    return drawn
  given = from_imagenet(read_state_dict(path, digest_in_name(path)))
  given["params"]["fc"] = drawn["params"]["fc"]
  if jax.tree.map(np.shape, given) != jax.tree.map(np.shape, drawn):
    raise UserError(
      f"config.classifier.weights={path} are not those of a {settings.name} of"
      f" width {settings.width}"
    )
  return given


@functools.partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(3, 4))
def _update(
  network: ResNet,
  optimizer: optax.GradientTransformation,
  label_rule: str,
  variables: Variables,
  moments: optax.OptState,
  image: jax.Array,
  label: jax.Array,
) -> tuple[Variables, optax.OptState, jax.Array]:
  """One step on uint8 images [B, S, S, 3] with 0/1 labels [B, C]."""

  def mean_loss(params: Any) -> tuple[jax.Array, Any]:
    (logits, _), statistics = network.apply(
      {**variables, "params": params},
      _to_unit(image),
      train=True,
      mutable=["batch_stats"],
    )
    target = label.astype(jnp.float32)
    if label_rule == "exclusive":
      losses = optax.softmax_cross_entropy(logits, target)
    else:
      losses = optax.sigmoid_binary_cross_entropy(logits, target)
    return jnp.mean(losses), statistics

  gradient = jax.value_and_grad(mean_loss, has_aux=True)
  (loss, statistics), grads = gradient(variables["params"])
  updates, moments = optimizer.update(grads, moments, variables["params"])
  params = optax.apply_updates(variables["params"], updates)
  return {"params": params, **statistics}, moments, loss


@functools.partial(jax.jit, static_argnums=0)
def _forward(
  network: ResNet, variables: Variables, image: jax.Array
) -> tuple[jax.Array, jax.Array]:
  outputs: Any = network.apply(variables, _to_unit(image))
  return outputs


def _to_unit(image: jax.Array) -> jax.Array:
  """uint8 to [-1, 1]."""
  return image.astype(jnp.float32) / 127.5 - 1


def accuracy_on(
  config: ConfigDict, classifier: Classifier, source: Any, limit: int = 0
) -> dict[str, Any]:
  """Accuracy on at most `limit` (0: all) images of a source."""
  chosen = spread(len(source), limit).tolist()
  logits: list[np.ndarray] = []
  labels: list[np.ndarray] = []
  for images, known in read_in_batches(source, chosen, config.data.threads):
    logits.append(classifier.predict(images)[0])
    labels.append(known)
  return agreement(
      np.concatenate(logits), np.concatenate(labels), config.data.attributes,
      config.data.label_rule,
  )  # fmt: skip


def say(message: str) -> None:
  print(f"classifier: {message}", file=sys.stderr, flush=True)
