#include "brisk/backends/reference/spatial_taps.h"

#include "brisk/backends/reference/strided.h"

namespace brisk::reference {
namespace {

/// The row-major position of one result index meeting one window index; -1 in the padding.
int64_t input_position(const SpatialGeometry& g, std::span<const int64_t> result_index,
                       std::span<const int64_t> window_index) {
  int64_t position = 0;
  for (size_t axis = 0; axis < g.input.size(); ++axis) {
    const int64_t at = result_index[axis] * g.strides[axis] - g.pad_low[axis] +
                       window_index[axis] * g.dilations[axis];
    if (at < 0 || at >= g.input[axis]) return -1;
    position = position * g.input[axis] + at;
  }
  return position;
}

/// All indices of `sizes` in row-major order, one after another.
std::vector<std::vector<int64_t>> all_indices(std::span<const int64_t> sizes) {
  std::vector<std::vector<int64_t>> indices;
  const std::vector<int64_t> strides = row_major_strides(sizes);
  for (int64_t linear = 0; linear < checked_product(sizes); ++linear) {
    std::vector<int64_t>& index = indices.emplace_back();
    for (size_t axis = 0; axis < sizes.size(); ++axis)
      index.push_back(linear / strides[axis] % sizes[axis]);
  }
  return indices;
}

}  // namespace

std::vector<Tap> SpatialGeometry::taps() const {
  std::vector<Tap> taps;
  const auto result_indices = all_indices(result), window_indices = all_indices(window);
  for (size_t r = 0; r < result_indices.size(); ++r) {
    for (size_t w = 0; w < window_indices.size(); ++w) {
      const int64_t position = input_position(*this, result_indices[r], window_indices[w]);
      if (position >= 0)
        taps.push_back({position, static_cast<int64_t>(w), static_cast<int64_t>(r)});
    }
  }
  return taps;
}

std::vector<int64_t> spatial_sizes(std::span<const int64_t> sizes) {
  return {sizes.begin() + 1, sizes.end() - 1};
}

SpatialGeometry convolution_geometry(const ConvolutionAttributes& attributes,
                                     std::span<const int64_t> input,
                                     std::span<const int64_t> filter,
                                     std::span<const int64_t> result) {
  return {.input = spatial_sizes(input),
          .window = {filter.begin(), filter.end() - 2},
          .result = spatial_sizes(result),
          .strides = attributes.strides,
          .dilations = attributes.dilations,
          .pad_low = attributes.pad_low};
}

SpatialGeometry window_geometry(const WindowAttributes& attributes, std::span<const int64_t> input,
                                std::span<const int64_t> result) {
  return {.input = spatial_sizes(input),
          .window = attributes.window,
          .result = spatial_sizes(result),
          .strides = attributes.strides,
          .dilations = std::vector<int64_t>(attributes.window.size(), 1),
          .pad_low = attributes.pad_low};
}

}  // namespace brisk::reference
