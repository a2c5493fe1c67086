"""What a device can do: the rate of a large matrix product."""

import jax
import jax.numpy as jnp
import worker


def product_rate(side=2048, dtype=jnp.float32, precision=None, repeat=1):
  """FLOP/s of the product of two square matrices of random numbers.

  Args:
    side: of the matrices.
    dtype: of the matrices and their product.
    precision: as `jnp.matmul` takes it; the default's products are TF32 where
      the device has it.
    repeat: products that follow each other without a wait.

  Returns:
    The best of nine.
  """
  a, b = jax.random.normal(jax.random.key(0), (2, side, side), dtype)
  product = jax.jit(lambda a, b: jnp.matmul(a, b, precision=precision))
  last = [product(a, b)]

  def start():
    last[0] = product(a, b)

  unit = worker.Unit(start, lambda: jax.block_until_ready(last))
  unit.wait()
  seconds = min(worker.timed(unit, repeat)["seconds"] for _ in range(9))
  return 2 * side**3 / seconds
