#include "brisk/optimize/layer_times.h"

#include "brisk/runtime/backend.h"
#include "brisk/train/model_step.h"

namespace brisk {

std::map<std::string, double> layer_times(const Model& model, const std::set<std::string>& ops,
                                          const LayerTimeOptions& options) {
  const auto backend = find_backend("cpu").value();
  const ModelStep step = make_model_step(
      model, {.batch_size = options.batch_size, .inference = true, .target = backend->target()});
  CompileOptions compile_options;
  compile_options.threads = options.threads;
  const auto executable = compile(step.program, *backend, compile_options).executable;
  executable->bind_state(step.state);
  std::map<std::string, double> times;
  const Profile profile = executable->profile(synthetic_batch(step.program), options.runs);
  for (const KernelReport& report : profile.kernels)
    if (ops.empty() || ops.contains(report.op)) times[report.label] += report.milliseconds;
  return times;
}

}  // namespace brisk
