#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"

// Training with the roundings of the integers (quantization-aware training), where rounding after
// training costs accuracy that could be won back. Zeros and shared values stay.

namespace brisk {
namespace {

constexpr const char* kTrainedInt8 = "trained int8";
constexpr double kRoundingSlowdown = 1.6;  ///< roundings in the step

double rounding_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, kRoundingSlowdown) + context.measuring_seconds;
}

Status needs_trained_roundings(const OptimizeContext& context, const Candidate& best) {
  if (!context.judges_accuracy())
    return fail("no accuracy is judged, and it is all that this brings");
  const StepRow* int8 = context.earlier("int8");
  if (int8 == nullptr || int8->verdict == Verdict::not_tried) return fail("int8 was not tried");
  if (int8->over_budget) return Success{};
  if (int8->verdict == Verdict::not_kept) return fail("int8 does not pay here, trained or not");
  const bool is_best = best.deployment.format == NumberFormat::int8;
  if (context.trains || (is_best && context.lost_accuracy())) return Success{};
  return fail("int8 costs no accuracy that training could win back, beyond a standard error");
}

Result<Candidate> trained_roundings(OptimizeContext& context, const Candidate& best) {
  return train_on(context, best,
                  {.step = kTrainedInt8,
                   .learning_rate = 1e-4,
                   .slowdown = kRoundingSlowdown,
                   .keeps_values = true,
                   .rounds = true});
}

}  // namespace

DeploymentStep trained_int8_step() {
  return {kTrainedInt8, trained_roundings, rounding_seconds, needs_trained_roundings};
}

}  // namespace brisk
