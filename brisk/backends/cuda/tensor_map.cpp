#include "brisk/backends/cuda/tensor_map.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

TensorMap make_tensor_map(DeviceAddress address, int64_t rows, int64_t columns,
                          int64_t element_bytes, int64_t box_rows) {
  // Only moved, never computed with: words of the elements' size.
  const int type = element_bytes == 2 ? kTensorMapWords16 : kTensorMapWords32;
  const uint64_t sizes[] = {static_cast<uint64_t>(columns), static_cast<uint64_t>(rows)};
  const uint64_t strides[] = {static_cast<uint64_t>(columns * element_bytes)};
  const uint32_t box[] = {static_cast<uint32_t>(128 / element_bytes),
                          static_cast<uint32_t>(box_rows)};
  const uint32_t steps[] = {1, 1};
  TensorMap map{};
  check((*driver())->tensor_map_encode_tiled(&map, type, 2, reinterpret_cast<void*>(address), sizes,
                                             strides, box, steps, kTensorMapNotInterleaved,
                                             kTensorMapSwizzle128Bytes, kTensorMapPromote256Bytes,
                                             kTensorMapZeroFill),
        "cuTensorMapEncodeTiled");
  return map;
}

}  // namespace brisk::cuda
