#pragma once

/// When a step of an optimization stays.

#include <array>
#include <string>
#include <string_view>

#include "brisk/optimize/figures.h"

namespace brisk {

/// What counts first.
enum class OptimizeTarget : uint8_t {
  latency,     ///< milliseconds until one image is told
  size,        ///< bytes of the package
  throughput,  ///< images a second in full batches
};
std::span<const std::string_view> enum_names(OptimizeTarget);

/// The best so far and what a step made of it, timed in turn.
struct Trial {
  Figures before, after;
  Comparison latency, rate;
};

/// What a step brings, as ratios that are above 1 where it is better.
struct Gains {
  double latency = 1, rate = 1, bytes = 1;
  /// What counts first comes first.
  std::array<double, 3> in_order(OptimizeTarget target) const;
  friend bool operator==(const Gains&, const Gains&) = default;
};
Gains gains_of(const Trial& trial);

struct Decision {
  bool kept = false;
  std::string why;           ///< with the figures that decided
  bool over_budget = false;  ///< of accuracy; else it would have been kept
};

/// A step is kept where `target` is better by more than the noise, or where it is the same and the
/// model became smaller or faster otherwise, or the same in all that and more accurate by more than
/// a standard error; never where accuracy is more than `max_drop` points below `start_accuracy`.
/// Where no accuracy was measured none is judged.
Decision decide(OptimizeTarget target, const Trial& trial, double start_accuracy, double max_drop);

/// Of training steps: kept where it is faster.
Decision decide_training(const Comparison& speed);

}  // namespace brisk
