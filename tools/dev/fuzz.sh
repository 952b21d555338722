#!/usr/bin/env bash
# ./dev fuzz: builds the fuzz targets with clang and libFuzzer, and throws bytes at them.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
cd "$BRISK_ROOT"

usage() {
  cat <<'TEXT'
usage: ./dev fuzz [TARGET] [--seconds N]

  TARGET       one of fuzz/*.cpp by its name (ir_text); without it, all, one after another
  --seconds N  for each target (60)

Inputs that reach new code are kept in build-fuzz/corpus/TARGET. An input that a target fails on is
written to build-fuzz/failures/; mend the fault and add the input to fuzz/seeds/TARGET, where
tests/fuzz tries it ever after. The last line reads "N passed, N failed".
TEXT
}

seconds=60 target=""
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --seconds) seconds=${2:?"--seconds needs a number"} && shift ;;
    -*) echo "./dev fuzz: there is no option '$1'" >&2 && usage >&2 && exit 2 ;;
    *) target=$1 ;;
  esac
  shift
done
if [[ -n $target && ! -f fuzz/$target.cpp ]]; then
  echo "./dev fuzz: there is no fuzz/$target.cpp" >&2
  exit 2
fi
ensure_packages build fuzz
build=$BRISK_ROOT/build-fuzz
if [[ ! -f $build/build.ninja ]]; then
  cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1 -D_GLIBCXX_ASSERTIONS" -DBRISK_FUZZ=ON -DBRISK_TESTS=OFF \
    -DBRISK_LLVM=OFF -DBRISK_ONEDNN=OFF -DBRISK_OPENMP=OFF >&2
fi
passed=0 failed=0
mkdir -p "$build/failures"
sources=(fuzz/*.cpp)
[[ -n $target ]] && sources=("fuzz/$target.cpp")
for source in "${sources[@]}"; do
  name=$(basename "$source" .cpp)
  ninja -C "$build" -j "${BRISK_JOBS:-$(nproc)}" "fuzz_$name" >&2
  mkdir -p "$build/corpus/$name"
  if output=$("$build/fuzz/$name" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=10 \
    -artifact_prefix="$build/failures/$name-" "$build/corpus/$name" "fuzz/seeds/$name" 2>&1); then
    passed=$((passed + 1))
    echo "$name: $(grep -E '^Done' <<<"$output" | tail -n 1), coverage" \
      "$(grep -oE 'cov: [0-9]+' <<<"$output" | tail -n 1 | cut -d' ' -f2)"
  else
    failed=$((failed + 1))
    echo "$name: FAILED"
    tail -n 40 <<<"$output"
  fi
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
