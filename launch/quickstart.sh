#!/usr/bin/env bash
# The whole method on the embedded avatars, in minutes on a laptop: sets up,
# trains a student, prints its table, a verdict, and what to do next.
#
# Usage: [PYTHON=python3.12] launch/quickstart.sh [--from-scratch]
#            [--workdir=DIR] [--dry-run] [options of akd_jax.main]
#
#   --from-scratch  train the teacher here too
#   --workdir=DIR   where the student goes (runs/student, or
#                   runs/student_from_scratch)
#   --dry-run       print the commands, and run none
#
# Relative paths start at the checkout. Run it again at any time: what is done
# is not done twice, and a run that was interrupted goes on.
set -euo pipefail

config=configs/student.py
workdir=runs/student
given_workdir=
main_flags=()
as_shipped=true
dry_run=
# Where paths go that nobody needs to read.
exec 3> /dev/null
for flag in "$@"; do
  case "$flag" in
    -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
    --dry-run) dry_run=1; exec 3>&1 ;;
    # A teacher of one's own: main trains it where there is none yet.
    # It is another run than the one that the shipped teacher taught.
    --from-scratch)
      main_flags+=(--config.teacher=runs/teacher)
      workdir="${given_workdir:-runs/student_from_scratch}"
      ;;
    --config=*) config="${flag#*=}"; as_shipped=false ;;
    --config | --workdir)
      echo "launch/quickstart.sh: write $flag=VALUE" >&2
      exit 2
      ;;
    --workdir=*) workdir="${flag#*=}"; given_workdir="$workdir" ;;
    *) main_flags+=("$flag"); as_shipped=false ;;
  esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# A shell does that only where the path is a word of its own.
case "$workdir" in
  \~ | \~/*) workdir="$HOME${workdir#\~}" ;;
esac

heading() {
  [[ -n "$dry_run" ]] || printf '\n== %d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

run() {
  if [[ -n "$dry_run" ]]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

heading "Setting up"
python="$(launch/setup.sh ${dry_run:+--dry-run})"

heading "Training"
# macOS's bash 3.2 calls an empty array unbound, hence the +.
run "$python" -u -m akd_jax.main --config="$config" --workdir="$workdir" \
  ${main_flags[@]+"${main_flags[@]}"} || {
  status=$?
  if [[ $status -eq 75 ]]; then
    echo "Stopped, and saved: the same command goes on from here."
  fi
  exit "$status"
}

heading "Evaluating"
run "$python" -m akd_jax.evaluate --workdir="$workdir"

heading "Done"
run "$python" docs/faces.py "$workdir" "$workdir/faces.png" >&3
run "$python" docs/people.py "$workdir" "$workdir/people" >&3
# Of another recipe the other students would be others.
if [[ "$as_shipped" == true ]]; then
  run "$python" docs/verdict.py "$workdir"
fi
[[ -z "$dry_run" ]] || exit 0
quoted="$(printf %q "$workdir")"
cat <<EOF

Look at: $workdir/faces.png

Next, for instance (python is $python):
  python -m akd_jax.translate --workdir=$quoted --set Blond_Hair=1 --out=blond $quoted/people
  python -m akd_jax.translate --workdir=$quoted --all --attention --out=sheets $quoted/people
  python -m akd_jax.report --workdir=$quoted --out=report.html
  python -m akd_jax.export --workdir=$quoted --format=web --out=page
  python -m akd_jax.export --workdir=$quoted --format=numpy --out=student.npz
  python -m akd_jax.interop.numpy_generator student.npz PHOTO --set Blond_Hair=1 --out blond.png
  python -m akd_jax.experiment --name=paper1_table1 --seeds=3
EOF
