#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

// Matrix products, which transformers are made of, in the two forms that need no data: inputs are
// rounded as they come, or stay as they are and weights alone are integers.

namespace brisk {
namespace {

double seconds_without_ranges(const OptimizeContext& context, const Candidate&) {
  return context.measuring_seconds;
}

}  // namespace

DeploymentStep dynamic_int8_step() {
  return {"dynamic int8",
          [](OptimizeContext& context, const Candidate& best) {
            return in_integers(context, best, NumberFormat::dynamic_int8);
          },
          seconds_without_ranges};
}

DeploymentStep weight_only_int8_step() {
  return {"int8 weights",
          [](OptimizeContext& context, const Candidate& best) {
            return in_integers(context, best, NumberFormat::weight_only_int8);
          },
          seconds_without_ranges};
}

}  // namespace brisk
