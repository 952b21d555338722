#!/usr/bin/env bash
# ./dev demo: builds the program and runs its demonstration.
set -euo pipefail
case ${1:-} in
  -h | --help)
    cat <<'TEXT'
usage: ./dev demo [--write] [ARGUMENTS]

Installs what is missing, builds brisk and runs `brisk demo`, which takes these arguments
(./dev brisk demo --help lists them).

  --write   puts the tables into docs/results/demo.md, optimize.md and README.md; measure on a machine that does
            nothing else
TEXT
    exit 0
    ;;
  --write)
    shift
    figures=$(mktemp)
    trap 'rm -f "$figures"' EXIT
    bash "$BRISK_ROOT/tools/dev/brisk.sh" demo --json "$@" | tee "$figures"
    python3 -B "$BRISK_ROOT/tools/dev/figures.py" demo <"$figures"
    python3 -B "$BRISK_ROOT/tools/dev/figures.py" optimize <"$figures"
    exit
    ;;
esac
exec bash "$BRISK_ROOT/tools/dev/brisk.sh" demo "$@"
