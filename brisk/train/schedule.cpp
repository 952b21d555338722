#include "brisk/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "brisk/base/error.h"

namespace brisk {

Schedule constant_schedule(double learning_rate) {
  return [=](int64_t) { return learning_rate; };
}

Schedule cosine_decay(double initial_learning_rate, int64_t decay_steps, CosineDecayOptions options) {
  require(decay_steps > 0, "[cosine_decay] decay_steps is {}, but must be positive", decay_steps);
  require(options.warmup_steps >= 0, "[cosine_decay] warmup_steps is {}, but must not be negative", options.warmup_steps);
  const bool warms_up = options.warmup_target >= 0;
  const double target = warms_up ? options.warmup_target : initial_learning_rate;
  const auto warmup = static_cast<double>(warms_up ? options.warmup_steps : 0);
  return [=](int64_t step) {
    const auto s = static_cast<double>(step);
    if (s < warmup) return initial_learning_rate + (target - initial_learning_rate) * s / warmup;
    const double q = std::min(s - warmup, static_cast<double>(decay_steps)) / static_cast<double>(decay_steps);
    const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * q));
    return target * ((1 - options.alpha) * cosine + options.alpha);
  };
}

Schedule one_cycle(double max_learning_rate, int64_t total_steps, OneCycleOptions options) {
  require(total_steps > 0, "[one_cycle] total_steps is {}, but must be positive", total_steps);
  require(options.pct_start > 0 && options.pct_start < 1, "[one_cycle] pct_start is {}, but must be in (0, 1)", options.pct_start);
  const double initial = max_learning_rate / options.div_factor;
  const double last = initial / options.final_div_factor;
  const double top = options.pct_start * static_cast<double>(total_steps) - 1;
  const double end = static_cast<double>(total_steps) - 1;
  const auto anneal = [](double from, double to, double fraction) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * std::clamp(fraction, 0.0, 1.0)));
  };
  return [=](int64_t step) {
    const auto s = static_cast<double>(step);
    if (s <= top) return anneal(initial, max_learning_rate, top > 0 ? s / top : 1.0);
    return anneal(max_learning_rate, last, end > top ? (s - top) / (end - top) : 1.0);
  };
}

}  // namespace brisk
