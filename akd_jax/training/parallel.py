"""The only file that knows devices.

`jax.pmap` over replicated, unstacked state: parameters have no device axis,
so evaluation, export and checkpoints take the state as it is. The step under
it is pure, and one decorator away from jit with shardings when pmap goes.
"""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from akd_jax.common import pod
from akd_jax.common.errors import UserError

AXIS = "batch"


def _local_mesh() -> Mesh:
  return Mesh(np.array(jax.local_devices()), (AXIS,))


def replicate(tree: Any) -> Any:
  """Places a tree whole on every local device.

  A donated state must start out so: in a multi-process run pmap otherwise
  deletes it at the first step, and on one process compiles twice.
  """
  return jax.device_put(tree, NamedSharding(_local_mesh(), P()))


def shard(batch: dict[str, np.ndarray]) -> dict[str, jax.Array]:
  """Splits [n, B, ...] over the local devices: [devices, n, B/devices, ...].

  Raises:
    ValueError: B is not a multiple of the number of local devices.
  """
  devices = jax.local_device_count()

  def split(x: np.ndarray) -> jax.Array:
    n, size = x.shape[:2]
    if size % devices:
      raise ValueError(f"batch of {size} is not divisible by {devices} devices")
    parts = x.reshape(n, devices, size // devices, *x.shape[2:])
    return jax.device_put(
      np.ascontiguousarray(np.moveaxis(parts, 1, 0)),
      NamedSharding(_local_mesh(), P(AXIS)),
    )

  return {name: split(x) for name, x in batch.items()}


def pmap_step(step: Callable[..., Any]) -> Callable[..., Any]:
  """pmaps `step(state, teacher, batch, axis_name=...) -> (state, metrics)`.

  Every output must be averaged over the axis: pmap does not check it, and
  replicas that drift raise no error. `is_in_sync` does.

  On a pod all processes have compiled before the first of them starts: on CPUs
  who comes to the first exchange is waited for no longer than 30 s.
  """
  mapped = jax.pmap(
    functools.partial(step, axis_name=AXIS),
    axis_name=AXIS,
    in_axes=(None, None, 0),
    out_axes=(None, None),
    donate_argnums=(0,),
  )
  if not pod.is_joined():
    return mapped
  compiled = False

  def meet_and_step(*arguments: Any) -> Any:
    nonlocal compiled
    if not compiled:
      mapped.lower(*arguments).compile()
      pod.gather("compiled")
      compiled = True
    return mapped(*arguments)

  return meet_and_step


def is_in_sync(tree: Any) -> bool:
  """Whether every device, of all processes, holds the same bits.

  All processes must ask together.
  """
  digests = [hashlib.sha256() for _ in jax.local_devices()]
  for x in jax.tree.leaves(tree):
    for digest, part in zip(digests, x.addressable_shards, strict=True):
      digest.update(np.asarray(part.data).tobytes())
  said = pod.gather([digest.hexdigest() for digest in digests])
  return len({digest for of_process in said for digest in of_process}) == 1


def check_batch_size(batch_size: int) -> int:
  """Returns this process's share of the global batch.

  Raises:
    UserError: the batch does not divide over all devices; the message gives
      both numbers.
  """
  if batch_size % jax.device_count():
    raise UserError(
      f"config.batch_size={batch_size} is not divisible by"
      f" {jax.device_count()} devices"
    )
  return batch_size // jax.process_count()


def say(message: str) -> None:
  """Prints one line, on the first process of a pod."""
  if jax.process_index() == 0:
    print(message, flush=True)
