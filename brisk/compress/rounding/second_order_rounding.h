#pragma once

/// Rounding a matrix of weights so that its products with known inputs change least, each weight
/// after what the earlier ones lost: GPTQ (Frantar et al. 2022, "GPTQ: Accurate Post-Training
/// Quantization for Generative Pre-trained Transformers").

#include <span>

#include "brisk/base/tensor.h"

namespace brisk {

/// Where rounded weights [rows, outputs] may lie: whole multiples, from `low` to `high`, of a scale
/// that an output has for each block of rows.
struct RoundingGrid {
  std::span<const double> scales;  ///< [ceil(rows / block_size), outputs]; 0: the weight is nothing
  int64_t block_size = 0;          ///< rows that share a scale; 0: all
  int64_t low = -127, high = 127;
};

struct SecondOrderOptions {
  /// Of the moments' mean diagonal, added to each element of it: what few samples say of how inputs
  /// go together is believed so much less.
  double damping = 0.01;
  int threads = 0;  ///< 0: all cores
};

/// Integers i8 [rows, outputs] for `weights` f32 [rows, outputs] that meet inputs x whose moments
/// E[x x^T] are f32 [rows, rows]: near the least E|x (W - W')|^2, and the nearest integers where
/// inputs do not go together. Refused where moments are not finite, or, undamped, singular.
Tensor round_second_order(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                          const SecondOrderOptions& options = {});

/// E|x (W - W')|^2 of weights and integers, summed over outputs.
double rounding_error(const Tensor& weights, const Tensor& integers, const Tensor& moments,
                      const RoundingGrid& grid);

}  // namespace brisk
