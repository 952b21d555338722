#include "brisk/backends/cuda/cudnn/target.h"

#include <map>
#include <mutex>

#include "brisk/base/json.h"

namespace brisk::cuda::cudnn {
namespace {

/// A handle costs milliseconds and device memory, so that all launches of a device share one; it
/// goes with the last of them.
Result<std::shared_ptr<CudnnContext>> shared_handle(const DevicePtr& device) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<CudnnContext>> handles;
  const Result<const Library*> cudnn = library();
  if (!cudnn) return cudnn.failure();
  const std::lock_guard lock(mutex);
  std::weak_ptr<CudnnContext>& known = handles[device->properties().uuid];
  if (auto handle = known.lock()) return handle;
  device->make_current();
  Handle handle = nullptr;
  const Status status = (*cudnn)->create(&handle);
  if (status != 0) return Failure{describe(status, "creating a handle")};
  std::shared_ptr<CudnnContext> owner(handle, [device, destroy = (*cudnn)->destroy](Handle owned) {
    device->make_current();
    destroy(owned);
  });
  known = owner;
  return owner;
}

}  // namespace

Result<Target> Target::of_device(const DevicePtr& device) {
  auto handle = shared_handle(device);
  if (!handle) return handle.failure();
  Target target;
  target.handle_ = std::move(*handle);
  return target;
}

Result<Target> Target::described(std::string_view json) {
  const Result<const Library*> cudnn = library();
  if (!cudnn) return cudnn.failure();
  Descriptor description(DescriptorType::device_properties);
  description.set_text(Attribute::device_json, json);
  Result<Descriptor> finalized = std::move(description).finalize();
  if (!finalized) return finalized.failure();
  Target target;
  target.description_ = std::move(*finalized);
  return target;
}

Result<Target> Target::described(const DeviceProperties& properties) {
  const bool hopper = properties.major >= 9 || properties.major == 0;
  const Json json = {
      {"cudaDeviceId", 0},
      {"deviceName", properties.name},
      {"deviceVer", properties.major == 0 ? 900 : properties.major * 100 + properties.minor * 10},
      {"driverVer", properties.driver_version == 0 ? 13000 : properties.driver_version},
      {"isTccDriver", 0},
      {"l2CacheSize", properties.l2_bytes},
      {"maxBlockSize", {1024, 1024, 64}},
      {"maxCtasPerSM", 32},
      {"maxGridSize", {2147483647, 65535, 65535}},
      {"maxRegistersPerSM", 65536},
      {"maxSharedMemoryPerBlock", 49152},
      {"maxSharedMemoryPerBlockOptin", properties.shared_bytes_per_block > 0
                                           ? properties.shared_bytes_per_block
                                           : (hopper ? 232448 : 166912)},
      {"maxThreadsPerBlock", 1024},
      {"maxThreadsPerSM", 2048},
      {"memClockRateKHz", 3201000},
      {"multiProcessorCount", properties.multiprocessors},
      {"pciDeviceId", 0},
      {"regsPerBlock", 65536},
      {"reservedSharedMemoryPerBlock", 1024},
      {"smClockRateKHz", 1980000},
      {"supportCoopLaunch", 1},
      {"totalGlobalMem", properties.memory_bytes},
      {"warpSize", 32},
  };
  return described(json.dump());
}

Result<std::string> device_description(const DevicePtr& device) {
  Result<std::shared_ptr<CudnnContext>> handle = shared_handle(device);
  if (!handle) return handle.failure();
  Descriptor description(DescriptorType::device_properties);
  description.set_handle(Attribute::device_handle, handle->get());
  Result<Descriptor> finalized = std::move(description).finalize();
  if (!finalized) return finalized.failure();
  return finalized->get_text(Attribute::device_json);
}

}  // namespace brisk::cuda::cudnn
