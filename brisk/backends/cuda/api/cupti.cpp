#include "brisk/backends/cuda/api/cupti.h"

#include <fmt/format.h>

namespace brisk::cuda::cupti {
namespace {

constexpr std::string_view kHowToGet =
    "it is part of the CUDA toolkit 12.0 or newer (https://developer.nvidia.com/cuda-downloads) "
    "and of pip's nvidia-cuda-cupti; name its folder in BRISK_CUDA_PATH where it is installed "
    "elsewhere";

Result<Library> load() {
  const Result<VendorLibrary> found =
      VendorLibrary::open({"libcupti.so.13", "libcupti.so.12"}, kHowToGet);
  if (!found) return fail("kernels are timed by events, without their names: {}", found.error());
  Library api{};
  api.path = found->path().string();
  EntryPoints find(*found);
  find("cuptiGetVersion", api.get_version);
  find("cuptiGetResultString", api.get_result_string);
  find("cuptiActivityRegisterCallbacks", api.register_callbacks);
  find("cuptiActivityEnable", api.enable);
  find("cuptiActivityDisable", api.disable);
  find("cuptiActivityFlushAll", api.flush_all);
  find("cuptiActivityGetNextRecord", api.get_next_record);
  find("cuptiActivityPushExternalCorrelationId", api.push_external_correlation);
  find("cuptiActivityPopExternalCorrelationId", api.pop_external_correlation);
  if (api.get_version != nullptr) api.get_version(&api.version);
  if (api.version < kOldestVersion || !find.missing().empty())
    return fail("CUPTI in {} is version {}, but 12.0 or newer is needed: {}", api.path,
                version_text(api.version), kHowToGet);
  return api;
}

}  // namespace

Result<const Library*> library() {
  static const Result<Library> loaded = load();
  if (!loaded) return loaded.failure();
  return &*loaded;
}

std::string version_text(int64_t version) {
  if (version < 100'000)
    return version == kOldestVersion ? "12.0" : fmt::format("of API {}", version);
  return fmt::format("{}.{}.{}", version / 10'000, version / 100 % 100, version % 100);
}

std::string error_text(const Library& library, Status status) {
  const char* text = nullptr;
  if (library.get_result_string(status, &text) == 0 && text != nullptr) return text;
  return fmt::format("error {}", status);
}

}  // namespace brisk::cuda::cupti
