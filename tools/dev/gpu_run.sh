#!/usr/bin/env bash
# Runs what ./dev gpu has bundled, on a machine with a GPU. Logs go to $OUT, or logs/ beside this.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export BRISK_CACHE=${BRISK_CACHE:-$here/cache}
export BRISK_TEST_BACKENDS=cuda
logs=${OUT:-$here/logs}
mkdir -p "$logs" "$BRISK_CACHE"

# What of the ops' tests concerns a backend.
readonly op_tests='*AgreeAcrossBackends/*:*HaveTheSameGradientOnBackends/*:*Cases.Backends/*'

usage() {
  cat >&2 <<'TEXT'
usage: run.sh doctor                          what this machine has
       run.sh conformance [SECONDS [FILTER]]  every op and its gradient on the GPU, by types
       run.sh train                           training steps beside the CPU's
       run.sh bench                           speed of a small network's training step
       run.sh sanitize [SECONDS [FILTER]]     compute-sanitizer's memcheck, racecheck and initcheck over the ops (those
                                              of FILTER) and training steps, so long each; fails on a report
                                              in a kernel of brisk, of memcheck on any
       run.sh under TOOL PROGRAM SECONDS FILTER   one of these tools over tests of FILTER in test_ops, test_train...
       run.sh measure                         ResNet-50: what each optimisation is worth, as JSON lines, in
                                              three and a half minutes
       run.sh all                             doctor, conformance, train and bench
TEXT
}

doctor() { "$here/bin/brisk" doctor; }

# sharded LOG PROGRAM SECONDS FILTER [COMMAND...]: the program's tests in as many processes as there are
# cores (SHARDS, else), each under COMMAND, for so long at most; counts, and each failed test by name.
sharded() {
  local log=$1 program=$2 seconds=$3 filter=$4 shards=${SHARDS:-$(nproc)} shard pids=()
  shift 4
  for ((shard = 0; shard < shards; ++shard)); do
    GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard timeout -k 10 "$seconds" "$@" "$here/bin/$program" \
      --gtest_filter="$filter" >"$logs/$log.$shard" 2>&1 &
    pids+=($!)
  done
  wait "${pids[@]}"
  cat "$logs/$log".[0-9]* >"$logs/$log.log"
  rm -f "$logs/$log".[0-9]*
  local passed failed ended
  passed=$(grep -cE '^\[       OK \]' "$logs/$log.log")
  ended=$(grep -cE '^\[==========\] [0-9]+ tests? .* ran\.' "$logs/$log.log")
  grep -hE '^\[  FAILED  \] .* \([0-9]+ ms\)$' "$logs/$log.log" |
    sed -E 's/^\[  FAILED  \] //; s/, where .*//; s/ \([0-9]+ ms\)$//' | sort -u >"$logs/$log.failed"
  failed=$(wc -l <"$logs/$log.failed")
  echo "$log: $passed passed, $failed failed; $ended of $shards processes came to their end"
  [[ $failed -eq 0 && $passed -gt 0 && $ended -eq $shards ]]
}

# Failures by what they say, most frequent first.
reasons() {
  grep -hoE '(no kernel for [a-z_0-9]+|C\+\+ exception with description "[^"]{0,160}|is expected \(within [^)]*\)|Which is: .{0,80})' \
    "$logs/$1.log" | sed -E 's/[0-9.e+-]{4,}/N/g' | sort | uniq -c | sort -rn | head -n "${2:-25}"
}

