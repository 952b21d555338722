#include "brisk/backends/cuda/api/nvrtc.h"

#include <algorithm>

namespace brisk::cuda {
namespace {

constexpr int kOldestMajor = 12;
constexpr std::string_view kHowToGet =
    "it is part of the CUDA toolkit 12.0 or newer (https://developer.nvidia.com/cuda-downloads) "
    "and of "
    "pip's nvidia-cuda-nvrtc; name its folder in BRISK_CUDA_PATH where it is installed elsewhere";

Result<VendorLibrary> open_nvrtc() {
  return VendorLibrary::open({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}, kHowToGet);
}

Result<Nvrtc> load_nvrtc() {
  const Result<VendorLibrary> library = open_nvrtc();
  if (!library) return fail("device code can't be compiled here: {}", library.error());
  Nvrtc api{};
  api.path = library->path().string();
  EntryPoints find(*library);
  find("nvrtcVersion", api.version);
  find("nvrtcGetErrorString", api.get_error_string);
  find("nvrtcCreateProgram", api.create_program);
  find("nvrtcDestroyProgram", api.destroy_program);
  find("nvrtcCompileProgram", api.compile_program);
  find("nvrtcGetProgramLogSize", api.get_program_log_size);
  find("nvrtcGetProgramLog", api.get_program_log);
  find("nvrtcGetCUBINSize", api.get_cubin_size);
  find("nvrtcGetCUBIN", api.get_cubin);
  find("nvrtcGetNumSupportedArchs", api.get_num_supported_archs);
  find("nvrtcGetSupportedArchs", api.get_supported_archs);
  if (api.version != nullptr) api.version(&api.major, &api.minor);
  if (api.major < kOldestMajor || !find.missing().empty())
    return fail("NVRTC in {} is of version {}.{}, but brisk needs {}.0 or newer: {}", api.path,
                api.major, api.minor, kOldestMajor, kHowToGet);
  return api;
}

const Result<Nvrtc>& loaded_nvrtc() {
  static const Result<Nvrtc> loaded = load_nvrtc();
  return loaded;
}

/// "sm_90a" -> 90.
int architecture_number(std::string_view architecture) {
  int number = 0;
  for (const char c : architecture)
    if (c >= '0' && c <= '9') number = number * 10 + (c - '0');
  return number;
}

/// Nothing where the compiler knows the architecture.
Status check_architecture(const Nvrtc& api, std::string_view architecture) {
  int count = 0;
  api.get_num_supported_archs(&count);
  std::vector<int> known(static_cast<size_t>(std::max(count, 0)));
  if (count > 0) api.get_supported_archs(known.data());
  if (std::find(known.begin(), known.end(), architecture_number(architecture)) != known.end())
    return Success{};
  return fail(
      "NVRTC {}.{} ({}) can't compile for {}: take one that knows it, newer for a newer device, "
      "older for "
      "an older one",
      api.major, api.minor, api.path, architecture);
}

struct ProgramOwner {
  const Nvrtc& api;
  NvrtcProgram program = nullptr;
  ~ProgramOwner() {
    if (program != nullptr) api.destroy_program(&program);
  }
};

std::string log_of(const ProgramOwner& owner) {
  size_t bytes = 0;
  if (owner.api.get_program_log_size(owner.program, &bytes) != 0 || bytes == 0) return {};
  std::string log(bytes, '\0');
  owner.api.get_program_log(owner.program, log.data());
  log.resize(bytes - 1);
  return log;
}

}  // namespace

Result<const Nvrtc*> nvrtc() {
  const Result<Nvrtc>& loaded = loaded_nvrtc();
  if (!loaded) return loaded.failure();
  return &*loaded;
}

Result<NvrtcOutput> compile_to_cubin(std::string_view source, std::string_view architecture,
                                     const std::vector<std::string>& options) {
  const auto loaded = nvrtc();
  if (!loaded) return loaded.failure();
  const Nvrtc& api = **loaded;
  if (auto known = check_architecture(api, architecture); !known) return known.failure();
  ProgramOwner owner{api};
  const std::string text(source);
  NvrtcStatus status =
      api.create_program(&owner.program, text.c_str(), "brisk.cu", 0, nullptr, nullptr);
  if (status != 0) return fail("nvrtcCreateProgram failed: {}", api.get_error_string(status));
  std::vector<std::string> all{fmt::format("-arch={}", architecture), "-std=c++17",
                               "-default-device", "-diag-suppress=177"};
  all.insert(all.end(), options.begin(), options.end());
  std::vector<const char*> pointers;
  for (const std::string& option : all) pointers.push_back(option.c_str());
  status = api.compile_program(owner.program, static_cast<int>(pointers.size()), pointers.data());
  NvrtcOutput output{.cubin = {}, .log = log_of(owner)};
  if (status != 0)
    return fail("NVRTC {}.{} refuses generated code ({}):\n{}", api.major, api.minor,
                api.get_error_string(status), output.log);
  size_t bytes = 0;
  status = api.get_cubin_size(owner.program, &bytes);
  if (status != 0 || bytes == 0)
    return fail("nvrtcGetCUBINSize failed: {}", api.get_error_string(status));
  output.cubin.resize(bytes);
  status = api.get_cubin(owner.program, output.cubin.data());
  if (status != 0) return fail("nvrtcGetCUBIN failed: {}", api.get_error_string(status));
  return output;
}

}  // namespace brisk::cuda
