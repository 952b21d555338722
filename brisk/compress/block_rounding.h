#pragma once

/// Weights as whole multiples of steps, one a column of a matrix or one a block of its rows.

#include <cstdint>

#include "brisk/base/tensor.h"

namespace brisk {

/// What weights are rounded to: integers of `bits` bits, [-8, 7] or [-127, 127], times a step.
struct WeightGrid {
  int bits = 8;            ///< 4 or 8
  int64_t block_size = 0;  ///< rows of a column that share a step; 0: all
  DType integers() const { return bits == 4 ? DType::i4 : DType::i8; }
  /// Of the steps: what a block has is short, since there are many.
  DType steps() const { return block_size > 0 ? DType::bf16 : DType::f32; }
  float low() const { return bits == 4 ? -8 : -127; }
  float high() const { return bits == 4 ? 7 : 127; }
  /// One step a column, of its greatest magnitude: channel_scales has them.
  bool by_channel() const { return bits == 8 && block_size == 0; }
};

/// Steps of the blocks of `matrix` f32 [k, n], as weight_only_dot reads them: [ceil(k /
/// block_size), n] or [n]. Each is the one of a few that leaves the least squared error when its
/// block is rounded to nearest; some are negative, so that -8 may stand for the greatest weight.
Tensor block_steps(const Tensor& matrix, const WeightGrid& grid);

/// `matrix` in such steps, to nearest: [k, n] of grid.integers().
Tensor rounded_to_blocks(const Tensor& matrix, const Tensor& steps, const WeightGrid& grid);

/// Signal to noise of such integers, in decibels: 10 log10(sum w^2 / sum (w - step * integer)^2).
double block_sqnr(const Tensor& matrix, const Tensor& integers, const Tensor& steps,
                  const WeightGrid& grid);

}  // namespace brisk
