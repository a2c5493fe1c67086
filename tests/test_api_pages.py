"""The API pages are built from the docstrings, one of each module."""

import pkgutil

import pytest

import akd_jax
from docs import api


# An annotation of optax's, which names what it does not import.
@pytest.mark.filterwarnings("ignore:Error parsing type annotation")
def test_every_module_has_a_page(tmp_path):
  api.write(tmp_path)
  modules = {
    module.name
    for module in pkgutil.walk_packages(akd_jax.__path__, "akd_jax.")
    if module.ispkg or module.name.count(".") > 1
  }
  assert "akd_jax.systems.stargan" in modules
  for module in modules:
    assert (tmp_path / f"{module.replace('.', '/')}.html").exists()
  text = (tmp_path / "akd_jax.html").read_text()
  for name in ("load", "train", "LoadedModel.translate"):
    assert f'id="{name}"' in text
  assert "<strong>strength:</strong>" in text
