#!/usr/bin/env bash
# Trains on a TPU pod: copies the committed checkout to every host, sets up
# there, and runs the same command on all of them.
#
# Usage: NAME=my-pod ZONE=us-central2-b launch/tpu_pod.sh [--dry-run]
#            [options of akd_jax.main]
#
# --workdir, --config.teacher and --config.data.path must be folders that every
# host sees. Make the pod before, and delete it after:
#    gcloud compute tpus tpu-vm create $NAME --zone=$ZONE \
#      --accelerator-type=v4-32 --version=tpu-ubuntu2204-base --spot
#    gcloud compute tpus tpu-vm delete $NAME --zone=$ZONE
# An image with Python 3.10 needs a newer one on every host, and then
# PYTHON=python3.11 here:
#    gcloud compute tpus tpu-vm ssh $NAME --zone=$ZONE --worker=all \
#      --command="sudo apt-get install -y python3.11-venv"
# After a preemption make the pod again and repeat this command: it goes on.
# --dry-run prints the commands.
set -euo pipefail

# shellcheck source=launch/options.sh
source "$(dirname "${BASH_SOURCE[0]}")/options.sh"
if [[ -z "${NAME:-}" || -z "${ZONE:-}" ]]; then
  echo "launch/tpu_pod.sh: set NAME and ZONE; see --help" >&2
  exit 2
fi
if [[ $# -eq 0 ]]; then
  echo "launch/tpu_pod.sh: no options for akd_jax.main; see --help" >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
  if [[ -n "$dry_run" ]]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

if [[ -n "$(git status --porcelain)" ]]; then
  echo "launch/tpu_pod.sh: what is not committed is not copied" >&2
fi
archive="$(mktemp -d)/akd_jax.tar.gz"
trap 'rm -r "$(dirname "$archive")"' EXIT
run git archive --format=tar.gz --output="$archive" HEAD
run gcloud compute tpus tpu-vm scp "$archive" "$NAME:akd_jax.tar.gz" \
  --zone="$ZONE" --worker=all

# What the commit no longer has goes; .venv and runs stay.
command="set -e; mkdir -p akd_jax; cd akd_jax; rm -rf akd_jax configs launch
tar -xzf ../akd_jax.tar.gz
python=\$(PYTHON=$(printf %q "${PYTHON:-}") launch/setup.sh tpu)
exec \"\$python\" -u -m akd_jax.main --distributed $(printf '%q ' "$@")"
run gcloud compute tpus tpu-vm ssh "$NAME" --zone="$ZONE" --worker=all \
  --command="$command"
