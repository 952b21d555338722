# shellcheck shell=bash
# Installs Debian packages by name. Sourced.

# The packages of the groups named, one a line, as tools/packages.txt lists them.
packages_of() {
  local group
  for group in "$@"; do
    awk -v want="[$group]" '/^\[/ { on = ($1 == want); next } on && NF && !/^#/ { print $1 }' \
      "$BRISK_ROOT/tools/packages.txt"
  done
}

# Those of the packages named that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      echo "$package"
  done
}

# ensure_packages GROUP...: touches nothing when all is there. Where Debian's tools are absent,
# CMake is left to find the libraries and to name what it lacks.
ensure_packages() {
  command -v dpkg-query >/dev/null || return 0
  local -a wanted missing as_root=()
  mapfile -t wanted < <(packages_of "$@")
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ -n ${BRISK_NO_INSTALL:-} ]]; then
    echo "./dev: missing packages (BRISK_NO_INSTALL is set): ${missing[*]}" >&2
    return 1
  fi
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "./dev: missing packages; as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "./dev: installing with apt-get: ${missing[*]}" >&2
  local log
  log=$(mktemp)
  local -a install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends "${missing[@]}")
  # The lists are renewed only where they do not lead to the packages, because that is slow.
  if ! "${install[@]}" >"$log" 2>&1; then
    echo "./dev: renewing apt-get's lists, which do not lead to all of them" >&2
    if ! { "${as_root[@]}" apt-get update -q && "${install[@]}"; } >"$log" 2>&1; then
      cat "$log" >&2
      rm "$log"
      return 1
    fi
  fi
  rm "$log"
}
