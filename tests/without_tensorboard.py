"""A command in a process that writes no TensorBoard file.

  python -m tests.without_tensorboard akd_jax.main [its options]

Only clu's writer of these files needs TensorFlow, which takes five seconds to
import. Importing this module does it for any process.
"""

import runpy
import sys
import types


def _write_nothing(_: str) -> object:
  from clu import metric_writers

  return metric_writers.MultiWriter([])


_writer = types.ModuleType("clu.metric_writers.summary_writer")
_writer.SummaryWriter = _write_nothing  # type: ignore[attr-defined]
sys.modules[_writer.__name__] = _writer

if __name__ == "__main__":
  del sys.argv[0]
  runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
