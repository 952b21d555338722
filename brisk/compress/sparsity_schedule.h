#pragma once

/// How much of the weights is pruned at which step: TFMOT's schedules under its names, arguments
/// and defaults.

#include <cstdint>
#include <string>

namespace brisk {

/// s(t) = final + (initial - final) (1 - p)^power with p = (t - begin) / (end - begin), clamped to
/// [0, 1] (Zhu and Gupta, "To prune, or not to prune", 2017). Without decay s(t) is
/// `final_sparsity` at all times. Masks are chosen at begin, begin + frequency, ... up to
/// `end_step`.
struct SparsitySchedule {
  double initial_sparsity = 0.5;  ///< of the decay, in [0, 1)
  double final_sparsity = 0.5;    ///< in [0, 1)
  int64_t begin_step = 0;
  int64_t end_step = -1;  ///< the last step that may choose; -1: no end, which a decay must have
  int64_t frequency = 100;
  double power = 3;
  bool decays = false;

  /// Whether masks are chosen anew before step `step`. TFMOT counts a training's steps from 1 on:
  /// at begin_step = 0 the first choice comes before step `frequency`.
  bool due(int64_t step) const;
  /// The share of weights that is zero from then on, in f32 as TFMOT computes it.
  float sparsity(int64_t step) const;
  /// "0.5 to 0.8 from step 0 to 2000, each 100 steps".
  std::string describe() const;
  friend bool operator==(const SparsitySchedule&, const SparsitySchedule&) = default;
};

struct ConstantSparsityOptions {
  int64_t end_step = -1, frequency = 100;
};
SparsitySchedule constant_sparsity(double target_sparsity, int64_t begin_step,
                                   ConstantSparsityOptions options = {});
struct PolynomialDecayOptions {
  double power = 3;
  int64_t frequency = 100;
};
SparsitySchedule polynomial_decay(double initial_sparsity, double final_sparsity,
                                  int64_t begin_step, int64_t end_step,
                                  PolynomialDecayOptions options = {});

}  // namespace brisk
