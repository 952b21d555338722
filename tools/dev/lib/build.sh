# shellcheck shell=bash
# Configures and builds by a preset of CMakePresets.json. Sourced.

# The build directory of a preset: the one that CMakePresets.json gives it.
build_dir() {
  case $1 in
    release) echo "$BRISK_ROOT/build" ;;
    *) echo "$BRISK_ROOT/build-$1" ;;
  esac
}

# configure PRESET: runs CMake once; afterwards ninja itself notices changed build files.
configure() {
  local dir
  dir=$(build_dir "$1")
  if [[ ! -f $dir/build.ninja || $BRISK_ROOT/CMakePresets.json -nt $dir/build.ninja ]]; then
    (cd "$BRISK_ROOT" && cmake --preset "$1") >&2
  fi
}

# has_target PRESET TARGET: whether the configured build knows the target.
has_target() {
  ninja -C "$(build_dir "$1")" -t query "$2" >/dev/null 2>&1
}

# build PRESET [TARGET...]: all targets where none is named.
build() {
  local preset=$1
  shift
  configure "$preset"
  ninja -C "$(build_dir "$preset")" -j "${BRISK_JOBS:-$(nproc)}" "$@" >&2
}

# build_program PRESET: the program and, where LLVM is on, the code generator that it loads.
build_program() {
  configure "$1"
  local -a targets=(brisk_program)
  has_target "$1" brisk_llvm && targets+=(brisk_llvm)
  if ! has_target "$1" brisk_program; then
    echo "./dev: brisk/cli has no sources, so there is no program to build" >&2
    return 1
  fi
  build "$1" "${targets[@]}"
}
