#pragma once

/// Rounding learned up or down by gradient descent on what a product loses: AdaRound (Nagel et al.
/// 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization").

#include "brisk/compress/rounding/second_order_rounding.h"

namespace brisk {

/// Defaults: the paper's, but for fewer steps at a higher rate.
struct AdaptiveRoundingOptions {
  int64_t steps = 1000;
  double learning_rate = 0.01;                    ///< of Adam
  double regularization = 0.01;                   ///< of what is neither up nor down
  double warm_start = 0.2;                        ///< the share of the steps without that
  double greatest_beta = 20, least_beta = 2;      ///< its exponent, which falls along a cosine
  double stretch_low = -0.1, stretch_high = 1.1;  ///< of the sigmoid, which is cut to [0, 1]
  int threads = 0;                                ///< 0: all cores
};

/// How far up each weight is rounded, f32 in [0, 1] of the sizes of `weights` f32 [groups, rows,
/// outputs], whose inputs have the moments E[x x^T] f32 [groups, rows, rows]. What is minimised is
/// E|x (W - W')|^2, summed over outputs, and the regularization's sum over weights of
/// 1 - |2 h - 1|^beta, for W' = scale * clamp(floor(W / scale) + h): that is the paper's loss over
/// all of the data at once, before an activation. `grid` has a scale for each group's outputs,
/// [groups * outputs], and no blocks. The same in each run.
Tensor learn_roundings(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                       const AdaptiveRoundingOptions& options = {});

/// The integers i8 that come of it.
Tensor round_adaptively(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                        const AdaptiveRoundingOptions& options = {});

}  // namespace brisk
