"""AttGAN and STGAN by NumPy alone: every way in which layers are joined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from akd_jax.interop import numpy_program
from akd_jax.models import attgan, stgan
from akd_jax.systems import SYSTEMS

LABEL = (2, 3)
GENERATORS = {
  "attgan": attgan.Generator(2, 2, 0, 0, slope=0.01, epsilon=1e-5),
  "stgan": stgan.Generator(
    2, 2, 1, 1, unit_width=3, unit_state="gru", slope=0.01, epsilon=1e-5
  ),
  "stgan_without_label": stgan.Generator(
    2, 3, 2, 0, unit_width=2, unit_inject=0, unit_state="direct"
  ),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_the_program_draws_what_the_network_draws(name):
  generator = GENERATORS[name]
  rng = np.random.default_rng(0)
  image = rng.uniform(-1, 1, (2, 8, 16, 3)).astype(np.float32)
  given = rng.uniform(-1.5, 1.5, LABEL).astype(np.float32)
  shapes = jax.eval_shape(
    lambda: generator.init(jax.random.key(0), image, given)
  )
  variables = jax.tree.map(
    lambda x: jnp.float32(rng.normal(len(x.shape) == 1, 0.2, x.shape)), shapes
  )
  drawn, _ = jax.jit(generator.apply)(variables, image, given)
  assert np.std(drawn) > 0.05
  program = SYSTEMS[name.partition("_")[0]].program(generator)
  metadata = {
    "attributes": "ABC",
    "multiple": program.multiple,
    "program": program.steps,
  }
  params = {
    path: np.asarray(x)
    for tree in variables.values()
    for path, x in traverse_util.flatten_dict(tree, sep="/").items()
  }
  found = numpy_program.generate(metadata, params, image, given)
  np.testing.assert_allclose(found, drawn, atol=1e-5)
