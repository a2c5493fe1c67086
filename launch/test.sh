#!/usr/bin/env bash
# Sets up what the tests need and runs them.
#
# Usage: [PYTHON=python3.12] launch/test.sh [--dry-run]
#            [options of pytest]
#
# The first run installs; see launch/setup.sh for PYTHON. Without options every
# test under tests/ runs, in a process for each of up to four cores.
# --dry-run prints the commands.
set -euo pipefail

dry_run=
case "${1:-}" in
  -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
  --dry-run) dry_run=1; shift ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$(launch/setup.sh ${dry_run:+--dry-run} test)"
# By stealing, the tests of a file mostly stay together, with what they share.
command=(
  "$python" -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal "$@"
)
if [[ -n "$dry_run" ]]; then
  printf '%q ' "${command[@]}"
  echo
else
  exec "${command[@]}"
fi
