#include "brisk/optimize/keep_rule.h"

#include <fmt/format.h>

#include <array>

namespace brisk {
namespace {

enum class Change : uint8_t { better, same, worse };

/// Below this, noise is no excuse: what cannot be shown to be as fast is not taken to be.
constexpr double kSameSpeed = 0.95;
constexpr double kSameBytes = 0.01;  ///< share of the bytes that is no difference

Change of_speed(const Comparison& speed) {
  if (speed.faster) return Change::better;
  const bool looks_slower = speed.times_as_fast.median < kSameSpeed && speed.fastest < kSameSpeed;
  return speed.slower || looks_slower ? Change::worse : Change::same;
}

double share_of_bytes(const Trial& trial) {
  if (!trial.before.bytes || !trial.after.bytes || *trial.before.bytes == 0) return 1;
  return static_cast<double>(*trial.after.bytes) / static_cast<double>(*trial.before.bytes);
}

Change of_bytes(const Trial& trial) {
  const double share = share_of_bytes(trial);
  return share < 1 - kSameBytes   ? Change::better
         : share > 1 + kSameBytes ? Change::worse
                                  : Change::same;
}

/// "1.84 times as fast (4.10 for one image), 0.26 of the bytes".
std::string what_it_brings(OptimizeTarget target, const Trial& trial) {
  const bool by_rate = target == OptimizeTarget::throughput;
  const Comparison &first = by_rate ? trial.rate : trial.latency,
                   &second = by_rate ? trial.latency : trial.rate;
  std::string text =
      fmt::format("{:.2f} times as fast ({:.2f} {})", first.times_as_fast.median,
                  second.times_as_fast.median, by_rate ? "for one image" : "in batches");
  if (of_bytes(trial) != Change::same) {
    const std::string bytes = fmt::format("{:.2f} of the bytes", share_of_bytes(trial));
    text = target == OptimizeTarget::size ? bytes + ", " + text : text + ", " + bytes;
  }
  return text;
}

}  // namespace

std::span<const std::string_view> enum_names(OptimizeTarget) {
  static constexpr std::array<std::string_view, 3> kNames = {"latency", "size", "throughput"};
  return kNames;
}

Decision decide(OptimizeTarget target, const Trial& trial, double start_accuracy, double max_drop) {
  const std::string figures = what_it_brings(target, trial);
  if (trial.after.accuracy) {
    const double drop = 100 * (start_accuracy - trial.after.accuracy->value);
    if (drop > max_drop + 1e-9)
      return {false, fmt::format("{:.2f} points less accurate, {:.2f} are allowed; {}", drop,
                                 max_drop, figures)};
  }
  const Change latency = of_speed(trial.latency), rate = of_speed(trial.rate),
               bytes = of_bytes(trial);
  std::array<Change, 3> order = {latency, bytes, rate};
  if (target == OptimizeTarget::size) order = {bytes, latency, rate};
  if (target == OptimizeTarget::throughput) order = {rate, bytes, latency};
  for (const Change change : order) {
    if (change == Change::better) return {true, figures};
    if (change == Change::worse) return {false, figures};
  }
  return {false, figures};
}

Decision decide_training(const Comparison& speed) {
  return {speed.faster, fmt::format("{:.2f} times as fast", speed.times_as_fast.median)};
}

}  // namespace brisk
