#include "brisk/backends/cpu/loop/llvm_library.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

namespace brisk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libbrisk_llvm.so";

/// Where the dynamic linker looks for this program's libraries: its run path, LD_LIBRARY_PATH, the
/// system's folders. A program linked with an installed brisk has the folder of the library in its
/// run path (cmake/brisk-config.cmake.in).
std::vector<fs::path> linker_search_path() {
  void* program = dlopen(nullptr, RTLD_LAZY);
  Dl_serinfo size;
  if (program == nullptr || dlinfo(program, RTLD_DI_SERINFOSIZE, &size) != 0) return {};
  std::vector<std::max_align_t> memory(size.dls_size / sizeof(std::max_align_t) + 1);
  auto* search = reinterpret_cast<Dl_serinfo*>(memory.data());
  std::vector<fs::path> folders;
  if (dlinfo(program, RTLD_DI_SERINFOSIZE, search) == 0 &&
      dlinfo(program, RTLD_DI_SERINFO, search) == 0) {
    for (unsigned i = 0; i < search->dls_cnt; ++i) {
      folders.emplace_back(search->dls_serpath[i].dls_name);
    }
  }
  dlclose(program);
  return folders;
}

Result<fs::path> find_library() {
  if (const char* path = std::getenv("BRISK_LLVM_LIBRARY"); path != nullptr && *path != '\0') {
    if (fs::exists(path)) return fs::path(path);
    return fail("BRISK_LLVM_LIBRARY names '{}', which does not exist", path);
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::string places;
  for (const char* relative : {".", "lib", "../lib", "../lib/brisk", "../../lib"}) {
    const fs::path path = (program / relative / kLibrary).lexically_normal();
    if (fs::exists(path, error)) return path;
    places += (places.empty() ? "" : ", ") + path.string();
  }
  for (const fs::path& folder : linker_search_path()) {
    for (const fs::path& path : {folder / kLibrary, folder / "brisk" / kLibrary}) {
      if (fs::exists(path, error)) return path;
    }
  }
  return fail(
      "fused loops cannot be compiled: {} was not found (looked at {}, and where the dynamic "
      "linker looks for libraries)",
      kLibrary, places);
}

struct Entry {
  CompileLoopFunction compile = nullptr;
  std::string error;
};

/// Loaded once and kept: LLVM's libraries do not like to be unloaded.
const Entry& library() {
  static const Entry entry = []() -> Entry {
    const auto path = find_library();
    if (!path) return {nullptr, path.error()};
    void* handle = dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr)
      return {nullptr, fmt::format("{} cannot be loaded: {}", path->string(), dlerror())};
    auto* function =
        reinterpret_cast<CompileLoopFunction>(dlsym(handle, "brisk_llvm_compile_loop"));
    if (function == nullptr)
      return {nullptr, fmt::format("{} is not brisk's LLVM library", path->string())};
    return {function, ""};
  }();
  return entry;
}

}  // namespace

Result<std::string> llvm_library_stamp() {
  const auto path = find_library();
  if (!path) return path.failure();
  std::error_code error;
  const auto size = fs::file_size(*path, error);
  const auto time = fs::last_write_time(*path, error).time_since_epoch().count();
  if (error) return fail("{} cannot be read: {}", path->string(), error.message());
  return fmt::format("{} {}", size, time);
}

Result<std::string> compile_with_llvm(const LoopProgram& program, const LoopPlan& plan) {
  if (library().compile == nullptr) return fail("{}", library().error);
  const CodegenRequest request{.program = &program, .plan = &plan};
  std::string bytes;
  const auto sink = [](void* context, const char* data, size_t count) {
    static_cast<std::string*>(context)->assign(data, count);
  };
  if (library().compile(&request, sink, &bytes) != 0)
    return fail("a fused loop was not compiled: {}", bytes);
  return bytes;
}

}  // namespace brisk
