"""Pictures through a trained generator, with or without its attention."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.distillation.akd import check_options
from akd_jax.distillation.attention import attention_maps
from akd_jax.distillation.mapping import Place, Teacher, map_label, placed
from akd_jax.distillation.terms import distils
from akd_jax.inference.batches import apply_in_pieces
from akd_jax.inference.network import Wanted
from akd_jax.models.convolutions import on_cpu
from akd_jax.models.pixels import to_uint8, to_unit
from akd_jax.models.stargan import MASK
from akd_jax.models.taps import Activations
from akd_jax.systems import model as models
from akd_jax.systems import system_of
from akd_jax.systems.model import Model, Networks
from akd_jax.systems.system import System
from akd_jax.training.run import Run
from akd_jax.training.run_dir import digest_model, is_finished
from akd_jax.training.same_run import check_origins
from akd_jax.training.teacher import open_teacher


class Translator(NamedTuple):
  """A trained generator, and what the attributes that are set are to it.

  Attributes:
    name: "teacher", "student" or "generator".
    attributes: the T that its generator knows; a teacher of pseudo-attention
      knows others than the C that are set.
    system: what its generator is given.
    model: its discriminator is the one whose class score attention is taken
      from.
    conditions: [C, T], from the attributes that are set to its own.
    scorer: the system of the discriminator.
    selectors: [C, T'], from the attributes that are set to the discriminator's
      classes.
    place: see `Teacher.place`.
  """

  name: str
  attributes: tuple[str, ...]
  system: System
  model: Model
  conditions: np.ndarray
  scorer: System
  selectors: np.ndarray
  place: Place | None = None

  def name_activation(self, options: ConfigDict) -> str:
    """Names the activation that config.attention distils.

    Raises:
      UserError: there is none, or no such map: a run may have been trained with
        one that somebody has put into MAPS.
    """
    check_options(options)
    generator = self.model.networks.generator
    options = placed(options, self.place)
    return self.system.name_activation(options, generator)

  def list_activations(self, options: ConfigDict) -> tuple[str, ...]:
    """Lists all activations that can be looked at, along the data flow."""
    generator = self.model.networks.generator
    options = placed(options, self.place)
    return self.system.list_activations(options, generator)


def translators_of(
  config: ConfigDict, model: Model, teacher: Teacher | None
) -> list[Translator]:
  """Returns a trained generator, after its teacher where it has one.

  Attention is looked at as in training: a student's from the logits that
  `config.attention.discriminator` names.

  Args:
    config: the generator's, resolved.
    model: it, and its discriminator.
    teacher: what it was or could have been taught by.
  """
  attributes = tuple(config.data.attributes)
  own = np.eye(len(attributes), dtype=np.float32)
  system = system_of(config)
  alone = Translator("generator", attributes, system, model, own, system, own)
  if teacher is None:
    return [alone]
  mapping = np.asarray(teacher.mapping)
  above = Translator(
    "teacher", teacher.attributes, teacher.system, teacher.model,
    mapping, teacher.system, mapping, teacher.place,
  )  # fmt: skip
  student = alone._replace(name="student")
  if config.attention.discriminator == "teacher":
    student = student._replace(
      model=scored_by(model, teacher.model),
      scorer=teacher.system,
      selectors=mapping,
    )
  return [above, student]


def load_translators(run: Run) -> list[Translator]:
  """Returns `translators_of` a finished run, its teacher loaded.

  Raises:
    UserError: the run was distilled, and its teacher is not there.
  """
  return translators_of(run.config, run.model, _teacher_of(run))


def _teacher_of(run: Run) -> Teacher | None:
  directory = run.config.teacher
  # A teacher's config has no config.pseudo.
  if not directory or "pseudo" not in run.config:
    return None
  if not is_finished(directory):
    if distils(run.config):
      raise UserError(f"{directory}, its teacher, is not there or not finished")
    return None
  try:
    teacher = open_teacher(run.config)
    if distils(run.config):
      check_origins(
        run.origins,
        {"teacher": digest_model(teacher.model)},
        run.config,
        "this run",
      )
    return teacher
  except UserError:
    # Nothing was learnt from it, so that nobody has looked whether it could.
    if distils(run.config):
      raise
    return None


def scored_by(model: Model, other: Model) -> Model:
  """Returns the generator of `model` with the discriminator of another."""
  pair = model.networks.generator, other.networks.discriminator
  return dataclasses.replace(
    model, discriminator=other.discriminator, networks=Networks(*pair)
  )


@flax.struct.dataclass
class _Program:
  """Of a translator, what decides which program translates."""

  model: Model
  # None where the attributes that are set are its own.
  conditions: jax.typing.ArrayLike | None
  selectors: jax.typing.ArrayLike | None
  system: System = flax.struct.field(pytree_node=False)
  scorer: System = flax.struct.field(pytree_node=False)

  def given(self, wanted: Wanted) -> jax.Array:
    """Returns what the generator is given for the attributes that are set."""
    return self.system.test_label(*_mapped(wanted, self.conditions))

  def scored(self, wanted: Wanted) -> jax.Array:
    """Returns what a generator of the discriminator's system would be given."""
    return self.scorer.test_label(*_mapped(wanted, self.selectors))


def _mapped(wanted: Wanted, mapping: Any) -> Iterator[jax.Array]:
  """Yields targets, labels and edits in the attributes of a network."""
  for label in wanted:
    # As they are: a label between two, or beyond one, too.
    own = mapping is None
    yield jnp.asarray(label, jnp.float32) if own else map_label(label, mapping)


def _program(translator: Translator) -> _Program:
  def unless_own(mapping: np.ndarray) -> np.ndarray | None:
    return None if np.array_equal(mapping, np.eye(len(mapping))) else mapping

  return _Program(
    translator.model,
    unless_own(translator.conditions),
    unless_own(translator.selectors),
    translator.system,
    translator.scorer,
  )


@jax.jit
def _translate(program, image, *wanted):
  given = program.given(Wanted(*wanted))
  return to_uint8(program.model.generate(to_unit(image), given)[0])


def _piece(count: int) -> int:
  """Pictures at once: few on a CPU, where pieces run side by side."""
  return 1 if count == 1 else 8 if on_cpu() else 64


def translate(
  translator: Translator, images: np.ndarray, wanted: Wanted
) -> np.ndarray:
  """Translates images.

  Args:
    translator: whose generator.
    images: uint8 [N, S, S, 3].
    wanted: what is asked of each.

  Returns:
    uint8 [N, S, S, 3].
  """
  function = functools.partial(_translate, _program(translator))
  return apply_in_pieces(function, _piece(len(images)), images, *wanted)


@functools.partial(jax.jit, static_argnames=("names", "method"))
def _attend(program, image, weights, *wanted, names, method):
  asked, model = Wanted(*wanted), program.model
  translation = models.translate(
    model, to_unit(image), program.given(asked), names
  )
  translated = program.scorer.complete(
    model, translation._replace(given=program.scored(asked))
  )
  gradient = translated.pull_classes(weights)
  maps = attention_maps(translated, gradient, method=method)
  return to_uint8(translated.image), maps | _drawn(translated.activations)


def _drawn(activations: Activations) -> dict[str, jax.Array]:
  """Where a blend says that it draws: its mask is 1 where it copies."""
  if MASK not in activations:
    return {}
  return {MASK: 1 - activations[MASK][..., 0]}


class Look(NamedTuple):
  """Where attention is looked at, and how.

  Attributes:
    names: of activations.
    method: one of distillation's MAPS.
  """

  names: Sequence[str]
  method: str


def translate_with_attention(
  translator: Translator,
  images: np.ndarray,
  wanted: Wanted,
  classes: np.ndarray,
  look: Look,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  """Translates, and says where the generator looked.

  Args:
    translator, images, wanted: see `translate`.
    classes: [N, C], how much each attribute counts in the class score of each
      map: a one-hot row for the map of one attribute.
    look: which activations.

  Returns:
    uint8 [N, S, S, 3], and maps {name: [N, h, w]}. Of a blend there is one
    more, MASK, [N, S, S] in [0, 1]: where it draws what it does not copy.
  """
  weights = np.asarray(classes, np.float32) @ translator.selectors
  function = functools.partial(
    _attend,
    _program(translator),
    names=tuple(look.names),
    method=look.method,
  )
  size = _piece(len(images))
  return apply_in_pieces(function, size, images, weights, *wanted)
