"""The generator of a run, and its attention."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.inference import translator as translators
from akd_jax.inference.description import describe
from akd_jax.inference.network import Wanted
from akd_jax.inference.translator import Look, Translator
from akd_jax.training.run import Run


class RunNetwork:
  """A `Network` of a run.

  Attributes:
    run: whose generator it is.
    about: what `describe` returns.
  """

  def __init__(self, run: Run):
    self.run = run
    self.about: Mapping[str, Any] = describe(run)
    alone = translators.translators_of(run.config, run.model, None)
    (self._translator,) = alone

  def translate(self, images: np.ndarray, wanted: Wanted) -> np.ndarray:
    """Translates uint8 [N, S, S, 3]."""
    return translators.translate(self._translator, images, wanted)

  @property
  def explained(self) -> str:
    """Whose logits its attention explains, in words."""
    return self._attentive[1]

  @functools.cached_property
  def _attentive(self) -> tuple[Translator, str]:
    """The generator with the discriminator that attention is taken from.

    That is the teacher's where config.attention asks for it; without its
    teacher, which may be elsewhere, a student is asked about its own.
    """
    try:
      *_, translator = translators.load_translators(self.run)
    except UserError as error:
      return self._translator, f"its own discriminator ({error})"
    own = translator.model.discriminator is self.run.model.discriminator
    whose = "its own" if own else "its teacher's"
    return translator, f"{whose} discriminator"

  def check_attention(self, block: str | None) -> None:
    """Refuses a block that `attend` could not take.

    Raises:
      UserError: it has no such block.
    """
    self._name_activation(block)

  def _name_activation(self, block: str | None) -> str:
    options = self.run.config.attention
    if block is not None:
      options = ConfigDict(options.to_dict() | {"block": block})
    return self._attentive[0].name_activation(options)

  def attend(
    self,
    images: np.ndarray,
    wanted: Wanted,
    columns: np.ndarray,
    block: str | None,
  ) -> np.ndarray:
    """Returns where it looks, [N, h, w], each for the logit of one column.

    Raises:
      UserError: it has no such block.
    """
    translator, _ = self._attentive
    name = self._name_activation(block)
    method = self.run.config.attention.method
    classes = np.eye(len(self.run.attributes))[columns]
    _, maps = translators.translate_with_attention(
      translator, images, wanted, classes, Look((name,), method)
    )
    return maps[name]
