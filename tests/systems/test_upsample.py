"""Resize-convolutions in every system: no layer is transposed but in files."""

import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from akd_jax.common.config import RECIPES, complete, remove_added
from akd_jax.configs.scales import changed
from akd_jax.inference import exports
from akd_jax.interop import numpy_program
from akd_jax.models.layers import Conv
from akd_jax.models.pixels import to_unit
from akd_jax.systems import SYSTEMS
from akd_jax.systems.model import Model
from akd_jax.systems.relgan_losses import orthogonality
from akd_jax.training import validation
from tests import onnx_runtime

SIZE, CLASSES = 8, 3
_TWO_LAYERS = {
  "generator.width": 2,
  "generator.layers": 2,
  "generator.shortcut": 1,
  "generator.inject": 1,
  "discriminator.layers": 2,
}
_ONE_BLOCK = {
  "generator.width": 2,
  "generator.blocks": 1,
  "discriminator.layers": 2,
}
SMALL = {
  "attgan": _TWO_LAYERS,
  "stgan": _TWO_LAYERS | {"generator.unit_width": 2},
  "relgan": _ONE_BLOCK,
}


def small(name, **fields):
  common = {
    "data.image_size": SIZE,
    "data.attributes": tuple("ABC"),
    "generator.upsample": "resize",
  }
  return changed(
    RECIPES[name].get_config("debug"), common | SMALL[name] | fields
  )


def create(name):
  """A run of a resizing generator that is nowhere at its start."""
  config = small(name)
  networks = SYSTEMS[name].create_networks(config)
  rng = np.random.default_rng(0)
  shapes = jax.eval_shape(
    lambda: networks.generator.init(
      jax.random.key(0),
      jnp.zeros((1, SIZE, SIZE, 3)),
      jnp.zeros((1, CLASSES)),
    )
  )
  variables = jax.tree.map(
    lambda x: np.float32(rng.normal(len(x.shape) == 1, 0.2, x.shape)), shapes
  )
  return types.SimpleNamespace(
    config=config,
    attributes=config.data.attributes,
    exclusive=(),
    step=1,
    model=Model(variables["params"], None, networks, variables["batch_stats"]),
  )


@pytest.mark.parametrize("name", SMALL)
def test_files_draw_the_same_by_transposed_convolutions(name, tmp_path):
  run = create(name)
  rng = np.random.default_rng(1)
  images = rng.integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)
  wanted = rng.integers(0, 2, (3, 2, CLASSES)).astype(np.float32)
  given = np.asarray(SYSTEMS[name].test_label(*wanted))
  pixels = np.asarray(to_unit(images))
  drawn, _ = jax.jit(Model.generate)(run.model, pixels, given)
  assert np.std(drawn) > 0.02
  path = str(tmp_path / "numpy.npz")
  exports.export_numpy(run, path)
  params, about = numpy_program.load(path)
  assert "upsample" not in about["architecture"]
  found = numpy_program.generate(about, params, pixels, given)
  np.testing.assert_allclose(found, drawn, atol=1e-5)
  path = str(tmp_path / "model.onnx")
  exports.export_onnx(run, path)
  found = onnx_runtime.translate(path, images, wanted)
  assert np.abs(found - (drawn + 1) * 127.5).max() <= 0.51


@pytest.mark.parametrize("name", SMALL)
def test_all_that_doubles_pictures_is_resized(name):
  run = create(name)
  layers = []

  def look(call, args, kwargs, context):
    if isinstance(context.module, Conv):
      layers.append(context.module.resample)
    return call(*args, **kwargs)

  inputs = jnp.zeros((1, SIZE, SIZE, 3)), jnp.zeros((1, CLASSES))
  with nn.intercept_methods(look):
    jax.eval_shape(run.model.generate, *inputs)
  # Those of STGAN's units, too.
  assert layers.count("resize") == (3 if name == "stgan" else 2)
  assert "up" not in layers


@pytest.mark.parametrize("name", SMALL)
def test_a_decoder_of_another_kind_is_refused_with_the_choices(name):
  validation.check(small(name))
  with pytest.raises(ValueError, match="upsample='reseize'.*resize") as caught:
    validation.check(small(name, **{"generator.upsample": "reseize"}))
  assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SMALL)
def test_runs_of_earlier_versions_have_transposed_convolutions(name):
  fields = small(name).to_dict()
  del fields["generator"]["upsample"]
  config = complete(fields)
  assert config.generator.upsample == "transposed"
  assert "upsample" not in remove_added(config.to_dict())["generator"]


def test_a_resizing_kernel_is_kept_orthogonal_as_it_is_stored():
  kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2))
  found, plain = (
    orthogonality({"decoder_0": {"conv": {name: kernel}}})
    for name in ("resize_kernel", "kernel")
  )
  assert found == plain > 0
