#include "brisk/backends/cuda/tensor_map.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {
namespace {

/// Only moved, never computed with: words of the elements' size.
int words_of(int64_t element_bytes) {
  return element_bytes == 2   ? kTensorMapWords16
         : element_bytes == 4 ? kTensorMapWords32
                              : kTensorMapWords64;
}

}  // namespace

TensorMap make_tensor_map(DeviceAddress address, int64_t element_bytes,
                          const std::vector<int64_t>& sizes, const std::vector<int64_t>& box,
                          bool swizzled) {
  const std::vector<uint64_t> extents(sizes.begin(), sizes.end());
  const std::vector<uint32_t> extents_of_box(box.begin(), box.end()), steps(box.size(), 1);
  std::vector<uint64_t> strides;  // of all axes but the innermost
  uint64_t stride = static_cast<uint64_t>(element_bytes);
  for (size_t axis = 0; axis + 1 < extents.size(); ++axis)
    strides.push_back(stride *= extents[axis]);
  TensorMap map{};
  check((*driver())->tensor_map_encode_tiled(
            &map, words_of(element_bytes), static_cast<uint32_t>(extents.size()),
            reinterpret_cast<void*>(address), extents.data(), strides.data(), extents_of_box.data(),
            steps.data(), kTensorMapNotInterleaved,
            swizzled ? kTensorMapSwizzle128Bytes : kTensorMapNoSwizzle, kTensorMapPromote256Bytes,
            kTensorMapZeroFill),
        "cuTensorMapEncodeTiled");
  return map;
}

TensorMap make_tensor_map(DeviceAddress address, int64_t rows, int64_t columns,
                          int64_t element_bytes, int64_t box_rows) {
  return make_tensor_map(address, element_bytes, {columns, rows}, {128 / element_bytes, box_rows});
}

TensorMap make_stepped_map(DeviceAddress address, const SteppedImages& images, int64_t channels,
                           int64_t element_bytes, int64_t box_rows) {
  const auto line = static_cast<uint64_t>(images.width * channels * element_bytes);
  const uint64_t sizes[] = {static_cast<uint64_t>(channels), static_cast<uint64_t>(images.width),
                            static_cast<uint64_t>(images.height),
                            static_cast<uint64_t>(images.batch)};
  const uint64_t strides[] = {static_cast<uint64_t>(channels * element_bytes), line,
                              line * sizes[2]};
  const int corner[] = {0, 0};  // no padding before or behind
  const uint32_t steps[] = {1, static_cast<uint32_t>(images.step_x),
                            static_cast<uint32_t>(images.step_y), 1};
  TensorMap map{};
  check((*driver())->tensor_map_encode_im2col(
            &map, words_of(element_bytes), 4, reinterpret_cast<void*>(address), sizes, strides,
            corner, corner, static_cast<uint32_t>(128 / element_bytes),
            static_cast<uint32_t>(box_rows), steps, kTensorMapNotInterleaved,
            kTensorMapSwizzle128Bytes, kTensorMapPromote256Bytes, kTensorMapZeroFill),
        "cuTensorMapEncodeIm2col");
  return map;
}

}  // namespace brisk::cuda
