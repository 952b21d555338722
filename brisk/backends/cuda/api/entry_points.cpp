#include "brisk/backends/cuda/api/entry_points.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>

namespace brisk::cuda {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::vector<std::string> environment_list(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::vector<std::string>() : split(value);
}

/// Subfolders of `folder` whose names begin with `prefix`; none when it can't be read.
std::vector<fs::path> subfolders(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_directory(error) && at->path().filename().string().starts_with(prefix))
      found.push_back(at->path());
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

/// Where the python3 first on PATH keeps packages, by the layout of its installation: an
/// environment's own folder (bin/python3 is a link out of it), then what the link leads to.
std::vector<fs::path> python_package_folders() {
  std::vector<fs::path> prefixes;
  std::error_code error;
  for (const std::string& folder : environment_list("PATH")) {
    const fs::path python = fs::path(folder) / "python3";
    if (!fs::exists(python, error)) continue;
    prefixes.push_back(fs::path(folder).parent_path());
    const fs::path real = fs::canonical(python, error);
    if (!error) prefixes.push_back(real.parent_path().parent_path());
    break;
  }
  prefixes.emplace_back("/usr/local");
  if (const char* home = std::getenv("HOME")) prefixes.push_back(fs::path(home) / ".local");
  std::vector<fs::path> folders;
  for (const fs::path& prefix : prefixes)
    for (const fs::path& version : subfolders(prefix / "lib", "python3"))
      for (const char* kind : {"site-packages", "dist-packages"}) folders.push_back(version / kind);
  return folders;
}

std::vector<fs::path> toolkit_folders() {
  std::vector<fs::path> folders;
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"})
    for (const std::string& home : environment_list(variable))
      for (const char* part : {"lib64", "lib"}) folders.push_back(fs::path(home) / part);
  folders.insert(folders.end(),
                 {"/usr/local/cuda/lib64", "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib",
                  "/usr/lib/wsl/lib", "/opt/cuda/lib64", "/usr/lib/x86_64-linux-gnu"});
  for (const fs::path& version : subfolders("/usr/local", "cuda-"))
    folders.push_back(version / "lib64");
  return folders;
}

std::vector<fs::path> wheel_folders() {
  std::vector<fs::path> folders;
  for (const fs::path& packages : python_package_folders())
    for (const fs::path& part : subfolders(packages / "nvidia", ""))
      folders.push_back(part / "lib");
  return folders;
}

fs::path path_of(void* handle, const std::string& name) {
  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr && map->l_name[0] != '\0')
    return map->l_name;
  return name;
}

}  // namespace

Result<VendorLibrary> VendorLibrary::open(std::vector<std::string> names,
                                          std::string_view how_to_get) {
  // What was found once is not looked for again: folders of packages are many.
  static std::mutex mutex;
  static std::map<std::string, VendorLibrary> found_before;
  const std::lock_guard lock(mutex);
  if (const auto at = found_before.find(names[0]); at != found_before.end()) return at->second;
  Result<VendorLibrary> library = search(names, how_to_get);
  if (library) found_before.emplace(names[0], *library);
  return library;
}

Result<VendorLibrary> VendorLibrary::search(const std::vector<std::string>& names,
                                            std::string_view how_to_get) {
  std::vector<std::string> tried;
  const auto attempt = [&](const std::string& file) -> void* {
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) tried.push_back(fmt::format("{}: {}", file, dlerror()));
    return handle;
  };
  const auto among = [&](const std::vector<fs::path>& folders) -> std::optional<VendorLibrary> {
    std::error_code error;
    for (const fs::path& folder : folders)
      for (const std::string& name : names) {
        const fs::path file = folder / name;
        if (!fs::exists(file, error)) continue;
        if (void* handle = attempt(file.string()))
          return VendorLibrary(handle, path_of(handle, file.string()));
      }
    return std::nullopt;
  };
  std::vector<fs::path> own;
  for (const std::string& folder : environment_list("BRISK_CUDA_PATH")) own.emplace_back(folder);
  if (auto found = among(own)) return *found;
  if (const char* search = std::getenv("BRISK_CUDA_SEARCH");
      search && std::string_view(search) == "0")
    return fail(
        "{} was not found in BRISK_CUDA_PATH, and BRISK_CUDA_SEARCH=0 forbids to look elsewhere{}; "
        "{}",
        fmt::join(names, " or "), tried.empty() ? "" : fmt::format(" ({})", fmt::join(tried, "; ")),
        how_to_get);
  for (const std::string& name : names)
    if (void* handle = attempt(name)) return VendorLibrary(handle, path_of(handle, name));
  const std::vector<fs::path> toolkit = toolkit_folders();
  if (auto found = among(toolkit)) return *found;
  const std::vector<fs::path> wheels = wheel_folders();
  if (auto found = among(wheels)) return *found;
  return fail(
      "{} was not found by the loader, nor in BRISK_CUDA_PATH, {} toolkit folders and {} folders "
      "of "
      "pip's nvidia wheels ({}); {}",
      fmt::join(names, " or "), toolkit.size(), wheels.size(), fmt::join(tried, "; "), how_to_get);
}

std::string library_version_text(int64_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

void* VendorLibrary::symbol(const char* name) const {
  return dlsym(handle_, name);
}

}  // namespace brisk::cuda
