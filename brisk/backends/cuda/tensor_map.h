#pragma once

/// A matrix in the device's memory as Hopper's copies of whole boxes want it described
/// (cuTensorMapEncodeTiled): passed to a kernel by value, as a `__grid_constant__` parameter.

#include <cstdint>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

/// The driver's CUtensorMap.
struct alignas(128) TensorMap {
  uint64_t words[16];
};

/// Row-major; a row is a multiple of 128 bytes. A copy moves a box of `box_rows` rows (up to 256)
/// of 128 bytes each; in shared memory, where the box begins at a multiple of 1,024 bytes, the
/// 16-byte pieces of row r lie at their number xor r mod 8 (the 128-byte swizzle). What lies beyond
/// the last row is read as zeros and not written. Throws UserError when the driver refuses.
TensorMap make_tensor_map(DeviceAddress address, int64_t rows, int64_t columns,
                          int64_t element_bytes, int64_t box_rows);

}  // namespace brisk::cuda
