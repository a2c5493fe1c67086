"""How the attribute classifier is trained.

It sees real images of the training split only, never a translated one. Training
that is stopped goes on where it was, to the same bits.
"""

import contextlib
import functools
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from akd_jax.common.errors import Stopped, UserError, WriteError
from akd_jax.data.pipeline import make_batches
from akd_jax.evaluation import kept_arrays, raking
from akd_jax.evaluation.attribute_classifier import (
  Classifier,
  Splits,
  create_network,
  measure_accuracy,
  say,
)
from akd_jax.interop.torch_file import digest_in_name, read_state_dict
from akd_jax.interop.torch_resnet import from_imagenet, to_torch
from akd_jax.models.pixels import to_unit
from akd_jax.models.resnet import ResNet, Variables, draw_variables
from akd_jax.training.preemption import Interruption

# Enough for the progress line; the test split is classified whole.
_VALIDATION_IMAGES = 2_000
_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_SAVES = 60.0


class _Progress(NamedTuple):
  """Where training stands: all that the next step depends on.

  Attributes:
    step: how many are done.
    variables: parameters and batch statistics.
    moments: the optimizer's state.
  """

  step: int
  variables: Variables
  moments: optax.OptState


class _Batch(NamedTuple):
  """B pictures that a step learns from.

  Attributes:
    image: uint8 [B, S, S, 3].
    label: 0/1 [B, C].
    weight: [B], what each picture's loss is multiplied by; None is 1.
  """

  image: jax.Array
  label: jax.Array
  weight: jax.Array | None


def train_classifier(
  config: ConfigDict, splits: Splits, unfinished: Path
) -> Variables:
  """Trains on random flips of `splits.train`, by AdamW on a cosine schedule.

  Args:
    config: its `data` and `classifier`.
    splits: of real images; that for tests is not looked at.
    unfinished: a file that holds where training stands while it goes on, and
      from which the same training is taken up.

  Raises:
    Stopped: SIGTERM or Ctrl-C; saved after the step that was under way.
    UserError: the loss is not finite.
  """
  settings, train = config.classifier, splits.train
  network = create_network(config)
  batch_size = min(settings.batch_size, len(train))
  an_epoch = len(train) // batch_size
  steps = settings.epochs * an_epoch
  optimizer = _optimizer(settings.learning_rate, settings.weight_decay, steps)
  variables = jax.device_put(_first_variables(network, settings))
  progress = _Progress(0, variables, optimizer.init(variables["params"]))
  batches = make_batches(
      train, batch_size=batch_size, micro_batches=1, seed=settings.seed,
      threads=config.data.threads,
  )  # fmt: skip
  say(f"training {settings.name} on {len(train):,} images, {steps:,} steps")
  weights = _weigh(config, train)
  if unfinished.exists():
    progress = _take_up(unfinished, progress, batches)
    say(f"going on from step {progress.step:,}")
  clock = _Clock(progress.step, steps)
  saved = time.monotonic()
  with _interruption() as interruption:
    for step in range(progress.step + 1, steps + 1):
      variables, moments, loss = _update(
          network, optimizer, config.data.label_rule, progress.variables,
          progress.moments, _take_batch(next(batches), weights),
      )  # fmt: skip
      progress = _Progress(step, variables, moments)
      if not np.isfinite(loss):
        raise UserError(
          f"the classifier's loss is {loss} at step {step}: lower"
          f" config.classifier.learning_rate={settings.learning_rate}"
        )
      clock.tick(step, loss)
      stop = interruption is not None and interruption.requested(all_ask=False)
      if stop or time.monotonic() - saved >= _SECONDS_BETWEEN_SAVES:
        try:
          _save(unfinished, progress, batches)
        except WriteError as error:
          # It can go on without; but what is stopped is lost.
          if stop:
            raise
          say(f"{error}: where training stands is not kept")
        saved = time.monotonic()
      if stop:
        raise Stopped(
          f"stopped and saved at step {step:,}/{steps:,} of the classifier:"
          " the same command goes on from here"
        )
      if step % an_epoch == 0:
        metadata = config.data.to_dict()
        classifier = Classifier(network, variables, metadata)
        accuracy = measure_accuracy(
            classifier, splits.validation, config.data.threads,
            _VALIDATION_IMAGES,
        )  # fmt: skip
        say(
          f"epoch {step // an_epoch}/{settings.epochs}, right on"
          f" {accuracy['mean']:.2%} of the validation split"
        )
  return progress.variables


def _weigh(config: ConfigDict, train: Any) -> raking.Weights | None:
  """Returns what pictures weigh in the loss; None where all weigh the same."""
  unbiased = config.classifier.get("unbiased")
  if not unbiased:
    return None
  labels = np.asarray(train.labels)
  weights = raking.rake(labels, train.attributes, unbiased)
  each = weights.of(labels)
  say(
    f"weighed pictures: one counts for up to {each.max():.3g}, and all for"
    f" {raking.measure_effective_size(each):,.0f} of {len(each):,} equal ones"
  )
  return weights


