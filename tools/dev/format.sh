#!/usr/bin/env bash
# ./dev format: clang-format in place.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
case ${1:-} in
  "" | --all) ;;
  -h | --help)
    echo "usage: ./dev format [--all]"
    echo "Formats the C++ sources that differ from main, or all of them, as .clang-format says."
    exit 0
    ;;
  *) echo "./dev format: there is no option '$1'" >&2 && exit 2 ;;
esac
ensure_packages scripts format
exec "$BRISK_ROOT/tools/check_format" --fix "$@"
