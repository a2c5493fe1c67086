"""A run of the weights of a released system, as a teacher needs it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.config import RECIPES
from akd_jax.common.errors import UserError
from akd_jax.configs.scales import changed
from akd_jax.data.attributes import check_names
from akd_jax.data.photos.source import EXCLUSIVE, find_exclusive
from akd_jax.interop.releases import RELEASES
from akd_jax.interop.torch_file import read_checkpoint
from akd_jax.interop.torch_weights import Released, unwrap
from akd_jax.systems import system_of
from akd_jax.systems.model import Model
from akd_jax.training.run import Run
from akd_jax.training.shapes import parameter_shapes


def read_networks(
  path: str, discriminator: str | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
  """Reads the generator and the discriminator, None where there is none.

  Args:
    path: a state dict, or a file of state dicts G and D.
    discriminator: the same for the discriminator; None is D of `path`.

  Raises:
    UserError: a file cannot be read, or has no such state dict.
  """
  parts = read_checkpoint(path)
  generator = _part(parts, "G", path)
  if discriminator is None:
    return generator, parts.get("D")
  return generator, _part(read_checkpoint(discriminator), "D", discriminator)


def _part(
  parts: Mapping[str, dict[str, Any]], name: str, path: str
) -> dict[str, Any]:
  found = parts.get(name, parts.get(""))
  if found is None:
    raise UserError(
      f"{path} holds the state dicts {', '.join(parts)}, but no {name}"
    )
  return found


def convert(
  generator: Mapping[str, Any],
  discriminator: Mapping[str, Any] | None,
  attributes: Sequence[str],
  data: str = "celeba",
  step: int = 0,
  image_size: int | None = None,
) -> Run:
  """Returns a run of the state dicts of a released system.

  Args:
    generator, discriminator: names to arrays, as PyTorch has them. Without a
      discriminator, the run's model has none.
    attributes: names of the classes, in the order of the label.
    data: whose recipe the run has, "celeba" or "rafd".
    step: steps that made them.
    image_size: side of the pictures; None is what the discriminator says, or
      the recipe.

  Raises:
    UserError: one is no such network, or has weights that are no numbers of
      single precision, or they have other classes, or see pictures of another
      size.
  """
  check_names(attributes, "--attributes")
  system, released = _read(generator, discriminator)
  _check_classes(released, attributes)
  config = RECIPES[system].get_config(data)
  fields = {"data.image_size": image_size or config.data.image_size}
  config = changed(config, fields | released.fields)
  _check_size(config, image_size)
  config.data.attributes = tuple(attributes)
  config.steps = max(step, 1)
  exclusive = (
    (tuple(attributes),)
    if config.data.label_rule == "exclusive"
    else find_exclusive(attributes, released.exclusive or EXCLUSIVE)
  )
  config.data.exclusive = exclusive
  model = Model(
    released.generator,
    released.discriminator,
    system_of(config).create_networks(config),
    released.statistics,
  )
  if model.discriminator is not None:
    parameter_shapes(config, "--from and --discriminator")
  return Run(config, tuple(attributes), exclusive, model, step)


def _read(
  generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None
) -> tuple[str, Released]:
  """Recognizes a generator's system, and reads both networks."""
  generator = unwrap(generator)
  for system, release in RELEASES.items():
    if release.first_array in generator:
      other = None if discriminator is None else unwrap(discriminator)
      return system, release.read(generator, other)
  every = RELEASES.values()
  raise UserError(
    f"--from is no generator of {', '.join(x.title for x in every)}: it has"
    f" none of the arrays {', '.join(x.first_array for x in every)}"
  )


def _check_classes(released: Released, attributes: Sequence[str]) -> None:
  for which, count in released.classes.items():
    if count != len(attributes):
      raise UserError(
        f"--attributes names {len(attributes)}, but {which} has {count} classes"
      )


def _check_size(config: ConfigDict, image_size: int | None) -> None:
  found = config.data.image_size
  if image_size and found != image_size:
    raise UserError(
      f"--image_size={image_size}, but the discriminator sees pictures of"
      f" {found} pixels: leave it out"
    )
