#!/usr/bin/env bash
# ./dev test: builds what is needed, runs it, and closes with the line "N passed, N failed".
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
source "$BRISK_ROOT/tools/dev/lib/peers.sh"
cd "$BRISK_ROOT"

usage() {
  cat <<'TEXT'
usage: ./dev test [NAME] [--asan | --tsan] [--slow]
       ./dev test --oracle [NAME]

  NAME      a layer (ops), the test file tests/*/NAME_test.cpp (conv2d), or a part of a test's
            name; without it, all tests
  --asan    with the address and undefined-behaviour sanitizers, in build-asan/
  --tsan    the data and train layers with the thread sanitizer, in build-tsan/ (without OpenMP,
            oneDNN and LLVM, whose own threads it cannot see into)
  --slow    the long tests too (BRISK_SLOW=1)
  --oracle  runs tests/oracle/NAME*.py, which hold brisk against TensorFlow and others, in the
            environment .peers/ (BRISK_PEERS_VENV names another one)

The last line reads "N passed, N failed"; the exit status is not 0 where a test failed or none ran.
TEXT
}

preset=release name="" oracle=""
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --asan) preset=asan ;;
    --tsan) preset=tsan ;;
    --slow) export BRISK_SLOW=1 ;;
    --oracle) oracle=1 ;;
    -*) echo "./dev test: there is no option '$1'" >&2 && usage >&2 && exit 2 ;;
    *)
      [[ -n $name ]] && echo "./dev test: one name at a time, not '$name' and '$1'" >&2 && exit 2
      name=$1
      ;;
  esac
  shift
done
ensure_packages build scripts

run_oracles() {
  local passed=0 failed=0 script
  build_program release
  ensure_peers
  export BRISK_PROGRAM="$BRISK_ROOT/build/bin/brisk"
  for script in tests/oracle/"$name"*.py; do
    [[ -f $script ]] || { echo "./dev test: no tests/oracle/$name*.py" >&2 && break; }
    echo "== $script"
    if "$(peers_python)" "$script"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  echo "$passed passed, $failed failed"
  [[ $failed -eq 0 && $passed -gt 0 ]]
}
if [[ -n $oracle ]]; then
  run_oracles
  exit
fi

configure "$preset"
runner=(python3 -B tools/dev/run_tests.py "$(build_dir "$preset")")
targets=()
if [[ -d tests/$name && -n $name ]]; then
  has_target "$preset" "test_$name" || { echo "./dev test: tests/$name has no tests" >&2 && exit 1; }
  targets=("test_$name")
  runner+=(--layer "$name")
elif [[ -n $name ]]; then
  file=$(find tests -name "${name}_test.cpp" | sort | head -n 1)
  if [[ -n $file ]]; then
    layer=$(cut -d/ -f2 <<<"$file")
    targets=("test_$layer")
    runner+=(--layer "$layer" --file "$file")
  else
    runner+=(--match "$name")
  fi
elif [[ $preset == tsan ]]; then
  for layer in data train; do
    if has_target tsan "test_$layer"; then
      targets+=("test_$layer")
      runner+=(--layer "$layer")
    fi
  done
fi
if ! build "$preset" "${targets[@]}"; then
  echo "./dev test: the build failed" >&2
  echo "0 passed, 1 failed"
  exit 1
fi
exec "${runner[@]}"
