#pragma once

/// A device as a file: what kernels are chosen by where the device itself is absent.

#include <filesystem>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

/// One JSON object with the properties' names; unknown names are ignored. Fails with the file and
/// what is missing or out of range.
Result<DeviceProperties> read_device_description(const std::filesystem::path& path);
std::string device_description(const DeviceProperties& properties);

}  // namespace brisk::cuda