conformance() {
  local code=0
  sharded test_ops test_ops "${1:-540}" "${2:-$op_tests}" || code=1
  [[ $# -ge 2 ]] && return $code
  sharded test_runtime test_runtime "${1:-540}" 'RandomGraph.EveryBackend*' || code=1
  return $code
}

train() { "$here/bin/test_train" --gtest_filter='CudaTraining.*' 2>&1 | tee "$logs/train.log" | grep -E '^\[|rror|differ|expect' | head -60; }

bench() { "$here/bin/brisk" bench --backend cuda --steps 200; }

# A training of each kind: f32, batch norm, every fusion in each rounded type, TF32, an overflow, an MLP with
# gradients accumulated.
readonly training_tests='CudaTraining.AnMlp*:CudaTraining.BatchNorm*:CudaTraining.Accumulation*:CudaTraining.RoundedTypes*:CudaTraining.ABlocks*:CudaTraining.ADeterministic*:CudaTraining.Tf32*:CudaTraining.AnOverflow*:TransformersOnCuda.*'

# Reports of compute-sanitizer in a log: a count and a kernel a line; what an API call reports is counted as such.
reports() {
  sed -nE 's/^=========.* at (.*[^ ])\+0x[0-9a-f]+.*$/\1/p
           s/^=========.* at 0x[0-9a-f]+ in (.*)$/\1/p
           s/^=========.*(Host API|Program hit) .*$/an API call/p' "$1" | sed -E 's/^(void )?([^(<]+).*/\2/' |
    sort | uniq -c | sort -rn
}

# Kernels of brisk are named by what they do and sixteen hexadecimal digits.
readonly own_kernel='_[0-9a-f]{16}$'

# under TOOL PROGRAM SECONDS FILTER: the tests under the tool; fails where it reports a kernel of brisk, memcheck where it
# reports any, since one of a library may have been given too little memory. Only initcheck looks into nothing but
# kernels of brisk: racecheck 2025.3 breaks those of cuBLASLt that it is told to leave out.
under() {
  local tool=$1 log="$1_$2" options=() code=0
  # A copy of results takes the gaps between them along, which nothing wrote and nothing reads.
  [[ $tool != initcheck ]] || options=(--kernel-name "regex=$own_kernel" --check-api-memory-access no)
  sharded "$log" "$2" "$3" "$4" \
    compute-sanitizer --tool "$tool" --print-limit 1000 --show-backtrace no "${options[@]}" || code=1
  reports "$logs/$log.log" >"$logs/$log.reports"
  local own others
  own=$(grep -cE "$own_kernel" "$logs/$log.reports")
  others=$(grep -vcE "$own_kernel" "$logs/$log.reports")
  echo "$log: reports in $own kernels of brisk, in $others of libraries"
  head -n 20 "$logs/$log.reports"
  [[ $code -eq 0 && $own -eq 0 && ($tool != memcheck || $others -eq 0) ]] &&
    ! grep -q 'Internal Sanitizer Error' "$logs/$log.log"
}

# Kernel by kernel. First without a tool, for what is compiled and measured then and under a tool would take minutes
# more. What the libraries and other kernels that store in bulk are to write is filled before, since initcheck sees
# neither what it does not look into nor such stores (docs/results/cuda_conformance.md).
sanitize() {
  local tool code=0
  conformance "${1:-3600}" "${2:-$op_tests}" || code=1
  [[ $# -ge 2 ]] || sharded test_train test_train "${1:-3600}" "$training_tests" || code=1
  export BRISK_CUDA_GRAPH=0 BRISK_CUDA_POISON=bulk_stores SHARDS=${SHARDS:-8}
  for tool in memcheck racecheck initcheck; do
    under $tool test_ops "${1:-3600}" "${2:-$op_tests}" || code=1
    [[ $# -ge 2 ]] || under $tool test_train "${1:-3600}" "$training_tests" || code=1
  done
  return $code
}

readonly measure_seconds=205

# variant NAME SECONDS COMMAND...: its JSON lines with the variant's name in front; where it fails, a
# line that says so, and the rest goes on.
variant() {
  local name=$1 seconds=$2 left=$((measure_seconds - SECONDS)) log code
  shift 2
  [[ $left -gt 4 ]] || { printf '{"variant":"%s","skipped":"no time is left"}\n' "$name" && return; }
  [[ $seconds -le $left ]] || seconds=$left
  log="$logs/$(tr -c 'a-z0-9\n' _ <<<"$name").log"
  timeout "$seconds" "$@" >"$log" 2>&1
  code=$?
  sed -n "s/^{/{\"variant\":\"$name\",/p" "$log"
  if [[ $code -ne 0 ]]; then
    printf '{"variant":"%s","failed":%d,"said":"%s"}\n' "$name" "$code" \
      "$(tail -n 1 "$log" | tr -d '"\\\\' | cut -c 1-600)"
  fi
}

# steps PRECISION BATCH STEPS [OPTION...]
steps() {
  echo "$here/bin/brisk" bench resnet50 --backend cuda --json --precision "$1" --batch_size "$2" --steps "$3" "${@:4}"
}

measure() {
  local train strict rounded inference pass
  train=$(steps mixed_float16 256 60)
  strict=$(steps float32 256 3)
  rounded=$(steps tf32 256 10)
  inference="$(steps mixed_float16 '1 32 256' 200) --inference"
  # Unquoted on purpose: a command and its words.
  # shellcheck disable=SC2086
  {
    variant "train, all on" 60 $train
    for pass in batch_norm_through_pointwise group_loops pad_channels absorb_pool_padding; do
      variant "train, without $pass" 30 $train --disable "$pass"
    done
    variant "train, without all of them" 30 $train --disable batch_norm_through_pointwise group_loops pad_channels \
      absorb_pool_padding
    variant "train, all on again" 30 $train
    variant "inference, all on" 45 $inference
    variant "inference, without pad_channels and absorb_pool_padding" 30 $inference --disable pad_channels \
      absorb_pool_padding
    BRISK_CUDA_PREPARE=0 variant "inference, nothing prepared" 30 $inference
    variant "train, strict float32" 50 $strict
    variant "training tests" 40 "$here/bin/test_train" --gtest_filter='CudaTraining.*' --gtest_brief=1
    variant "conformance of what is new" 40 "$here/run.sh" conformance 35 \
      '*AgreeAcrossBackends/*loop_group*:*AgreeAcrossBackends/*fused_convolution*:*AgreeAcrossBackends/*gram_matrix*'
    variant "profile of train" 20 "$here/bin/brisk" explain resnet50 --backend cuda --precision mixed_float16 \
      --batch_size 256 --profile --json >"$logs/profile_train.json"
    variant "profile of inference" 20 "$here/bin/brisk" explain resnet50 --backend cuda --precision mixed_float16 \
      --batch_size 1 --inference --profile --json >"$logs/profile_inference.json"
    variant "train, tf32" 40 $rounded
  }
  tail -n 12 "$logs/training_tests.log" "$logs/conformance_of_what_is_new.log"
}

case ${1:-} in
  doctor | bench | train | measure) "$1" ;;
  sanitize | under) "$@" ;;
  reasons) reasons "$2" "${3:-25}" ;;
  conformance) conformance "${@:2}" ;;
  all) doctor && conformance && train && bench ;;
  *) usage && exit 2 ;;
esac
