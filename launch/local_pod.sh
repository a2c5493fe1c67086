#!/usr/bin/env bash
# A pod on one machine: two processes with two virtual CPU devices each run the
# same command, which proves the multi-host path without any accelerator.
#
# Usage: [PROCESSES=2] [DEVICES=2] launch/local_pod.sh [--dry-run]
#            [options of akd_jax.main]
#    launch/local_pod.sh --config=configs/student.py:debug --workdir=runs/pod
#
# Each line of output starts with its process. If one fails all end, and say
# why. Ctrl-C and SIGTERM reach all as SIGTERM: they save and exit with 75, and
# the same command goes on. --dry-run prints the commands.
set -euo pipefail

# shellcheck source=launch/options.sh
source "$(dirname "${BASH_SOURCE[0]}")/options.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
processes="${PROCESSES:-2}"
if [[ ! "$processes" =~ ^[1-9][0-9]*$ ]]; then
  echo "launch/local_pod.sh: PROCESSES=$processes must be 1 or more" >&2
  exit 2
fi
export JAX_PLATFORMS=cpu JAX_NUM_CPU_DEVICES="${DEVICES:-2}"
python=.venv/bin/python
port=PORT
if [[ -z "$dry_run" ]]; then
  python="$(launch/setup.sh)"
  port="$("$python" -c 'import socket
print(socket.create_server(("", 0)).getsockname()[1])')"
fi

pids=()
trap 'interrupted=1; kill -TERM "${pids[@]}" 2>/dev/null || true' INT TERM
# Deaf to signals, which may come to the whole group: the last lines count.
name_lines() {
  trap '' INT TERM
  exec awk -v name="[$1] " '{ print name $0; fflush() }'
}
for ((index = 0; index < processes; index++)); do
  command=(
    "$python" -u -m akd_jax.main "$@" --distributed
    --coordinator="localhost:$port" --process_count="$processes"
    --process_index="$index"
  )
  if [[ -n "$dry_run" ]]; then
    printf 'JAX_PLATFORMS=cpu JAX_NUM_CPU_DEVICES=%s' "$JAX_NUM_CPU_DEVICES"
    printf ' %q' "${command[@]}"
    echo ' &'
  else
    "${command[@]}" > >(name_lines "$index") 2>&1 &
    pids+=("$!")
  fi
done

# They end together, whichever way. A signal interrupts `wait`.
status=0
for pid in ${pids[@]+"${pids[@]}"}; do
  while :; do
    interrupted=
    code=0
    wait "$pid" || code=$?
    [[ -n "$interrupted" ]] || break
  done
  # That of whoever failed, and not of those who lost it.
  if [[ $status -eq 0 || $status -eq 76 && $code -ne 0 ]]; then
    status=$code
  fi
done
exit "$status"
