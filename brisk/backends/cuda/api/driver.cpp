#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {
namespace {

constexpr std::string_view kHowToGet =
    "it comes with NVIDIA's driver for the GPU (https://www.nvidia.com/drivers, or your "
    "distribution's "
    "package); in a container, start it with the GPU passed through (docker run --gpus all)";

Result<VendorLibrary> open_driver() {
  return VendorLibrary::open({"libcuda.so.1"}, kHowToGet);
}

void look_up(EntryPoints& find, Driver& driver) {
  find("cuInit", driver.init);
  find("cuDriverGetVersion", driver.driver_get_version);
  find("cuGetErrorName", driver.get_error_name);
  find("cuGetErrorString", driver.get_error_string);
  find("cuDeviceGetCount", driver.device_get_count);
  find("cuDeviceGet", driver.device_get);
  find("cuDeviceGetName", driver.device_get_name);
  find("cuDeviceGetAttribute", driver.device_get_attribute);
  find("cuDeviceTotalMem_v2", driver.device_total_mem);
  find("cuDeviceGetUuid_v2", driver.device_get_uuid);
  find("cuDevicePrimaryCtxRetain", driver.primary_context_retain);
  find("cuDevicePrimaryCtxRelease_v2", driver.primary_context_release);
  find("cuCtxSetCurrent", driver.context_set_current);
  find("cuMemGetInfo_v2", driver.mem_get_info);
  find("cuMemAlloc_v2", driver.mem_alloc);
  find("cuMemFree_v2", driver.mem_free);
  find("cuMemHostAlloc", driver.mem_host_alloc);
  find("cuMemFreeHost", driver.mem_free_host);
  find("cuMemcpyHtoDAsync_v2", driver.memcpy_to_device);
  find("cuMemcpyDtoHAsync_v2", driver.memcpy_to_host);
  find("cuMemcpyDtoDAsync_v2", driver.memcpy_on_device);
  find("cuMemsetD8Async", driver.memset_8);
  find("cuMemsetD16Async", driver.memset_16);
  find("cuMemsetD32Async", driver.memset_32);
  find("cuStreamCreate", driver.stream_create);
  find("cuStreamDestroy_v2", driver.stream_destroy);
  find("cuStreamSynchronize", driver.stream_synchronize);
  find("cuStreamWaitEvent", driver.stream_wait_event);
  find("cuStreamBeginCapture_v2", driver.stream_begin_capture);
  find("cuStreamEndCapture", driver.stream_end_capture);
  find.optional("cuStreamGetCaptureInfo_v3", driver.stream_get_capture_info);
  find.optional("cuStreamUpdateCaptureDependencies_v2", driver.stream_update_capture_dependencies);
  find("cuGraphInstantiateWithFlags", driver.graph_instantiate);
  find("cuGraphLaunch", driver.graph_launch);
  find("cuGraphDestroy", driver.graph_destroy);
  find("cuGraphExecDestroy", driver.graph_exec_destroy);
  find("cuEventCreate", driver.event_create);
  find("cuEventRecord", driver.event_record);
  find("cuEventSynchronize", driver.event_synchronize);
  find("cuEventElapsedTime", driver.event_elapsed_time);
  find("cuEventDestroy_v2", driver.event_destroy);
  find("cuModuleLoadData", driver.module_load_data);
  find("cuModuleUnload", driver.module_unload);
  find("cuModuleGetFunction", driver.module_get_function);
  find("cuFuncGetAttribute", driver.function_get_attribute);
  find("cuFuncSetAttribute", driver.function_set_attribute);
  find("cuLaunchKernelEx", driver.launch_kernel);
  find("cuOccupancyMaxActiveBlocksPerMultiprocessor", driver.occupancy_max_blocks);
  find("cuTensorMapEncodeTiled", driver.tensor_map_encode_tiled);
  find("cuTensorMapEncodeIm2col", driver.tensor_map_encode_im2col);
}

std::string too_old(int version, const std::filesystem::path& path) {
  return fmt::format(
      "the GPU's driver ({}) offers CUDA {}, but brisk needs {} or newer: update the driver",
      path.string(), cuda_version_text(version), cuda_version_text(kOldestDriver));
}

Result<Driver> load_driver() {
  const Result<VendorLibrary> library = open_driver();
  if (!library) return fail("there is no CUDA device here: {}", library.error());
  Driver driver{};
  EntryPoints find(*library);
  look_up(find, driver);
  int version = 0;
  if (driver.driver_get_version != nullptr) driver.driver_get_version(&version);
  if (version < kOldestDriver) return fail("{}", too_old(version, library->path()));
  if (!find.missing().empty())
    return fail("the GPU's driver ({}, CUDA {}) has no function {}: update the driver",
                library->path().string(), cuda_version_text(version), find.missing());
  const DriverStatus status = driver.init(0);
  if (status == kDriverNoDevice)
    return fail(
        "the GPU's driver (CUDA {}) is installed, but sees no device: check nvidia-smi and "
        "CUDA_VISIBLE_DEVICES",
        cuda_version_text(version));
  if (status != kDriverSuccess) {
    const char* name = nullptr;
    driver.get_error_name(status, &name);
    return fail("the GPU's driver cannot be started: cuInit gives {} ({}); {}",
                name == nullptr ? "an error" : name, status,
                status == kDriverSystemDriverMismatch
                    ? "the kernel module and the library are of different versions: reboot, or "
                      "reinstall the driver"
                    : "check nvidia-smi");
  }
  return driver;
}

/// Opened once: what the process has of the driver can't change while it runs.
const Result<Driver>& loaded_driver() {
  static const Result<Driver> driver = load_driver();
  return driver;
}

std::string help_for(DriverStatus status) {
  switch (status) {
    case kDriverOutOfMemory:
      return "; other programs on the device may hold memory (nvidia-smi lists them)";
    case kDriverNoBinaryForGpu:
      return "; the code was made for another architecture: remove brisk's cache directory";
    case kDriverIllegalAddress:
    case kDriverLaunchFailed:
      return "; a kernel failed and the device's context is lost, checkpoints on disk are intact: "
             "run again, and "
             "report it with the output of `brisk doctor` (compute-sanitizer names the kernel)";
    case kDriverEccUncorrectable:
      return "; the device's memory has a fault and the context is lost, checkpoints on disk are "
             "intact: see "
             "nvidia-smi -q";
    default:
      return status >= 700 && status < 800
                 ? "; the device is lost to this process, checkpoints on disk are intact: run again"
                 : "";
  }
}

}  // namespace

