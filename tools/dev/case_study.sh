#!/usr/bin/env bash
# ./dev case-study: ResNet-50 made smaller and faster, measured step by step, alone or beside OpenVINO.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
source "$BRISK_ROOT/tools/dev/lib/peers.sh"
peers=()
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help)
      cat <<'TEXT'
usage: ./dev case-study [--peers] [--write] [--rounds N] [--threads N] [--output DIR]

Runs `brisk optimize` on ResNet-50 at 224 pixels (untrained: size and speed do not depend on the
weights; accuracy is not judged) and times f32 and the best model in turn, at batch 1 and 16. Then a
training step: a kernel an op, fused, and fused in bf16.

  --peers       beside OpenVINO in f32 and int8, from the same network; BRISK_PEERS_VENV names an
                environment that has it, else .peers/ is made
  --write       puts the tables into docs/results/case_study.md
  --rounds N    in which they are timed in turn (3)
  --threads N   of all of them (one for each core)
  --output DIR  where models go (runs/case_study); what is there already is not made anew

Measure on a machine that does nothing else.
TEXT
      exit 0
      ;;
    --peers) peers=(--peers-python "$(peers_python)") ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
ensure_packages build
build_program release
[[ ${#peers[@]} -eq 0 ]] || ensure_peers
exec python3 -B "$BRISK_ROOT/tools/dev/case_study.py" "${peers[@]}" "${arguments[@]}"
