#!/usr/bin/env bash
# Breaks each rule on purpose, in a copy of the tree, and sees its check fail and name the place:
# a check that cannot fail guards nothing.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tree"
tar -C "$root" --exclude='./build*' --exclude=./.git --exclude=./.peers -cf - . |
  tar -C "$scratch/tree" -xf -
cd "$scratch/tree"
wrong=0 cases=0

# What each check says of the copy as it is: a fault found below must not stand there already.
for check in layers doors sizes words documents; do
  "tools/check_$check" >"$scratch/$check.before" 2>&1 || true
done

# breaks CHECK FILE EXPECTED: writes standard input to FILE; the check must fail with a line that
# holds EXPECTED. The file is taken away again.
breaks() {
  local check=$1 file=$2 expected=$3 output
  cases=$((cases + 1))
  mkdir -p "$(dirname "$file")"
  cat >"$file"
  if output=$("tools/check_$check" 2>&1); then
    echo "check_$check did not see $file"
    wrong=$((wrong + 1))
  elif ! grep -qF -- "$expected" <<<"$output"; then
    echo "check_$check failed at $file, but said nothing of '$expected':"
    tail -n 5 <<<"$output"
    wrong=$((wrong + 1))
  elif grep -qF -- "$expected" "$scratch/$check.before"; then
    echo "check_$check says '$expected' of the tree without $file too"
    wrong=$((wrong + 1))
  fi
  rm "$file"
}

breaks layers brisk/base/upward.cpp "base includes brisk/data/dataset.h" <<<'#include "brisk/data/dataset.h"'
breaks layers brisk/attic/lost.cpp "'attic' is no layer" <<<'#include <vector>'
rmdir brisk/attic
breaks layers brisk/data/short.cpp 'write "brisk/<layer>/<file>.h"' <<<'#include "dataset.h"'
breaks layers brisk/data/gone.cpp "there is no brisk/base/gone.h" <<<'#include "brisk/base/gone.h"'
mkdir -p brisk/backends
echo >brisk/backends/made_up.h
breaks layers brisk/train/backend.cpp "found through brisk/runtime/backend.h" \
  <<<'#include "brisk/backends/made_up.h"'
rm brisk/backends/made_up.h

breaks documents docs/stray.md "docs/stray.md: links to nowhere.md, which does not exist" <<<'[x](nowhere.md)'
breaks documents docs/stray.md "docs/stray.md: links to ../README.md#no-such-part, which has no such heading" \
  <<<'[x](../README.md#no-such-part)'

breaks doors brisk/nn/stray.cpp "<dnnl.hpp> enters only by brisk/backends/cpu/onednn/*" <<<'#include <dnnl.hpp>'
breaks doors brisk/nn/stray.cpp "<oneapi/dnnl/dnnl.h> enters only by" <<<'#include <oneapi/dnnl/dnnl.h>'
breaks doors brisk/train/json.cpp "<nlohmann/json.hpp> enters only by brisk/base/json.h" \
  <<<'#include <nlohmann/json.hpp>'
breaks doors brisk/base/test.cpp "<gtest/gtest.h> enters only by -" <<<'#include <gtest/gtest.h>'
breaks doors brisk/base/new.cpp "<boost/beast.hpp> has no door" <<<'#include <boost/beast.hpp>'

breaks sizes brisk/base/long.cpp "long.cpp: 801 lines" < <(yes '//' | head -n 801)
breaks sizes brisk/base/string_utils.cpp "string_utils.cpp: the name" <<<'// anything'
breaks sizes brisk/base/common.h "common.h: the name" < <(printf '#pragma once\n\n/// Anything.\n')
breaks sizes brisk/base/bare.h "bare.h: begins with" < <(printf '/// No guard.\n')
breaks sizes brisk/base/mute.h "mute.h: begins with" < <(printf '#pragma once\n\nint x();\n')
breaks sizes brisk/base/twice.h "twice.h: brisk::Tensor is defined in" < <(
  printf '#pragma once\n\n/// Anything.\n\nnamespace brisk {\nclass Tensor {};\n}  // namespace brisk\n')
mkdir -p brisk/base/crowd
for number in $(seq 60); do echo "//" >"brisk/base/crowd/file_$number.cpp"; done
breaks sizes brisk/base/crowd/file_61.cpp "brisk/base/crowd/: 61 entries" <<<'//'
rm -r brisk/base/crowd