std::string cuda_version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

Result<const Driver*> driver() {
  const Result<Driver>& loaded = loaded_driver();
  if (!loaded) return loaded.failure();
  return &*loaded;
}

LibraryReport driver_report() {
  LibraryReport report{.name = "CUDA driver",
                       .wanted = cuda_version_text(kOldestDriver) + " or newer"};
  const Result<VendorLibrary> library = open_driver();
  if (!library) {
    report.problem = library.error();
    return report;
  }
  report.path = library->path().string();
  int version = 0;
  const auto get_version =
      reinterpret_cast<DriverStatus (*)(int*)>(library->symbol("cuDriverGetVersion"));
  if (get_version != nullptr) get_version(&version);
  report.version = cuda_version_text(version);
  if (const auto opened = driver(); !opened) report.problem = opened.error();
  return report;
}

std::string describe_failure(DriverStatus status, const char* call) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (const auto opened = driver(); opened) {
    (*opened)->get_error_name(status, &name);
    (*opened)->get_error_string(status, &text);
  }
  return fmt::format("{} failed with {} ({}){}", call,
                     name == nullptr ? fmt::format("error {}", status) : name,
                     text == nullptr ? "unknown" : text, help_for(status));
}

void check(DriverStatus status, const char* call) {
  if (status != kDriverSuccess) [[unlikely]]
    refuse("{}", describe_failure(status, call));
}

}  // namespace brisk::cuda