def _take_batch(batch: Any, weights: raking.Weights | None) -> _Batch:
  """Returns the one micro-batch of a batch, with what its pictures weigh."""
  image, label = batch["image"][0], batch["label"][0]
  weight = weights.of(label) if weights else None
  return _Batch(*jax.device_put((image, label, weight)))


# The compiled step knows an optimizer by its identity.
@functools.cache
def _optimizer(
  learning_rate: float, weight_decay: float, steps: int
) -> optax.GradientTransformation:
  """Returns AdamW on a cosine schedule; biases and norms do not decay."""
  return optax.adamw(
    optax.cosine_decay_schedule(learning_rate, steps),
    weight_decay=weight_decay,
    mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params),
  )


def _interruption() -> contextlib.AbstractContextManager[Interruption | None]:
  """Returns what hears SIGTERM and Ctrl-C, where one process is all there is.

  On a pod other processes would go on without this one.
  """
  if jax.process_count() > 1:
    return contextlib.nullcontext()
  return Interruption()


class _Clock:
  """Says how far training is, every few seconds."""

  def __init__(self, first: int, steps: int):
    self._first, self._steps = first, steps
    self._started = self._said = time.monotonic()

  def tick(self, step: int, loss: jax.Array) -> None:
    now = time.monotonic()
    done = step - self._first - 1
    if not done:
      self._started = self._said = now  # It compiled: that foretells nothing.
    elif now - self._said > _SECONDS_BETWEEN_LINES:
      self._said = now
      left = (now - self._started) / done * (self._steps - step)
      say(f"step {step:,}/{self._steps:,}, loss {loss:.4f}, {left:.0f} s left")


def _save(path: Path, progress: _Progress, batches: Any) -> None:
  """Writes where training stands, its arrays by number."""
  leaves = jax.device_get(jax.tree.leaves(progress[1:]))
  arrays = {str(i): leaf for i, leaf in enumerate(leaves)}
  place = {"step": progress.step, "data": batches.get_state()}
  kept_arrays.write(path, arrays, place)


def _take_up(path: Path, first: _Progress, batches: Any) -> _Progress:
  """Reads what `_save` wrote into the shape of `first`; sets the data's place.

  Raises:
    UserError: the file is damaged, or of another network.
  """
  arrays, place = kept_arrays.read(path)
  leaves, shape = jax.tree.flatten(first[1:])
  found = [arrays[str(i)] for i in range(len(arrays))]
  if [x.shape for x in found] != [x.shape for x in leaves]:
    raise UserError(f"{path} is of another network: delete it")
  batches.set_state(place["data"])
  variables, moments = jax.device_put(jax.tree.unflatten(shape, found))
  return _Progress(place["step"], variables, moments)


def _first_variables(network: ResNet, settings: ConfigDict) -> Variables:
  """Draws variables, or of ImageNet's the last layer, whose classes differ."""
  drawn = draw_variables(network, settings.seed)
  path = settings.weights
  if not path:
    return drawn
  found = _without_last(read_state_dict(path, digest_in_name(path)))
  expected = _without_last(to_torch(drawn))
  for name in sorted(expected.keys() ^ found.keys()):
    what = "is missing" if name in expected else "is one too many"
    raise UserError(
      f"config.classifier.weights={path} are not those of a {settings.name}:"
      f" {name[:80]} {what}"
    )
  for name, value in expected.items():
    # Whole numbers are no weights; bfloat16 is of another kind to NumPy.
    if found[name].shape != value.shape or found[name].dtype.kind in "biu":
      raise UserError(
        f"config.classifier.weights={path} are not those of a {settings.name}"
        f" of width {settings.width}: {name} is {found[name].dtype}"
        f" {found[name].shape}, not {value.shape}"
      )
  given = from_imagenet(found)
  given["params"]["fc"] = drawn["params"]["fc"]
  return given


def _without_last(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Returns what is read of a state dict: no last layer, no counts."""
  return {
    name: value
    for name, value in state.items()
    if not name.startswith("fc.") and not name.endswith(".num_batches_tracked")
  }


@functools.partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(3, 4))
def _update(
  network: ResNet,
  optimizer: optax.GradientTransformation,
  label_rule: str,
  variables: Variables,
  moments: optax.OptState,
  batch: _Batch,
) -> tuple[Variables, optax.OptState, jax.Array]:
  """Takes a step; returns variables, the optimizer's state and the loss."""

  def mean_loss(params: Any) -> tuple[jax.Array, Any]:
    (logits, _), statistics = network.apply(
      {**variables, "params": params},
      to_unit(batch.image),
      train=True,
      mutable=["batch_stats"],
    )
    target = batch.label.astype(jnp.float32)
    if label_rule == "multilabel":
      losses = optax.sigmoid_binary_cross_entropy(logits, target)
    else:
      losses = optax.softmax_cross_entropy(logits, target)
    if batch.weight is not None:
      losses *= batch.weight[:, None]
    return jnp.mean(losses), statistics

  gradient = jax.value_and_grad(mean_loss, has_aux=True)
  (loss, statistics), grads = gradient(variables["params"])
  updates, moments = optimizer.update(grads, moments, variables["params"])
  params = optax.apply_updates(variables["params"], updates)
  return {"params": params, **statistics}, moments, loss
