#include "brisk/backends/cuda/tensor_map.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

TensorMap make_tensor_map(DeviceAddress address, int64_t element_bytes,
                          const std::vector<int64_t>& sizes, const std::vector<int64_t>& box,
                          bool swizzled) {
  // Only moved, never computed with: words of the elements' size.
  const int type = element_bytes == 2   ? kTensorMapWords16
                   : element_bytes == 4 ? kTensorMapWords32
                                        : kTensorMapWords64;
  const std::vector<uint64_t> extents(sizes.begin(), sizes.end());
  const std::vector<uint32_t> extents_of_box(box.begin(), box.end()), steps(box.size(), 1);
  std::vector<uint64_t> strides;  // of all axes but the innermost
  uint64_t stride = static_cast<uint64_t>(element_bytes);
  for (size_t axis = 0; axis + 1 < extents.size(); ++axis)
    strides.push_back(stride *= extents[axis]);
  TensorMap map{};
  check((*driver())->tensor_map_encode_tiled(
            &map, type, static_cast<uint32_t>(extents.size()), reinterpret_cast<void*>(address),
            extents.data(), strides.data(), extents_of_box.data(), steps.data(),
            kTensorMapNotInterleaved, swizzled ? kTensorMapSwizzle128Bytes : kTensorMapNoSwizzle,
            kTensorMapPromote256Bytes, kTensorMapZeroFill),
        "cuTensorMapEncodeTiled");
  return map;
}

TensorMap make_tensor_map(DeviceAddress address, int64_t rows, int64_t columns,
                          int64_t element_bytes, int64_t box_rows) {
  return make_tensor_map(address, element_bytes, {columns, rows}, {128 / element_bytes, box_rows});
}

}  // namespace brisk::cuda
