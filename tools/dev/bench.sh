#!/usr/bin/env bash
# ./dev bench: the program's own benchmark, alone or beside its peers.
set -euo pipefail
source "$BRISK_ROOT/tools/dev/lib/packages.sh"
source "$BRISK_ROOT/tools/dev/lib/build.sh"
source "$BRISK_ROOT/tools/dev/lib/peers.sh"

usage() {
  cat <<'TEXT'
usage: ./dev bench [--peers [--write]] [--json] [--rounds N] [--threads N] [--only PART]

  --peers      beside TensorFlow and PyTorch, which are installed into .peers/ (about 1.5 GB;
               BRISK_PEERS_VENV names another environment): ours and theirs alternate, and what
               is printed are medians over the rounds and their ratio; over 1 brisk is faster
  --write      puts the table into docs/results/peers.md and README.md as well
  --json       one object a line: case, unit, ours, peer, peer_name, ratio, cpu, threads
  --rounds N   how often each is measured (3)
  --threads N  threads of computation of all of them (one for each core)
  --only PART  only cases with this in their name, such as train/f32

Measure on a machine that does nothing else; the load is printed with the result.
TEXT
}

peers="" write=""
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --peers) peers=1 ;;
    --write) write=1 ;;
    --json) arguments+=(--json) ;;
    --rounds | --threads | --only)
      [[ $# -ge 2 ]] || { echo "./dev bench: $1 needs a value" >&2 && exit 2; }
      arguments+=("$1" "$2")
      shift
      ;;
    *) echo "./dev bench: there is no option '$1'" >&2 && usage >&2 && exit 2 ;;
  esac
  shift
done
[[ -n $write && -z $peers ]] && echo "./dev bench: --write goes with --peers" >&2 && exit 2
ensure_packages build scripts
build_program release
if [[ -n $peers ]]; then
  ensure_peers
  arguments+=(--peers-python "$(peers_python)")
fi
cd "$BRISK_ROOT"
if [[ -z $write ]]; then
  exec python3 -B tools/dev/bench.py "${arguments[@]}" --program build/bin/brisk
fi
figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
python3 -B tools/dev/bench.py "${arguments[@]}" --json --program build/bin/brisk | tee "$figures"
python3 -B tools/dev/figures.py peers <"$figures"
