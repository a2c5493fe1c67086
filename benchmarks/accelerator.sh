#!/usr/bin/env bash
# What a few minutes on an accelerator tell: is it right there, how fast beside
# PyTorch, and what is slow.
#
#   benchmarks/accelerator.sh [OUT] [--small] [--seconds=460] [--only=TEXT]
#
# Writes OUT/rows.jsonl and OUT/log.txt as it goes (OUT is runs/accelerator where
# nothing is said), errors.txt, and the first compiled programs. --small takes
# seconds on a CPU; --only measures what has TEXT in its title; the time ends
# after --seconds. Tables: python benchmarks/accelerator_tables.py OUT/rows.jsonl
#
# Nothing is installed, and no network is needed. The machine has Python 3.11 or
# later with JAX for its accelerator, flax, optax, orbax-checkpoint, numpy,
# absl-py, PyYAML, Pillow and pytest; without PyTorch there is no comparison.
# What is needed beyond these stands in accelerator.txt, and comes from wheels:
#
#   python -m pip download --no-deps --dest wheels -r benchmarks/accelerator.txt
#
# PYTHON chooses the interpreter (python3), TORCH_PYTHON that of PyTorch (the
# same), WHEELS the folder of wheels ("wheels" beside this repository's files).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The package as it would be installed: configs/ is akd_jax.configs.
mkdir "$scratch/akd_jax"
ln -s "$root"/akd_jax/* "$root/configs" "$scratch/akd_jax/"
wheels=${WHEELS:-$root/wheels}
if ! "$python" -c 'import ml_collections' 2>/dev/null &&
  ! "$python" -m pip install --quiet --no-index --no-deps --target "$scratch" \
    --find-links "$wheels" -r "$root/benchmarks/accelerator.txt"; then
  echo "accelerator.sh: $python has no ml_collections, and there is no wheel of" \
    "it in $wheels: see the head of this file" >&2
  exit 2
fi

export PYTHONPATH="$scratch${PYTHONPATH:+:$PYTHONPATH}"
# Both sides share the device's memory.
export XLA_PYTHON_CLIENT_PREALLOCATE=false
# Whatever is compiled is compiled here, and found by the next process.
export JAX_COMPILATION_CACHE_DIR="$scratch/jax"
export TORCHINDUCTOR_CACHE_DIR="$scratch/inductor"
export TRITON_CACHE_DIR="$scratch/triton"
# Several processes compile at once.
export TORCHINDUCTOR_COMPILE_THREADS=4

"$python" "$root/benchmarks/accelerator.py" "$@"
