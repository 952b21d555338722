#pragma once

/// A tensor in the device's memory as Hopper's copies of whole boxes want it described
/// (cuTensorMapEncodeTiled, cuTensorMapEncodeIm2col): passed to a kernel by value, as a
/// `__grid_constant__` parameter.

#include <cstdint>
#include <vector>

#include "brisk/backends/cuda/device.h"
#include "brisk/base/rounding.h"

namespace brisk::cuda {

/// The driver's CUtensorMap.
struct alignas(128) TensorMap {
  uint64_t words[16];
};

/// Dense, of up to five axes, elements of 2, 4 or 8 bytes; `sizes` in elements from the innermost
/// axis on, whose bytes are a multiple of 16. A copy moves a box of `box` elements, up to 256 of
/// each axis, from any place, before the first ones, too; it lies densely in shared memory. What
/// lies outside is read as zeros and not written. `swizzled`: the box has 128 bytes of the
/// innermost axis, and the 16-byte pieces of the 128 bytes at address a lie at their number xor a /
/// 128 mod 8. Throws UserError when the driver refuses.
TensorMap make_tensor_map(DeviceAddress address, int64_t element_bytes,
                          const std::vector<int64_t>& sizes, const std::vector<int64_t>& box,
                          bool swizzled = true);

/// Row-major; a row is a multiple of 128 bytes. A copy moves a box of `box_rows` rows (up to 256)
/// of 128 bytes each; in shared memory, where the box begins at a multiple of 1,024 bytes, the
/// 16-byte pieces of row r lie at their number xor r mod 8.
TensorMap make_tensor_map(DeviceAddress address, int64_t rows, int64_t columns,
                          int64_t element_bytes, int64_t box_rows);

/// Images [batch, height, width, channels] of which the places of every so many-th line and column,
/// from the first on, are read: the rows of a matrix.
struct SteppedImages {
  int64_t batch = 0, height = 0, width = 0;
  int64_t step_y = 1, step_x = 1;  ///< up to 8
  int64_t lines() const { return ceil_div(height, step_y); }
  int64_t columns() const { return ceil_div(width, step_x); }
};

/// A copy moves `box_rows` places on end, across lines and images, of 128 bytes each, which lie in
/// shared memory as a matrix's rows.
TensorMap make_stepped_map(DeviceAddress address, const SteppedImages& images, int64_t channels,
                           int64_t element_bytes, int64_t box_rows);

}  // namespace brisk::cuda
