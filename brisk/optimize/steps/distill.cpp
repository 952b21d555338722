#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"

// The model as it came teaches what compression made of it (Hinton et al. 2015): no byte and no
// millisecond is won, but accuracy, that others may spend.

namespace brisk {
namespace {

constexpr const char* kTaught = "taught by the model as it came";
constexpr double kTeacherSlowdown = 1.4;  ///< the teacher's forward pass

double taught_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, kTeacherSlowdown);
}

Status needs_a_teacher(const OptimizeContext& context, const Candidate& best) {
  if (!context.judges_accuracy())
    return fail("no accuracy is judged, and it is all that this brings");
  if (best.trained_package == context.start_package)
    return fail("no step that was kept has changed the weights: the teacher would teach itself");
  if (!context.lost_accuracy())
    return fail("no accuracy is lost that a teacher could win back, beyond a standard error");
  return Success{};
}

Result<Candidate> taught(OptimizeContext& context, const Candidate& best) {
  return train_on(context, best,
                  {.step = kTaught,
                   .learning_rate = 1e-3,
                   .slowdown = kTeacherSlowdown,
                   .keeps_values = true,
                   .taught = true});
}

}  // namespace

DeploymentStep distill_step() {
  return {kTaught, taught, taught_seconds, needs_a_teacher};
}

}  // namespace brisk
