#!/usr/bin/env bash
# ./dev check: all checks of the sources, then one line for each.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
cd "$BRISK_ROOT"

case ${1:-} in
  "" | --all) ;;
  -h | --help)
    cat <<'TEXT'
usage: ./dev check [--all]

  layers     a folder includes only itself and lower layers (cmake/layers.cmake)
  doors      a foreign library enters by one door (tools/doors.txt)
  sizes      files, folders, names, heads of headers; prints the sizes of each layer
  words      what must not stand in the tree (tools/words.txt)
  ops        the op set's registry tests, where ./dev test has built them
  documents  links lead somewhere; printed pages and measured figures are current
  format     .clang-format, on the sources that differ from main; --all: on all sources

Each is a program of its own, tools/check_NAME. Compiler warnings are errors in every preset.
TEXT
    exit 0
    ;;
  *) echo "./dev check: there is no option '$1'" >&2 && exit 2 ;;
esac
ensure_packages scripts format

failed=0
lines=()
run_check() {
  local output
  if output=$("$@" 2>&1); then
    lines+=("ok      $(tail -n 1 <<<"$output")")
  else
    lines+=("FAILED  $(tail -n 1 <<<"$output")")
    failed=1
  fi
  head -n -1 <<<"$output" | grep . || true
}
run_check tools/check_layers
run_check tools/check_doors
run_check tools/check_sizes
run_check tools/check_words
run_check tools/check_ops
run_check tools/check_documents
run_check tools/check_format "$@"
printf '%s\n' "" "${lines[@]}"
exit $failed
