#include "brisk/backends/cuda/api/cublaslt.h"

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda::cublaslt {
namespace {

constexpr std::string_view kHowToGet =
    "it comes with the CUDA toolkit (Debian package libcublas-13-0) and with the Python wheel "
    "nvidia-cublas";

template <typename Function>
bool look_up(const VendorLibrary& file, const char* name, Function& function) {
  function = reinterpret_cast<Function>(file.symbol(name));
  return function != nullptr;
}

Result<Library> open_library() {
  Result<VendorLibrary> file =
      VendorLibrary::open({"libcublasLt.so.13", "libcublasLt.so.12"}, kHowToGet);
  if (!file) return file.failure();
  Library library;
  size_t (*get_version)() = nullptr;
  const bool complete =
      look_up(*file, "cublasLtGetVersion", get_version) &&
      look_up(*file, "cublasLtCreate", library.create) &&
      look_up(*file, "cublasLtDestroy", library.destroy) &&
      look_up(*file, "cublasLtMatrixLayoutCreate", library.create_layout) &&
      look_up(*file, "cublasLtMatrixLayoutDestroy", library.destroy_layout) &&
      look_up(*file, "cublasLtMatrixLayoutSetAttribute", library.set_layout) &&
      look_up(*file, "cublasLtMatmulDescCreate", library.create_matmul) &&
      look_up(*file, "cublasLtMatmulDescDestroy", library.destroy_matmul) &&
      look_up(*file, "cublasLtMatmulDescSetAttribute", library.set_matmul) &&
      look_up(*file, "cublasLtMatmulPreferenceCreate", library.create_preference) &&
      look_up(*file, "cublasLtMatmulPreferenceDestroy", library.destroy_preference) &&
      look_up(*file, "cublasLtMatmulPreferenceSetAttribute", library.set_preference) &&
      look_up(*file, "cublasLtMatmulAlgoGetHeuristic", library.heuristics) &&
      look_up(*file, "cublasLtMatmulAlgoCheck", library.check_algorithm) &&
      look_up(*file, "cublasLtMatmul", library.matmul) &&
      look_up(*file, "cublasLtGetStatusString", library.status_text);
  if (!complete)
    return fail("{} lacks entry points of cuBLASLt 12 and newer; {}", file->path().string(),
                kHowToGet);
  library.version = get_version();
  library.path = file->path().string();
  return library;
}

}  // namespace

Result<const Library*> library() {
  static const Result<Library> opened = open_library();
  if (!opened) return opened.failure();
  return &opened.value();
}

std::string version_text(size_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace brisk::cuda::cublaslt
