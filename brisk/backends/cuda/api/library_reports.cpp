#include "brisk/backends/cuda/api/cublaslt.h"
#include "brisk/backends/cuda/api/cudnn.h"
#include "brisk/backends/cuda/api/cupti.h"
#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/api/nvrtc.h"

namespace brisk::cuda {
namespace {

/// A library as brisk doctor sees it.
struct Library {
  std::string_view name;
  std::vector<std::string> files;
  int64_t oldest;                                           ///< as `version` gives it
  std::optional<int64_t> (*version)(const VendorLibrary&);  ///< nothing: it does not say
  std::string (*text)(int64_t version);
  Status (*usable)();  ///< what kernels say that need it
  bool optional = false;
};

/// cuDNN and cuBLASLt: `size_t f(void)`.
template <const char* symbol>
std::optional<int64_t> plain_version(const VendorLibrary& library) {
  const auto function = reinterpret_cast<size_t (*)()>(library.symbol(symbol));
  if (function == nullptr) return std::nullopt;
  return static_cast<int64_t>(function());
}

std::optional<int64_t> cupti_version(const VendorLibrary& library) {
  const auto function = reinterpret_cast<int (*)(uint32_t*)>(library.symbol("cuptiGetVersion"));
  uint32_t version = 0;
  if (function == nullptr || function(&version) != 0) return std::nullopt;
  return version;
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

template <auto door>
Status opens() {
  if (const auto library = door(); !library) return library.failure();
  return Success{};
}

std::vector<Library> libraries() {
  return {
      {"NVRTC",
       {"libnvrtc.so.13", "libnvrtc.so.12"},
       12000,
       nvrtc_version,
       nvrtc_text,
       opens<nvrtc>},
      {"cuDNN",
       {"libcudnn.so.9"},
       cudnn::kMinimumVersion,
       plain_version<kCudnnVersion>,
       library_version_text,
       opens<cudnn::library>},
      {"cuBLASLt",
       {"libcublasLt.so.13", "libcublasLt.so.12"},
       120000,
       plain_version<kCublasLtVersion>,
       library_version_text,
       opens<cublaslt::library>},
      {"CUPTI",
       {"libcupti.so.13", "libcupti.so.12"},
       cupti::kOldestVersion,
       cupti_version,
       cupti::version_text,
       opens<cupti::library>,
       true},
  };
}

LibraryReport report_of(const Library& entry) {
  LibraryReport report;
  report.name = entry.name;
  report.wanted = entry.text(entry.oldest) + " or newer";
  report.optional = entry.optional;
  if (const Status usable = entry.usable(); !usable) report.problem = usable.error();
  const Result<VendorLibrary> library = VendorLibrary::open(entry.files, "");
  if (!library) return report;
  report.path = library->path().string();
  const std::optional<int64_t> version = entry.version(*library);
  report.version = version ? entry.text(*version) : "unknown";
  return report;
}

}  // namespace

std::vector<LibraryReport> library_reports() {
  std::vector<LibraryReport> reports = {driver_report()};
  for (const Library& entry : libraries()) reports.push_back(report_of(entry));
  return reports;
}

}  // namespace brisk::cuda
