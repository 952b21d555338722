#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {
namespace {

/// A library that brisk doctor asks for its version without using it.
struct Library {
  std::string_view name;
  std::vector<std::string> files;
  std::string_view how_to_get;
  int64_t oldest;                                           ///< as `version` gives it
  std::optional<int64_t> (*version)(const VendorLibrary&);  ///< nothing: it does not say
  std::string (*text)(int64_t version);
};

/// cuDNN and cuBLASLt: `size_t f(void)`.
template <const char* symbol>
std::optional<int64_t> plain_version(const VendorLibrary& library) {
  const auto function = reinterpret_cast<size_t (*)()>(library.symbol(symbol));
  if (function == nullptr) return std::nullopt;
  return static_cast<int64_t>(function());
}

std::optional<int64_t> nvrtc_version(const VendorLibrary& library) {
  const auto function = reinterpret_cast<int (*)(int*, int*)>(library.symbol("nvrtcVersion"));
  int major = 0, minor = 0;
  if (function == nullptr || function(&major, &minor) != 0) return std::nullopt;
  return major * 1000 + minor * 10;
}

constexpr char kCudnnVersion[] = "cudnnGetVersion";
constexpr char kCublasLtVersion[] = "cublasLtGetVersion";

std::string nvrtc_text(int64_t v) {
  return cuda_version_text(static_cast<int>(v));
}

std::vector<Library> libraries() {
  return {
      {"NVRTC",
       {"libnvrtc.so.13", "libnvrtc.so.12"},
       "part of the CUDA toolkit; or: pip install nvidia-cuda-nvrtc",
       12000,
       nvrtc_version,
       nvrtc_text},
      {"cuDNN",
       {"libcudnn.so.9"},
       "https://developer.nvidia.com/cudnn; or: pip install nvidia-cudnn-cu13",
       91100,
       plain_version<kCudnnVersion>,
       library_version_text},
      {"cuBLASLt",
       {"libcublasLt.so.13", "libcublasLt.so.12"},
       "part of the CUDA toolkit; or: pip install nvidia-cublas",
       120000,
       plain_version<kCublasLtVersion>,
       library_version_text},
  };
}

LibraryReport report_of(const Library& entry) {
  LibraryReport report{.name = std::string(entry.name),
                       .wanted = entry.text(entry.oldest) + " or newer"};
  const Result<VendorLibrary> library = VendorLibrary::open(entry.files, entry.how_to_get);
  if (!library) {
    report.problem = library.error();
    return report;
  }
  report.path = library->path().string();
  const std::optional<int64_t> version = entry.version(*library);
  report.version = version ? entry.text(*version) : "unknown";
  if (!version || *version < entry.oldest)
    report.problem = fmt::format("{} at {} is version {}, but {} is wanted: {}", entry.name,
                                 report.path, report.version, report.wanted, entry.how_to_get);
  return report;
}

}  // namespace

std::vector<LibraryReport> library_reports() {
  std::vector<LibraryReport> reports = {driver_report()};
  for (const Library& entry : libraries()) reports.push_back(report_of(entry));
  return reports;
}

}  // namespace brisk::cuda
