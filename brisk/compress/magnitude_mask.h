#pragma once

/// Which weights of a tensor are kept, judged by magnitude: masks of ones and zeros in the weights'
/// type and shape (TFMOT's `pruning_impl.py`). A NaN counts as larger than everything: what
/// diverged is not made to look healthy.

#include <span>
#include <string_view>

#include "brisk/base/tensor.h"

namespace brisk {

enum class BlockPooling : uint8_t { average, maximum };
std::span<const std::string_view> enum_names(BlockPooling);

/// Blocks of the last two axes of a rank-2 weight that are kept or zeroed whole.
struct BlockShape {
  int64_t rows = 1, columns = 1;
  BlockPooling pooling = BlockPooling::average;
  friend bool operator==(const BlockShape&, const BlockShape&) = default;
};

/// Of `size` weights, how many stay at least: max(round(size (1 - sparsity)), 1), half to even.
int64_t kept_count(int64_t size, float sparsity);

/// What elements are ranked by.
enum class Ranking : uint8_t {
  magnitude,
  value,  ///< the greatest first: scores, of which the negative ones are the least
};

/// The rank-giving number of the `kept`-th largest element of all `weights` (f32 or f64) together.
double ranked_threshold(std::span<const Tensor> weights, int64_t kept,
                        Ranking ranking = Ranking::magnitude);

/// 1 where that number reaches `threshold`: ties keep more than was asked for.
Tensor threshold_mask(const Tensor& weights, double threshold,
                      Ranking ranking = Ranking::magnitude);

/// The mask of one tensor by its own threshold. Blocks other than 1 by 1 take rank 2 (refused
/// otherwise); they begin at the tensor's first row and column, and the last ones may be cut off.
Tensor magnitude_mask(const Tensor& weights, float sparsity, const BlockShape& block = {});

/// The same by value, of single elements.
Tensor value_mask(const Tensor& scores, float sparsity);

/// `zeros` zeros among each `group` weights in a row along the input channels of a kernel
/// [..., inputs, outputs]: of equal ones the first stay. Rank 2 to 5.
Tensor group_mask(const Tensor& weights, int64_t zeros, int64_t group);

/// 1 where a weight is not zero.
Tensor nonzero_mask(const Tensor& weights);

/// weights * mask.
Tensor masked(const Tensor& weights, const Tensor& mask);

}  // namespace brisk
