#include "brisk/backends/cuda/api/cublaslt.h"

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda::cublaslt {
namespace {

constexpr std::string_view kHowToGet =
    "it comes with the CUDA toolkit (Debian package libcublas-13-0) and with the Python wheel "
    "nvidia-cublas";

Result<Library> open_library() {
  Result<VendorLibrary> file =
      VendorLibrary::open({"libcublasLt.so.13", "libcublasLt.so.12"}, kHowToGet);
  if (!file) return file.failure();
  Library library;
  size_t (*get_version)() = nullptr;
  EntryPoints find(*file);
  find("cublasLtGetVersion", get_version);
  find("cublasLtCreate", library.create);
  find("cublasLtDestroy", library.destroy);
  find("cublasLtMatrixLayoutCreate", library.create_layout);
  find("cublasLtMatrixLayoutDestroy", library.destroy_layout);
  find("cublasLtMatrixLayoutSetAttribute", library.set_layout);
  find("cublasLtMatmulDescCreate", library.create_matmul);
  find("cublasLtMatmulDescDestroy", library.destroy_matmul);
  find("cublasLtMatmulDescSetAttribute", library.set_matmul);
  find("cublasLtMatmulPreferenceCreate", library.create_preference);
  find("cublasLtMatmulPreferenceDestroy", library.destroy_preference);
  find("cublasLtMatmulPreferenceSetAttribute", library.set_preference);
  find("cublasLtMatmulAlgoGetHeuristic", library.heuristics);
  find("cublasLtMatmulAlgoCheck", library.check_algorithm);
  find("cublasLtMatmul", library.matmul);
  find("cublasLtGetStatusString", library.status_text);
  if (!find.missing().empty())
    return fail("{} lacks {} of cuBLASLt 12 and newer; {}", file->path().string(), find.missing(),
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

}  // namespace brisk::cuda::cublaslt
