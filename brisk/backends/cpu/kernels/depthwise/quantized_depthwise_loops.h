#pragma once

/// The inner loops of depthwise convolution in 8-bit integers, NHWC.
///
/// A dot product of VNNI adds four products of neighbouring bytes. Neighbours here are the taps of
/// one kernel column: up to four input rows are interleaved byte by byte, so that a column of an
/// input is four bytes a channel, and a kernel of more rows goes in groups of four. Interleaving
/// works inside of 16 channels and leaves them in the order of `packed_place`, which packing the
/// results to bytes undoes.

#include <cstddef>
#include <cstdint>

#include "brisk/backends/cpu/kernels/convolution_geometry.h"

namespace brisk::cpu {

struct QuantizedDepthwiseShape : ConvolutionGeometry {
  bool signed_input = false, signed_result = false;
  float low = 0, high = 0;  ///< results are clamped to, before they are rounded

  int64_t row_groups() const { return (kernel_height + 3) / 4; }  ///< of four kernel rows
  /// Input columns that the windows of a row cover, padding among them.
  int64_t columns() const { return (result_width - 1) * stride_x + kernel_width; }
};

/// Channels are worked on in blocks: of 64 and, where at most 32 are left, one of 32.
constexpr int64_t kWideBlock = 64, kNarrowBlock = 32;
inline int64_t block_size(int64_t channels_left) {
  return channels_left > kNarrowBlock ? kWideBlock : kNarrowBlock;
}
/// Channels of all blocks together.
inline int64_t packed_channels(int64_t channels) {
  const int64_t wide = channels / kWideBlock * kWideBlock;
  return channels == wide ? wide : wide + block_size(channels - wide);
}
/// Where channel `c` of a block of `size` stands.
inline int64_t packed_place(int64_t c, int64_t size) {
  return c % 16 / 4 * (size / 4) + c / 16 * 4 + c % 4;
}

/// Block after block, channels of each by packed_place.
struct QuantizedDepthwiseWeights {
  const int8_t* taps;    ///< a block: [kernel_width, groups, size, 4 rows]
  const int32_t* start;  ///< of the sums: what makes up for an offset of a signed input
  const float *bias, *multiplier;
};

/// Bytes of scratch for one thread.
inline int64_t quantized_depthwise_scratch(const QuantizedDepthwiseShape& s) {
  return s.columns() * s.row_groups() * 4 * kWideBlock;
}

/// Rows [begin, end) of the result, counted over the whole batch.
using QuantizedDepthwiseRows = void (*)(const QuantizedDepthwiseShape& s, const uint8_t* input,
                                        const QuantizedDepthwiseWeights& weights, int64_t begin,
                                        int64_t end, std::byte* scratch, uint8_t* result);

}  // namespace brisk::cpu
