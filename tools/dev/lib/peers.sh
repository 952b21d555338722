# shellcheck shell=bash
# The throw-away environment of the peers that brisk is compared with. Sourced.

peers_dir() { echo "${BRISK_PEERS_VENV:-$BRISK_ROOT/.peers}"; }
peers_python() { echo "$(peers_dir)/bin/python"; }

# Makes the environment where it is missing, once for each state of the list of packages. An
# environment named by BRISK_PEERS_VENV is the caller's own and is left as it is.
ensure_peers() {
  local list="$BRISK_ROOT/benchmarks/peers/requirements.txt" dir
  dir=$(peers_dir)
  if [[ -n ${BRISK_PEERS_VENV:-} ]]; then
    [[ -x $(peers_python) ]] && return 0
    echo "./dev: BRISK_PEERS_VENV=$dir has no bin/python" >&2
    return 1
  fi
  cmp -s "$list" "$dir/installed.txt" && return 0
  ensure_packages peers
  echo "./dev: installing the peers of $list into $dir" >&2
  python3 -m venv "$dir"
  "$dir/bin/pip" install --quiet --disable-pip-version-check -r "$list" >&2
  cp "$list" "$dir/installed.txt"
}
