#!/usr/bin/env bash
# Makes a virtual environment in the checkout and installs akd_jax in it, with
# the versions of constraints.txt. Does nothing where that has been done.
#
# Usage: [PYTHON=python3.12] launch/setup.sh [--dry-run]
#            [cluster|cuda|docs|faces|tpu|test ...]
#
# The environment is .venv, made by the first of python3.11, python3.12 and
# python3 that is new enough; with PYTHON it is .venv-X.Y, so that versions stay
# apart. Prints one line on standard output: the path of its Python.
# --dry-run runs no command, and prints those that are due on standard error.
set -euo pipefail

die() {
  echo "launch/setup.sh: $*" >&2
  exit 1
}

dry_run=
extras=()
for extra in "$@"; do
  case "$extra" in
    --dry-run) dry_run=1; continue ;;
    cluster | cuda | docs | faces | tpu | test) ;;
    -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
    *) die "no extra named $extra; there are cluster, cuda, docs, faces, tpu and test" ;;
  esac
  extras+=("$extra")
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
  if [[ -n "$dry_run" ]]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi >&2
}

python_version() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [[ "$(uname -sm)" == "Darwin x86_64" ]]; then
  die "JAX and TensorFlow have no wheels for Intel Macs: use a Linux container"
fi

candidates=(python3.11 python3.12 python3)
venv="$PWD/.venv"
if [[ -n "${PYTHON:-}" ]]; then
  version="$(python_version "$PYTHON")" || die "PYTHON=$PYTHON does not run"
  new_enough "$PYTHON" \
    || die "PYTHON=$PYTHON is Python $version; akd_jax needs 3.11 or newer"
  candidates=("$PYTHON")
  venv="$PWD/.venv-$version"
fi

if version="$(python_version "$venv/bin/python")"; then
  # An old one may be somebody's: leave it alone.
  new_enough "$venv/bin/python" \
    || die "$venv is Python $version; akd_jax needs 3.11 or newer: remove it"
else
  for python in "${candidates[@]}" ""; do
    if [[ -z "$python" ]]; then
      die "no Python 3.11 or newer found; name one, as in PYTHON=python3.12"
    elif new_enough "$python"; then
      break
    fi
  done
  echo "Making $venv with $("$python" --version)" >&2
  run "$python" -m venv --clear --without-pip "$venv"
fi

# The stamp says what is installed: a digest of the files that decide it, then
# the extras. Extras add up, so that none is left behind at an older version.
stamp="$venv/akd_jax.stamp"
installed="$({ sed -n 2p "$stamp" 2>/dev/null || true; echo ${extras[@]+"${extras[@]}"}; } \
  | xargs -n 1 | sort -u | xargs)"
wanted="$(cat setup.cfg pyproject.toml constraints.txt | cksum) $PWD
$installed"
if [[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]]; then
  echo "Installing akd_jax${installed:+ with $installed}: minutes, the first time" >&2
  [[ -n "$dry_run" ]] || printf 'unfinished\n%s\n' "$installed" > "$stamp"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    quietly=/dev/null
    [[ -z "$dry_run" ]] || quietly=/dev/stderr
    # Debian's Python has no ensurepip unless python3-venv is installed.
    run "$venv/bin/python" -m ensurepip 2>"$quietly" \
      || run "${python:-python3}" -m pip --python "$venv/bin/python" \
        install -qq pip
  fi
  run "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --constraint constraints.txt --editable ".${installed:+[${installed// /,}]}"
  [[ -n "$dry_run" ]] || echo "$wanted" > "$stamp"
fi
echo "$venv/bin/python"
