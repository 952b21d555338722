#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {
namespace {

/// Ranges are two passes of some hundred images; holding the budget, a few evaluations.
double int8_seconds(const OptimizeContext& context, const Candidate&) {
  return 2 * context.measuring_seconds;
}

Status has_data_for_ranges(const OptimizeContext& context, const Candidate&) {
  if (!context.has_data) return fail("there is no data to find ranges on");
  return Success{};
}

}  // namespace

DeploymentStep int8_step() {
  return {"int8",
          [](OptimizeContext& context, const Candidate& best) {
            return in_integers(context, best, NumberFormat::int8);
          },
          int8_seconds, has_data_for_ranges};
}

}  // namespace brisk
