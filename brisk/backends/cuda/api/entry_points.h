#pragma once

/// How vendor libraries are reached: opened at run time by name, their entry points looked up into
/// a struct of function pointers. Nothing of CUDA is needed to build brisk, one build runs with and
/// without a GPU, and an absent or too old library is a sentence. Each file of this folder is the
/// only door to its library; it declares just the types, constants and functions that brisk calls,
/// as the library's public reference documents them (the ABI of a major version is stable). Where
/// the toolkit's headers are installed, tests/backends/cuda/abi_test.cpp holds ours against them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/runtime/backend.h"

namespace brisk::cuda {

/// A library that stays open for the life of the process.
class VendorLibrary {
 public:
  /// Tries, in order: BRISK_CUDA_PATH and, unless BRISK_CUDA_SEARCH is 0, the loader's own search,
  /// CUDA_HOME and CUDA_PATH, the usual toolkit folders, and the folders of pip's nvidia wheels of
  /// the python3 that is first on PATH (nvidia/<part>/lib, nvidia/cu13/lib). `names`: file names,
  /// best first ("libcudnn.so.9").
  /// Fails with every place that was tried and how to get the library.
  static Result<VendorLibrary> open(std::vector<std::string> names, std::string_view how_to_get);

  /// nullptr when the library has no such symbol.
  void* symbol(const char* name) const;
  /// The file that the loader took.
  const std::filesystem::path& path() const { return path_; }

 private:
  static Result<VendorLibrary> search(const std::vector<std::string>& names,
                                      std::string_view how_to_get);
  VendorLibrary(void* handle, std::filesystem::path path)
      : handle_(handle), path_(std::move(path)) {}
  void* handle_ = nullptr;
  std::filesystem::path path_;
};

/// Looks up the entry points of one library; the first that it lacks is remembered.
class EntryPoints {
 public:
  explicit EntryPoints(const VendorLibrary& library) : library_(library) {}
  template <typename Function>
  void operator()(const char* name, Function& function) {
    optional(name, function);
    if (function == nullptr && missing_.empty()) missing_ = name;
  }
  /// Null where the library does not have it.
  template <typename Function>
  void optional(const char* name, Function& function) {
    function = reinterpret_cast<Function>(library_.symbol(name));
  }
  /// Empty when all were found.
  const std::string& missing() const { return missing_; }

 private:
  const VendorLibrary& library_;
  std::string missing_;
};

/// As cuDNN and cuBLASLt number themselves: 91900 -> "9.19.0".
std::string library_version_text(int64_t version);

/// Driver, NVRTC, cuDNN, cuBLASLt, CUPTI, in this order. Loads each; does not touch the device.
std::vector<LibraryReport> library_reports();

}  // namespace brisk::cuda
