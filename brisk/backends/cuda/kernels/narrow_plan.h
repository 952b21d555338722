#pragma once

/// How the kernels of a convolution of few channels (narrow_text.h) go through it: sizes, and what
/// of it is in shared memory. Bytes, unless it says elements or numbers.

#include "brisk/backends/cuda/device.h"
#include "brisk/ir/graph.h"

namespace brisk::cuda {

/// The convolution: strides of 2, an image of 1 to 4 channels, a short type or TF32.
struct NarrowConvolution {
  static constexpr int64_t kFilters = 64;
  DType type = DType::f16;
  int64_t images = 0, height = 0, width = 0, channels = 0;
  int64_t kernel = 0;             ///< its extent along both axes
  int64_t top = 0, left = 0;      ///< padding
  int64_t rows = 0, columns = 0;  ///< of the result
  bool gradient = false;          ///< the filter's, instead of the result
  bool sums = false;              ///< the result's and its square's over all but the channels
  bool bias = false, relu = false;

  int64_t before() const { return left % 2; }  ///< columns of the first pair before the filter
  int64_t pairs() const { return (kernel + before() + 1) / 2; }  ///< of columns under the filter
  int64_t halves() const { return (pairs() + 1) / 2; }  ///< of 16 elements, of the pairs in a row
  /// In f32, rounded to TF32: even and odd columns of the image have planes of their own.
  bool wide() const { return type == DType::f32; }
  int64_t row_bytes() const { return width * channels * byte_size(type); }
  /// Rows of the image lie as the kernel's pairs of columns do, and are copied as boxes.
  bool boxes() const { return channels == 4 && !wide(); }
  double flops() const;
};

/// Of a node "convolution", "fused_convolution", "convolution_statistics" or
/// "convolution_filter_gradient"; fails with the reason why it is another. f32 is taken with
/// `tf32`.
Result<NarrowConvolution> narrow_convolution(const Node& node, std::span<const Type> operands,
                                             bool tf32);

struct NarrowPlan {
  static constexpr int64_t kGroups = 2;  ///< warpgroups that multiply
  static constexpr int32_t kThreads = (kGroups + 1) * 128;

  int64_t strips = 0;  ///< numbers of tiles across the result
  int64_t tile = 0;    ///< columns of one
  int64_t steps = 0;   ///< stages under the filter: pairs of rows of the image
  int64_t plane = 0;   ///< of a row's pixels, or of every second one
  int64_t pitch = 0;   ///< of a row in a stage
  int64_t units = 0;   ///< rows of tiles
  int64_t stages = 0;
  int64_t repeated = 0;  ///< stages that lie behind the last, too
  int64_t tiles = 0;     ///< of the result or its gradient in shared memory
  int64_t raw = 0;       ///< pairs of rows as they come from memory
  int64_t parts = 0;     ///< blocks

  int64_t tile_bytes(const NarrowConvolution& convolution) const;
  /// Where in shared memory barriers begin, from the tiles on: behind the rings, and behind the
  /// gradient that one warpgroup hands to the other in their place. Memory of a barrier is for
  /// nothing else until it is invalidated (PTX ISA, mbarrier).
  int64_t barriers_at(const NarrowConvolution& convolution) const;
  int64_t shared_bytes(const NarrowConvolution& convolution) const;
  /// f32 of each part that combining adds up: of the filter's gradient, or of both sums.
  int64_t partial_elements(const NarrowConvolution& convolution) const;
};

/// Fails with the reason why it does not fit.
Result<NarrowPlan> narrow_plan(const NarrowConvolution& convolution,
                               const DeviceProperties& device);

}  // namespace brisk::cuda
