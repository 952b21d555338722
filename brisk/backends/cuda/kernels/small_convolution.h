#pragma once

/// Convolutions of few places and products of few rows, as those of one image or text are. They
/// take microseconds, most of which other kernels spend on beginning and on filling rings. Here a
/// warp takes its part of the depth of a small tile from memory into registers as its fragments
/// want it; the warps of a block add up through shared memory, the blocks of a cluster through each
/// other's. A filter that never changes is fetched while the kernel before still runs.

#include <array>
#include <string>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

struct SmallConvolution {
  std::string op;
  DType type = DType::f16;
  int64_t images = 0, height = 0, width = 0, channels = 0;  ///< of what is read
  int64_t rows = 0, columns = 0, filters = 0;               ///< of the result
  std::array<int64_t, 2> kernel{}, strides{}, pad{};  ///< pad: before the first row and column
  bool bias = false, residual = false;
  std::string epilogue;   ///< a statement that sets `result` from `sum`
  bool constant = false;  ///< filter and bias never change
  int64_t places() const { return images * rows * columns; }
  int64_t depth() const { return kernel[0] * kernel[1] * channels; }
  double flops() const;
};

/// How it is shared out.
struct SmallPlan {
  static constexpr int64_t kPlaces = 32, kFilters = 32;  ///< of a tile
  static constexpr int64_t kChunk = 32;                  ///< of the depth
  int64_t tiles = 0;
  int64_t chunks = 0;  ///< of a tile's depth
  int64_t warps = 1;   ///< of a block; each takes every so-manieth chunk
  int64_t blocks = 1;  ///< of a cluster, that share a tile's depth too

  int64_t shared_bytes() const;
};

/// Of a node "fused_convolution" or "fused_dot"; fails with the reason why it is not for this
/// kernel.
Result<SmallConvolution> small_convolution(const Node& node, std::span<const Type> operands,
                                           const DeviceProperties& device);
SmallPlan small_plan(const SmallConvolution& convolution, const DeviceProperties& device);

/// A function with $name for its name. Parameters: the addresses of what is read, of the filter
/// [filters, kernel..., channels], of a bias, of a residual and of the result.
std::string small_text(const SmallConvolution& convolution, const SmallPlan& plan);

std::vector<OpKernel> small_convolution_kernels();

}  // namespace brisk::cuda
