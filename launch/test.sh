#!/usr/bin/env bash
# Sets up what the tests need and runs them.
#
# Usage: [PYTHON=python3.12] launch/test.sh [options of pytest]
#
# The first run installs; see launch/setup.sh for PYTHON. Without options every
# test under tests/ runs, in a process for each of up to four cores.
set -euo pipefail

case "${1:-}" in
  -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$(launch/setup.sh test)"
# By stealing, the tests of a file mostly stay together, with what they share.
exec "$python" -m pytest --numprocesses=auto --maxprocesses=4 \
  --dist=worksteal "$@"
