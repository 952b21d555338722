#pragma once

/// What the texts of pooling kernels share: a thread takes a vector of channels, and the loops over
/// a window's places and over the windows that cover a place.

#include <string>
#include <vector>

#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/ops/window/window.h"

namespace brisk::cuda {

struct PoolShape {
  std::vector<int64_t> input, window, pooled, strides, low;  ///< spatial axes
  int64_t batch = 1, channels = 1;
  size_t rank() const { return input.size(); }

  /// `whole`, `small`: sizes of the pool's input and result.
  PoolShape(const WindowAttributes& attributes, const std::vector<int64_t>& whole,
            const std::vector<int64_t>& small);
};

/// Channels of a thread: up to 16 bytes, eight at most, a divisor of all.
int32_t lanes_for(const PoolShape& p, DType type);

/// `i` -> n, <stem>0..., c (first channel of the vector); sets `items`.
std::string item_text(const PoolShape& p, const std::vector<int64_t>& spatial,
                      const std::string& stem, int32_t lanes, int64_t& items);

/// Offset of (n, <stem>..., c) in a tensor with these spatial sizes.
std::string offset_text(const PoolShape& p, const std::vector<int64_t>& spatial,
                        const std::string& stem);

/// Loops over the window's places around pooled place o<a>, with input place s<a> inside; `window`
/// counts them. `body` is one place's work.
std::string over_window(const PoolShape& p, const std::string& body);

/// Loops over the pooled places o<a> whose windows cover input place s<a>.
std::string over_covering(const PoolShape& p, const std::string& body);

std::unique_ptr<Launch> launch_items(const KernelRequest& request, const PrepareContext& context,
                                     const std::string& body, int64_t items);

/// Of max_pool_gradient and of scale_shift_max_pool_gradient.
std::unique_ptr<Launch> prepare_max_pool_gradient(const KernelRequest& request,
                                                  const PrepareContext& context);

}  // namespace brisk::cuda
