"""The only file that knows devices.

`jax.pmap` over replicated, unstacked state: parameters have no device axis,
so evaluation, export and checkpoints take the state as it is. The step under
it is pure, and one decorator away from jit with shardings when pmap goes.
"""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from akd_jax.common.errors import UserError

AXIS = "batch"
# Bytes that `share` sends.
_SHARED = 4096


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
  replicas that drift raise no error. `in_sync` does.
  """
  return jax.pmap(
    functools.partial(step, axis_name=AXIS),
    axis_name=AXIS,
    in_axes=(None, None, 0),
    out_axes=(None, None),
    donate_argnums=(0,),
  )


def in_sync(tree: Any) -> bool:
  """Whether every device, of all processes, holds the same bits.

  All processes must ask together.
  """
  digests = [hashlib.sha256() for _ in jax.local_devices()]
  for x in jax.tree.leaves(tree):
    for digest, part in zip(digests, x.addressable_shards, strict=True):
      digest.update(np.asarray(part.data).tobytes())
  seen = np.array([list(digest.digest()) for digest in digests], np.uint8)
  if jax.process_count() > 1:
    seen = multihost_utils.process_allgather(seen, tiled=True)
  return bool((seen == seen[0]).all())


def share(scalars: dict[str, float]) -> dict[str, float]:
  """Returns the first process's scalars on every process of a pod.

  All processes must ask together.

  Raises:
    ValueError: they take more than 4 KiB.
  """
  if jax.process_count() == 1:
    return scalars
  text = json.dumps(scalars).encode()
  if len(text) > _SHARED:
    raise ValueError(f"{len(text)} bytes are too many to share")
  padded = np.frombuffer(text.ljust(_SHARED), np.uint8)
  shared = multihost_utils.broadcast_one_to_all(padded)
  return json.loads(np.asarray(shared, np.uint8).tobytes())


def all_agree(ours: bool) -> bool:
  """Whether it is so on every process of a pod. All must ask together."""
  if jax.process_count() == 1:
    return ours
  return bool(multihost_utils.process_allgather(np.array([ours])).all())


def wait_for_all(moment: str) -> None:
  """Waits until every process of a pod has come to this moment."""
  if jax.process_count() > 1:
    multihost_utils.sync_global_devices(moment)


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
