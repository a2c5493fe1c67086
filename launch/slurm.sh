#!/usr/bin/env bash
#SBATCH --job-name=akd_jax
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --output=runs/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@300
#
# Trains on a Slurm cluster, one process a GPU, and puts itself back in the
# queue when it is preempted or its time is up.
#
# Usage, on the login node: launch/slurm.sh [--dry-run] [options of sbatch] --
#            [options of akd_jax.main]
#    launch/slurm.sh --nodes=2 --partition=gpu -- \
#      --config=configs/student.py:celeba --workdir=/shared/runs/student
#
# Sets up here, where there is a network, and submits itself. The checkout,
# --workdir, --config.teacher and --config.data.path must be on a disk that
# every node sees. With other than 8 GPUs a node, give --ntasks-per-node and
# --gpus-per-node the same number: each process picks its GPU by its local rank,
# so all of a node's must be visible to it.
# --dry-run prints what would be submitted, and what the job would run.
set -euo pipefail

submit() {
  local options=() dry_run=""
  while [[ $# -gt 0 && "$1" != -- ]]; do
    case "$1" in
      -h | --help) sed -n '/^# Trains/,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
      --dry-run) dry_run=1 ;;
      *) options+=("$1") ;;
    esac
    shift
  done
  if [[ $# -lt 2 ]]; then
    echo "launch/slurm.sh: no options for akd_jax.main after --; see --help" >&2
    exit 2
  fi
  shift
  local given=() word
  for word in "$@"; do
    case "$word" in
      --dry-run) dry_run=1 ;;
      *) given+=("$word") ;;
    esac
  done
  set -- ${given[@]+"${given[@]}"}
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  local command=(
    sbatch --chdir="$PWD" ${options[@]+"${options[@]}"} launch/slurm.sh --job "$@"
  )
  if [[ -n "$dry_run" ]]; then
    set_step .venv/bin/python "$@"
    printf '%q ' "${command[@]}"
    printf '\n# in the job: '
    printf '%q ' "${step[@]}"
    echo
    exit
  fi
  launch/setup.sh cuda >&2
  mkdir -p runs
  exec "${command[@]}"
}

# Sets `step`: what each process runs. One that ends is waited for: the others
# are saving too, or end by themselves within a minute.
set_step() {
  step=(
    srun --kill-on-bad-exit=0 --wait=120
    "$1" -u -m akd_jax.main --distributed "${@:2}"
  )
}

# Slurm runs a copy of this file; --chdir has put it into the checkout.
run() {
  local python running="" interrupted="" code=75
  trap 'interrupted=1; stop_step' TERM
  # As an argument it would fail without ending this script.
  python="$(launch/setup.sh cuda)"
  # From Slurm 22.05 on srun does not have it from sbatch.
  export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"
  set_step "$python" "$@"
  if [[ -z "$interrupted" ]]; then
    "${step[@]}" &
    running=$!
    # It may have come before there was anything to be told.
    [[ -z "$interrupted" ]] || stop_step
  fi
  while [[ -n "$running" ]]; do
    interrupted=""
    code=0
    wait "$running" || code=$?
    [[ -n "$interrupted" ]] || break
  done
  # 75: stopped on request, saved, not finished.
  if [[ $code -eq 75 ]]; then
    scontrol requeue "$SLURM_JOB_ID"
  fi
  exit "$code"
}

# Slurm tells this script alone that time is up; scancel tells the processes,
# and fails while srun has not started them.
stop_step() {
  while [[ -n "$running" ]] && kill -0 "$running" 2>/dev/null; do
    ! scancel --signal=TERM "$SLURM_JOB_ID" || break
    sleep 1
  done
}

# Not by SLURM_JOB_ID, which a shell of salloc has, too.
if [[ "${1:-}" == --job ]]; then
  run "${@:2}"
else
  submit "$@"
fi
