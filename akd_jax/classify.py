"""The attribute classifier that judges translations: trained once, then kept.

It sees real images of the training split only, never a translated one.
"""

import functools
import hashlib
import json
import os
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from akd_jax.data.pipeline import training_batches
from akd_jax.errors import UserError, nearest
from akd_jax.metrics.accuracy import agreement, spread
from akd_jax.models.classifier import (
    ResNet,
    Variables,
    draw_variables,
    resnet18,
    resnet50,
)

_NETWORKS = {"resnet18": resnet18, "resnet50": resnet50}
# Images judged at once.
_FORWARD_BATCH = 128
# Enough for the progress line; the test split is judged whole.
_VALIDATION_IMAGES = 2_000
_SECONDS_BETWEEN_LINES = 5.0
# What np.load raises on a file cut short.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


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
    logits, features = [], []
    for start in range(0, len(images), _FORWARD_BATCH):
      batch = images[start : start + _FORWARD_BATCH]
      # Every batch has one size, so that the network is compiled once.
      missing = _FORWARD_BATCH - len(batch)
      padded = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))
      outputs = _forward(self.network, self.variables, padded)
      logits.append(np.asarray(outputs[0])[: len(batch)])
      features.append(np.asarray(outputs[1])[: len(batch)])
    return np.concatenate(logits), np.concatenate(features)


def load_or_train(
    config: ConfigDict, directory: str | Path, train: Any, validation: Any,
    test: Any,
) -> Classifier:  # fmt: skip
  """Returns the classifier of a config, training it if there is none yet.

  Args:
    config: its `data` and `classifier` fields decide which classifier it is.
    directory: where classifiers are kept.
    train: source of real images to learn from.
    validation: source for the accuracy shown on the way.
    test: source for the accuracy kept in the metadata.
  """
  network = create_network(config)
  data_digest = _data_digest(config, train)
  digest = _digest(data_digest, config.classifier.to_dict())
  path = Path(directory) / f"classifier-{digest}.npz"
  if path.exists():
    classifier = Classifier(network, *_load(path))
    accuracy = classifier.metadata["test_accuracy"]["mean"]
    _say(f"reusing {path}, right on {accuracy:.2%} of the test split")
    return classifier
  variables = train_classifier(config, train, validation)
  accuracy = _accuracy(config, Classifier(network, variables, {}), test)
  metadata = {
      **config.classifier.to_dict(),
      "attributes": list(config.data.attributes),
      "label_rule": config.data.label_rule,
      "image_size": config.data.image_size,
      "data_digest": data_digest,
      "training_images": len(train),
      "test_images": len(test),
      "test_accuracy": accuracy,
  }
  _save(path, variables, metadata)
  _say(f"right on {accuracy['mean']:.2%} of the test split; kept in {path}")
  return Classifier(network, variables, metadata)


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
  variables = jax.device_put(draw_variables(network, settings.seed))
  moments = optimizer.init(variables["params"])
  batches = training_batches(
      train, batch_size=batch_size, n_critic=1, seed=settings.seed,
      threads=config.data.threads,
  )  # fmt: skip
  _say(f"training {settings.name} on {len(train):,} images, {steps:,} steps")
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
      _say(f"step {step:,}/{steps:,}, loss {loss:.4f}, {left:.0f} s left")
    if step % steps_per_epoch == 0:
      accuracy = _accuracy(
          config, Classifier(network, variables, {}), validation,
          _VALIDATION_IMAGES,
      )  # fmt: skip
      _say(
          f"epoch {step // steps_per_epoch}/{settings.epochs}, right on"
          f" {accuracy['mean']:.2%} of the validation split"
      )
  return variables


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


def _accuracy(
    config: ConfigDict, classifier: Classifier, source: Any, limit: int = 0
) -> dict[str, Any]:
  """Accuracy on at most `limit` (0: all) images of a source."""
  chosen = spread(len(source), limit).tolist()
  logits: list[np.ndarray] = []
  labels: list[np.ndarray] = []
  with ThreadPoolExecutor(max(config.data.threads, 1)) as pool:
    for start in range(0, len(chosen), _FORWARD_BATCH):
      part = chosen[start : start + _FORWARD_BATCH]
      records = list(pool.map(source.__getitem__, part))
      images = np.stack([record["image"] for record in records])
      logits.append(classifier.predict(images)[0])
      # From the records: a source may replace what it cannot read.
      labels.extend(record["label"] for record in records)
  return agreement(
      np.concatenate(logits), np.stack(labels), config.data.attributes,
      config.data.label_rule,
  )  # fmt: skip


def _data_digest(config: ConfigDict, train: Any) -> str:
  """Tells data sets apart by the fields that choose images, and by a look.

  The labels notice a folder that has grown, the first image a data set that
  is drawn or decoded in another way.
  """
  fields = config.data.to_dict()
  fields.pop("threads")  # Changes how fast, not what.
  look = hashlib.sha256(np.asarray(train.labels).tobytes())
  look.update(train[0]["image"].tobytes())
  return _digest(fields, look.hexdigest())


def _digest(*parts: Any) -> str:
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def _save(path: Path, variables: Variables, metadata: dict[str, Any]) -> None:
  """Writes the file whole or not at all, under a temporary name first."""
  arrays = flatten_dict(jax.device_get(variables), sep="/")
  arrays["metadata"] = np.array(json.dumps(metadata))
  path.parent.mkdir(parents=True, exist_ok=True)
  partial = path.with_suffix(f".{os.getpid()}.partial")
  try:
    with open(partial, "wb") as file:
      np.savez(file, **arrays)
    os.replace(partial, path)
  finally:
    partial.unlink(missing_ok=True)


def _load(path: Path) -> tuple[Variables, dict[str, Any]]:
  try:
    # Opened here: np.load leaves a damaged file open.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
      arrays = dict(kept)
    metadata = json.loads(str(arrays.pop("metadata")))
  except _DAMAGED as error:
    raise UserError(f"{path} is damaged ({error}): delete it") from error
  return jax.device_put(unflatten_dict(arrays, sep="/")), metadata


def _say(message: str) -> None:
  print(f"classifier: {message}", file=sys.stderr, flush=True)
