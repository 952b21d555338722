#include "brisk/compress/sparsity_schedule.h"

#include <algorithm>
#include <cmath>

#include "brisk/base/error.h"

namespace brisk {
namespace {

SparsitySchedule checked(const SparsitySchedule& s) {
  for (const auto& [name, value] :
       {std::pair("initial sparsity", s.initial_sparsity), {"final sparsity", s.final_sparsity}})
    require(value >= 0 && value < 1, "the {} is {}, but must be in [0, 1)", name, value);
  require(s.begin_step >= 0, "begin_step is {}, but must not be negative", s.begin_step);
  require(s.frequency > 0, "frequency is {}, but must be positive", s.frequency);
  require(s.end_step == -1 || s.end_step >= s.begin_step, "end_step {} comes before begin_step {}",
          s.end_step, s.begin_step);
  require(!s.decays || s.end_step > s.begin_step,
          "a decay of sparsity needs an end_step after begin_step {}, but has {}", s.begin_step,
          s.end_step);
  require(s.power > 0, "power is {}, but must be positive", s.power);
  return s;
}

}  // namespace

bool SparsitySchedule::due(int64_t step) const {
  return step >= begin_step && (end_step < 0 || step <= end_step) &&
         (step - begin_step) % frequency == 0;
}

float SparsitySchedule::sparsity(int64_t step) const {
  const auto last = static_cast<float>(final_sparsity);
  if (!decays) return last;
  const float p =
      std::clamp(static_cast<float>(step - begin_step) / static_cast<float>(end_step - begin_step),
                 0.0f, 1.0f);
  return static_cast<float>(initial_sparsity - final_sparsity) *
             std::pow(1.0f - p, static_cast<float>(power)) +
         last;
}

std::string SparsitySchedule::describe() const {
  const std::string end = end_step < 0 ? "on" : fmt::format("to {}", end_step);
  return fmt::format(
      "{} from step {} {}, each {} steps",
      decays ? fmt::format("{} to {} by power {}", initial_sparsity, final_sparsity, power)
             : fmt::format("{}", final_sparsity),
      begin_step, end, frequency);
}

SparsitySchedule constant_sparsity(double target_sparsity, int64_t begin_step,
                                   ConstantSparsityOptions options) {
  return checked({.initial_sparsity = target_sparsity,
                  .final_sparsity = target_sparsity,
                  .begin_step = begin_step,
                  .end_step = options.end_step,
                  .frequency = options.frequency});
}

SparsitySchedule polynomial_decay(double initial_sparsity, double final_sparsity,
                                  int64_t begin_step, int64_t end_step,
                                  PolynomialDecayOptions options) {
  return checked({.initial_sparsity = initial_sparsity,
                  .final_sparsity = final_sparsity,
                  .begin_step = begin_step,
                  .end_step = end_step,
                  .frequency = options.frequency,
                  .power = options.power,
                  .decays = true});
}

}  // namespace brisk
