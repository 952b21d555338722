#!/usr/bin/env bash
# ./dev doctor: what this machine has and lacks. It changes nothing.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
source "$BRISK_ROOT/tools/dev/lib/peers.sh"
if [[ $# -gt 0 ]]; then
  echo "usage: ./dev doctor"
  echo "Prints what this machine has and lacks for building brisk; exits with 1 where a package"
  echo "that the build needs is missing. Nothing is changed."
  [[ $1 == -h || $1 == --help ]]
  exit
fi
cd "$BRISK_ROOT"

row() { printf '%-14s %s\n' "$1" "$2"; }
version() { if command -v "$1" >/dev/null; then "$@" 2>&1 | head -n 1; else echo "missing"; fi; }

row system "$(. /etc/os-release && echo "$PRETTY_NAME"), $(uname -m)"
row cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) usable"
flags=" $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo | head -n 1) "
found=""
for flag in avx2 avx512f avx512_vnni avx512_bf16 amx_tile amx_bf16 amx_int8; do
  [[ $flags == *" $flag "* ]] && found+=" $flag"
done
row instructions "${found:- none beyond the baseline}"
if [[ $found == *bf16* ]]; then
  row bfloat16 "in hardware"
else
  row bfloat16 "no instructions for it: mixed_bfloat16 will be slower than float32 here"
fi
row memory "$(awk '/MemAvailable/ { printf "%.1f GB available", $2 / 1e6 }' /proc/meminfo)"
row disk "$(df -Ph . | awk 'NR == 2 { print $4 " free here" }')"
row load "$(cut -d' ' -f1-3 /proc/loadavg)"
row gpu "$(if command -v nvidia-smi >/dev/null; then nvidia-smi --query-gpu=name --format=csv,noheader || true; else echo none; fi)"
row g++ "$(version g++ --version)"
row cmake "$(version cmake --version)"
row ninja "$(version ninja --version)"
row ccache "$(version ccache --version)"
row mold "$(version mold --version)"
row clang-format "$(version clang-format --version)"
row build/ "$([[ -f build/build.ninja ]] && echo configured || echo "not configured yet")"
row peers "$([[ -x $(peers_python) ]] && echo "in $(peers_dir)" || echo "not installed (./dev bench --peers does)")"

status=0
if command -v dpkg-query >/dev/null; then
  for group in build scripts format peers; do
    mapfile -t wanted < <(packages_of $group)
    absent=$(missing_packages "${wanted[@]}" | tr '\n' ' ')
    row "[$group]" "$([[ -z $absent ]] && echo "all ${#wanted[@]} packages installed" || echo "missing: $absent")"
    [[ $group == build && -n $absent ]] && status=1
  done
else
  row packages "not a Debian system: see tools/packages.txt for what CMake will look for"
fi
exit $status
