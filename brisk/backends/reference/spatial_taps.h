#pragma once

/// The geometry that convolutions and pools share: which input position meets which result
/// position through which place of the window, over any number of spatial axes.

#include <cstdint>
#include <span>
#include <vector>

#include "brisk/base/shape.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/window/window.h"

namespace brisk::reference {

/// Row-major positions over the spatial axes of input, window and result.
struct Tap {
  int64_t input, window, result;
};

struct SpatialGeometry {
  std::vector<int64_t> input, window, result;  ///< sizes of the spatial axes
  std::vector<int64_t> strides, dilations, pad_low;

  /// Pairs that fall into the padding are left out. Ordered by result, then by window place.
  std::vector<Tap> taps() const;
  int64_t input_count() const { return checked_product(input); }
  int64_t result_count() const { return checked_product(result); }
};

/// Sizes without the first and the last axis: [batch, spatial..., channels].
std::vector<int64_t> spatial_sizes(std::span<const int64_t> sizes);

/// `input`, `filter` and `result`: sizes of the whole tensors (filter: [kernel..., c, f]).
SpatialGeometry convolution_geometry(const ConvolutionAttributes& attributes,
                                     std::span<const int64_t> input,
                                     std::span<const int64_t> filter,
                                     std::span<const int64_t> result);
SpatialGeometry window_geometry(const WindowAttributes& attributes, std::span<const int64_t> input,
                                std::span<const int64_t> result);

}  // namespace brisk::reference
