#!/usr/bin/env bash
# ./dev demo: builds the program and runs its demonstration.
set -euo pipefail
case ${1:-} in
  -h | --help)
    cat <<'TEXT'
usage: ./dev demo [ARGUMENTS]

Installs what is missing, builds brisk and runs `brisk demo`, which takes these arguments
(./dev brisk demo --help lists them).
TEXT
    exit 0
    ;;
esac
exec bash "$BRISK_ROOT/tools/dev/brisk.sh" demo "$@"
