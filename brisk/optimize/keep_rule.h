#pragma once

/// When a step of an optimization stays.

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

struct Decision {
  bool kept = false;
  std::string why;  ///< with the figures that decided
};

/// A step is kept where `target` is better by more than the noise, or where it is the same and the
/// model became smaller or faster otherwise; never where accuracy is more than `max_drop` points
/// below `start_accuracy`. Where no accuracy was measured none is judged.
Decision decide(OptimizeTarget target, const Trial& trial, double start_accuracy, double max_drop);

/// Of training steps: kept where it is faster.
Decision decide_training(const Comparison& speed);

}  // namespace brisk