breaks words brisk/base/later.cpp "'TODO'" <<<'// TODO: later'
breaks words brisk/base/place.cpp "'/home/me'" <<<'auto path = "/home/me/data";'
breaks words brisk/base/loud.cpp "'printf('" <<<'void f() { printf("hello"); }'
breaks words brisk/base/loud.cpp "'std::cout'" <<<'void f() { std::cout << 1; }'
breaks words brisk/base/end.cpp "'std::exit('" <<<'void f() { std::exit(1); }'
breaks words docs/later.md "'not yet implemented'" <<<'This is not yet implemented.'

if command -v clang-format >/dev/null; then
  cases=$((cases + 1))
  echo 'int    main( ){return 0;}' >brisk/base/crooked.cpp
  if output=$(tools/check_format --all 2>&1) || ! grep -q 'crooked.cpp: ' <<<"$output"; then
    echo "check_format did not see brisk/base/crooked.cpp"
    wrong=$((wrong + 1))
  fi
  rm brisk/base/crooked.cpp
fi

# A check that nothing runs is none: each stands in ./dev check or in CI, and CI runs ./dev check.
for check in tools/check_*; do
  cases=$((cases + 1))
  if ! grep -qE "^(run_check|step .*) $check\b" tools/dev/check.sh .ci/run; then
    echo "$check is run neither by ./dev check nor by .ci/run"
    wrong=$((wrong + 1))
  fi
done
cases=$((cases + 1))
if ! grep -q '^step .* \./dev check$' .ci/run || ! grep -q '^\./dev test ' .ci/run; then
  echo ".ci/run does not run ./dev check and ./dev test"
  wrong=$((wrong + 1))
fi

# ./dev check fails when one of its checks does.
cases=$((cases + 1))
mkdir -p "$scratch/failing/tools/dev/lib" && cp tools/dev/check.sh "$scratch/failing/tools/dev/"
echo 'ensure_packages() { :; }' >"$scratch/failing/tools/dev/lib/packages.sh"
for check in layers doors sizes words ops documents format; do
  printf '#!/bin/sh\necho "%s: 0 faults"\n' "$check" >"$scratch/failing/tools/check_$check"
  chmod +x "$scratch/failing/tools/check_$check"
done
if ! BRISK_ROOT="$scratch/failing" bash "$scratch/failing/tools/dev/check.sh" >/dev/null; then
  echo "./dev check fails although every check passes"
  wrong=$((wrong + 1))
fi
for check in layers doors sizes words ops documents format; do
  cases=$((cases + 1))
  printf '#!/bin/sh\necho "%s: 1 fault"\nexit 1\n' "$check" >"$scratch/failing/tools/check_$check"
  if output=$(BRISK_ROOT="$scratch/failing" bash "$scratch/failing/tools/dev/check.sh" 2>&1) ||
    ! grep -q "^FAILED *$check: 1 fault" <<<"$output"; then
    echo "./dev check passes although $check fails"
    wrong=$((wrong + 1))
  fi
  printf '#!/bin/sh\necho "%s: 0 faults"\n' "$check" >"$scratch/failing/tools/check_$check"
done

# The registry check, against a made-up test program.
registry() {
  local expected=$1 output
  cases=$((cases + 1))
  mkdir -p "$scratch/build/tests" brisk/ops
  cat >"$scratch/build/tests/test_ops"
  chmod +x "$scratch/build/tests/test_ops"
  if output=$(tools/check_ops "$scratch/build" 2>&1) || ! grep -qF "$expected" <<<"$output"; then
    echo "check_ops did not fail with '$expected':"
    echo "$output"
    wrong=$((wrong + 1))
  fi
}
registry "no test named Registry" < <(printf '#!/bin/sh\nexit 0\n')
registry "1 registry tests, 1 fault" \
  < <(printf '#!/bin/sh\ncase $1 in *list*) printf "Registry.\\n  Holds\\n";; *) exit 1;; esac\n')

# The tests' summary, against made-up programs: a verdict is never better than what ran.
sums() {
  local expected=$1 program=$2 output
  cases=$((cases + 1))
  rm -rf "$scratch/sums" && mkdir "$scratch/sums"
  printf '#!/bin/sh\n%s\n' "$program" >"$scratch/sums/program"
  chmod +x "$scratch/sums/program"
  echo "add_test(made_up \"$scratch/sums/program\")" >"$scratch/sums/CTestTestfile.cmake"
  [[ -z $program ]] && echo >"$scratch/sums/CTestTestfile.cmake"
  if output=$(python3 -B tools/dev/run_tests.py "$scratch/sums" 2>&1) ||
    [[ $(tail -n 1 <<<"$output") != "$expected" ]]; then
    echo "run_tests did not fail with '$expected':"
    echo "$output"
    wrong=$((wrong + 1))
  fi
}
report='{"testsuites":[{"name":"S","testsuite":[{"name":"a","status":"RUN","result":"COMPLETED"},'
report+='{"name":"b","status":"RUN","result":"COMPLETED"BAD}]}]}'
write_report="echo '${report/BAD/}' > \"\${GTEST_OUTPUT#json:}\""
write_failure="echo '${report/BAD/,\"failures\":[{}]}' > \"\${GTEST_OUTPUT#json:}\""
sums "1 passed, 1 failed" "$write_failure; exit 1"
sums "2 passed, 1 failed" "$write_report; exit 1"
sums "2 passed, 1 failed" "$write_report; kill -SEGV \$\$"
sums "0 passed, 1 failed" "exit 3"
sums "0 passed, 0 failed" ""

