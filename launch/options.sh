# shellcheck shell=bash disable=SC2034
# Takes --help and --dry-run out of a launcher's options, wherever they stand.
# Whoever sources this has the others in "$@", and `dry_run`, empty or 1.
dry_run=
options=()
for option in "$@"; do
  case "$option" in
    -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
    --dry-run) dry_run=1 ;;
    *) options+=("$option") ;;
  esac
done
set -- ${options[@]+"${options[@]}"}
