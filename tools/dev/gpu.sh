#!/usr/bin/env bash
# ./dev gpu: what a machine with a GPU needs to test and to measure brisk, in one folder.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
cd "$BRISK_ROOT"

usage() {
  cat <<'TEXT'
usage: ./dev gpu [--out DIRECTORY] [--no-build]

  --out DIRECTORY  where to put it (build-gpu/brisk-gpu); a tarball is made beside it
  --no-build       bundle what build-minimal/ holds

Builds the preset `minimal` (no oneDNN, no LLVM) and gathers the program, the tests of ops, backends
and training, the libraries they load and the files they read. It runs on any x86-64 Linux with
glibc 2.36 and NVIDIA's driver; cuDNN, cuBLASLt and NVRTC are found there, in the toolkit or among
pip's nvidia wheels. Copy the folder over, then:

  ./run.sh doctor         what that machine has
  ./run.sh conformance    every op and its gradient on the GPU against plain evaluation
  ./run.sh bench          the speed of training steps
  ./run.sh measure        ResNet-50 with and without each optimisation
  ./run.sh sanitize       compute-sanitizer's memcheck, racecheck and initcheck over ops and training steps
TEXT
}

out=build-gpu/brisk-gpu build=1
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --no-build) build="" ;;
    --out)
      [[ $# -ge 2 ]] || { echo "./dev gpu: --out needs a value" >&2 && exit 2; }
      out=$2
      shift
      ;;
    *) echo "./dev gpu: there is no option '$1'" >&2 && usage >&2 && exit 2 ;;
  esac
  shift
done
programs=(bin/brisk tests/test_ops tests/test_backends tests/test_runtime tests/test_train)
if [[ -n $build ]]; then
  ensure_packages build
  build minimal brisk_program test_ops test_backends test_runtime test_train
fi

# What a system has in any case and must come from itself.
is_of_system() {
  case $1 in
    libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.* | ld-linux*) return 0 ;;
    *) return 1 ;;
  esac
}

rm -rf "$out"
mkdir -p "$out"/{bin,lib,tests/backends/cuda}
for program in "${programs[@]}"; do
  strip -o "$out/bin/$(basename "$program")" "build-minimal/$program"
  while read -r library path; do
    is_of_system "$library" || [[ -f $out/lib/$library ]] || strip -o "$out/lib/$library" "$path"
  done < <(ldd "build-minimal/$program" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }')
done
cp tests/backends/cuda/*.json "$out/tests/backends/cuda/"
cp tools/dev/gpu_run.sh "$out/run.sh"
chmod +x "$out/run.sh"
tar -C "$(dirname "$out")" -czf "$out.tar.gz" "$(basename "$out")"
echo "$out: $(du -sh "$out" | cut -f1), $out.tar.gz: $(du -h "$out.tar.gz" | cut -f1)"