# The table beside the peers, against a made-up program and made-up peers: a ratio over 1 means that
# ours is faster in both directions of the unit, a peer is shown by its best variant, its one start
# stands beside both of ours, and no peer runs in a precision that ours declines.
cat >"$scratch/ours" <<'PROGRAM'
#!/bin/sh
echo '{"case": "small_cnn/train/f32", "unit": "img/s", "ours": 300}'
echo '{"case": "small_cnn/first_step/f32", "unit": "s", "ours": 2}'
echo '{"case": "small_cnn/first_step_cold/f32", "unit": "s", "ours": 2.5}'
PROGRAM
cat >"$scratch/peer" <<'PROGRAM'
#!/bin/sh
case "$*" in *bf16*) exit 1 ;; *jit\ *) speed=150 seconds=9 ;; *) speed=100 seconds=4 ;; esac
echo "{\"case\": \"small_cnn/train/f32\", \"unit\": \"img/s\", \"value\": $speed, \"name\": \"P\"}"
echo "{\"case\": \"small_cnn/first_step/f32\", \"unit\": \"s\", \"value\": $seconds, \"name\": \"P\"}"
PROGRAM
chmod +x "$scratch/ours" "$scratch/peer"
cases=$((cases + 1))
output=$(python3 -B tools/dev/bench.py --program "$scratch/ours" --peers-python "$scratch/peer" \
  --json --rounds 2 2>&1)
if ! grep -q '"peer": 150.*"peer_name": "P (jit)", "ratio": 2.0' <<<"$output" ||
  ! grep -q '"peer": 4.*"ratio": 2.0' <<<"$output" ||
  ! grep -q 'first_step_cold/f32.*"peer": 4.*"ratio": 1.6' <<<"$output" ||
  grep -q 'ended with status' <<<"$output"; then
  echo "bench.py compared wrongly:"
  echo "$output"
  wrong=$((wrong + 1))
fi

# Figures: both documents are written from what was measured, and an edited one is seen. Nothing is
# written from half a measurement.
cases=$((cases + 1))
row='{"step": "%s", "images_per_second": %d, "milliseconds": 1, "p10": 1, "p90": 2, "peak_megabytes": 3, "kept": true, "verdict": "%s"}\n'
# shellcheck disable=SC2059
{ printf "$row" "f32, one loop an op" 1000 "the start" && printf "$row" "+ fusion" 2500 "kept: 2.50 times as fast"; } \
  >"$scratch/rows"
if python3 -B tools/dev/figures.py demo <"$scratch/rows" 2>/dev/null; then
  echo "figures.py took a table without an accuracy"
  wrong=$((wrong + 1))
fi
echo '{"test_accuracy": 0.9187, "cpu": "Some CPU", "threads": 2}' >>"$scratch/rows"
python3 -B tools/dev/figures.py demo <"$scratch/rows" 2>/dev/null
wanted='| + fusion | 2,500 | 1.00 - 2.00 | 3.0 MB | 91.87 % | kept: 2.50 times as fast |'
if ! grep -qF -- "$wanted" README.md || ! grep -qF -- "$wanted" docs/results/demo.md ||
  ! grep -q 'Some CPU, 2 threads; .*, commit ' docs/results/demo.md; then
  echo "figures.py did not write the row '$wanted'"
  wrong=$((wrong + 1))
fi
sed -i 's/| + fusion | 2,500 /| + fusion | 9,500 /' README.md
output=$(tools/check_documents 2>&1 || true)
if ! grep -qF 'README.md: its figures are not those of docs/results/demo.md' <<<"$output"; then
  echo "check_documents did not see a figure typed by hand"
  wrong=$((wrong + 1))
fi

echo "checks' own tests: $((cases - wrong)) passed, $wrong failed"
[[ $wrong -eq 0 ]]
