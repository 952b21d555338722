#include "brisk/optimize/keep_rule.h"

#include <fmt/format.h>

#include <array>

namespace brisk {
namespace {

enum class Change : uint8_t { better, same, worse };

/// Below this, noise is no excuse: what cannot be shown to be as fast is not taken to be.
constexpr double kSameSpeed = 0.95;
constexpr double kSameBytes = 0.01;  ///< share of the bytes that is no difference
constexpr double kSameDrop = 1e-4;   ///< points: accuracy is a mean of f32, each image counts more

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

template <typename T>
std::array<T, 3> ordered(OptimizeTarget target, T latency, T bytes, T rate) {
  switch (target) {
    case OptimizeTarget::size:
      return {bytes, latency, rate};
    case OptimizeTarget::throughput:
      return {rate, bytes, latency};
    case OptimizeTarget::latency:
      break;
  }
  return {latency, bytes, rate};
}

Change of_accuracy(const Trial& trial) {
  if (!trial.before.accuracy || !trial.after.accuracy) return Change::same;
  const double gain = trial.after.accuracy->value - trial.before.accuracy->value;
  return gain > trial.after.accuracy->standard_error() ? Change::better : Change::same;
}

bool pays(OptimizeTarget target, const Trial& trial) {
  for (const Change change :
       ordered(target, of_speed(trial.latency), of_bytes(trial), of_speed(trial.rate)))
    if (change != Change::same) return change == Change::better;
  return of_accuracy(trial) == Change::better;
}

}  // namespace

std::span<const std::string_view> enum_names(OptimizeTarget) {
  static constexpr std::array<std::string_view, 3> kNames = {"latency", "size", "throughput"};
  return kNames;
}

std::array<double, 3> Gains::in_order(OptimizeTarget target) const {
  return ordered(target, latency, bytes, rate);
}

Gains gains_of(const Trial& trial) {
  return {trial.latency.times_as_fast.median, trial.rate.times_as_fast.median,
          1 / share_of_bytes(trial)};
}

Decision decide(OptimizeTarget target, const Trial& trial, double start_accuracy, double max_drop) {
  Decision decision{.why = what_it_brings(target, trial)};
  decision.kept = pays(target, trial);
  if (!trial.after.accuracy) return decision;
  const double drop = 100 * (start_accuracy - trial.after.accuracy->value);
  if (drop > max_drop + kSameDrop) {
    decision.over_budget = decision.kept;
    decision.kept = false;
    decision.why = fmt::format("{:.2f} points less accurate, {:.2f} are allowed; {}", drop,
                               max_drop, decision.why);
  }
  return decision;
}

Decision decide_training(const Comparison& speed) {
  return {speed.faster, fmt::format("{:.2f} times as fast", speed.times_as_fast.median)};
}

}  // namespace brisk
