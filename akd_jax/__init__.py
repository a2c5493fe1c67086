"""Attention knowledge distillation for image-to-image GANs, in JAX.

  model = akd_jax.load("runs/student")
  blond = model.translate("photo.jpg", set={"Blond_Hair": 1})
  where = model.attention("photo.jpg", "Blond_Hair")
  model = akd_jax.train(config, "runs/other")

Importing it costs nothing: what it offers is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from akd_jax.api import LoadedModel, load, train

__version__ = "0.2.0"
__all__ = ["LoadedModel", "load", "train"]


def __getattr__(name: str) -> Any:
  """Imports what is asked for."""
  if name not in __all__:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  from akd_jax import api

  return getattr(api, name)


def __dir__() -> list[str]:
  """Lists what can be asked for, whether it has been or not."""
  return sorted({*globals(), *__all__})
