#!/usr/bin/env bash
# A pod on one machine: two processes with two virtual CPU devices each run the
# same command, which proves the multi-host path without any accelerator.
#
# Usage: launch/local_pod.sh [options of akd_jax.main]
#    launch/local_pod.sh --config=configs/student.py:debug --workdir=runs/pod
#
# Each line of output starts with its process. If one fails the other is ended.
# Ctrl-C and SIGTERM reach both as SIGTERM: they save and exit with 75, and the
# same command goes on.
set -euo pipefail

case "${1:-}" in
  -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$(launch/setup.sh)"
port="$("$python" -c 'import socket
print(socket.create_server(("", 0)).getsockname()[1])')"

export JAX_PLATFORMS=cpu JAX_NUM_CPU_DEVICES=2
pids=()
trap 'kill -TERM "${pids[@]}" 2>/dev/null || true' INT TERM
# Deaf to signals, which may come to the whole group: the last lines count.
name_lines() {
  trap '' INT TERM
  exec awk -v name="[$1] " '{ print name $0; fflush() }'
}
for index in 0 1; do
  "$python" -u -m akd_jax.main "$@" --distributed \
    --coordinator="localhost:$port" --process_count=2 --process_index="$index" \
    > >(name_lines "$index") 2>&1 &
  pids+=("$!")
done

# Exits with the status of the first failure, which ends the other process: it
# may be waiting for this one inside a collective, deaf to SIGTERM.
# `wait -n` would say it shorter, but macOS's bash 3.2 has none.
status=0
while [[ ${#pids[@]} -gt 0 ]]; do
  sleep 0.5 || true
  for index in "${!pids[@]}"; do
    pid="${pids[index]}"
    if kill -0 "$pid" 2>/dev/null; then continue; fi
    unset "pids[index]"
    code=0
    wait "$pid" || code=$?
    if [[ $status -eq 0 || $status -eq 75 && $code -ne 0 ]]; then
      status=$code
    fi
    if [[ $code -ne 0 && $code -ne 75 && ${#pids[@]} -gt 0 ]]; then
      kill -KILL "${pids[@]}" 2>/dev/null || true
    fi
  done
done
exit "$status"
