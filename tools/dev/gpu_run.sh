#!/usr/bin/env bash
# Runs what ./dev gpu has bundled, on a machine with a GPU. Logs go to $OUT, or logs/ beside this.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export BRISK_CACHE=${BRISK_CACHE:-$here/cache}
logs=${OUT:-$here/logs}
mkdir -p "$logs" "$BRISK_CACHE"

usage() { echo "usage: run.sh doctor | conformance [FILTER] | train | bench | sanitize | all" >&2; }

doctor() { "$here/bin/brisk" doctor; }

# sharded PROGRAM FILTER: the program's tests in as many processes as there are cores; each failed
# test by name, then counts.
sharded() {
  local program=$1 filter=$2 shards shard failed=0
  shards=$(nproc)
  for ((shard = 0; shard < shards; ++shard)); do
    BRISK_TEST_BACKENDS=cuda GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard \
      "$here/bin/$program" --gtest_filter="$filter" --gtest_brief=1 >"$logs/$program.$shard.log" 2>&1 &
  done
  wait
  cat "$logs/$program".*.log >"$logs/$program.log"
  rm -f "$logs/$program".[0-9]*.log
  grep -h "FAILED  \] .*(" "$logs/$program.log" | sort | sed 's/ (.*ms)//' | uniq >"$logs/$program.failed"
  failed=$(wc -l <"$logs/$program.failed")
  echo "$program: $(grep -hc 'PASSED' "$logs/$program.log") of $shards shards ended," \
    "$(grep -hoE 'PASSED  \] [0-9]+' "$logs/$program.log" | awk '{ n += $3 } END { print n + 0 }') passed, $failed failed"
  head -n 40 "$logs/$program.failed"
  [[ $failed -eq 0 ]]
}

conformance() {
  sharded test_ops "${1:-*}"
  sharded test_runtime "RandomGraph.*"
}

train() { sharded test_train "*Cuda*:*cuda*"; }

bench() { "$here/bin/brisk" bench --backend cuda --steps 200; }

sanitize() {
  compute-sanitizer --tool memcheck --error-exitcode 9 "$here/bin/test_train" --gtest_filter='*Cuda*' \
    >"$logs/memcheck.log" 2>&1
  local code=$?
  tail -n 3 "$logs/memcheck.log"
  return $code
}

case ${1:-} in
  doctor | bench | sanitize | train) "$1" ;;
  conformance) conformance "${2:-*}" ;;
  all) doctor && conformance '*' && train && bench ;;
  *) usage && exit 2 ;;
esac
