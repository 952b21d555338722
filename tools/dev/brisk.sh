#!/usr/bin/env bash
# ./dev brisk ARGS...: builds the program if need be and runs it, in the caller's folder.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
ensure_packages build
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The compiler's words are shown only where it fails or where somebody may be waiting for it.
if [[ -t 2 ]]; then
  build_program release
else
  build_program release 2>"$log" || { cat "$log" >&2 && exit 1; }
fi
rm -f "$log"
exec "$BRISK_ROOT/build/bin/brisk" "$@"
