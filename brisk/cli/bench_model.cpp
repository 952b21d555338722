#include "brisk/cli/bench_model.h"

#include <chrono>
#include <filesystem>

#include "brisk/cli/library_warning.h"
#include "brisk/cli/process_time.h"
#include "brisk/runtime/backend.h"
#include "brisk/train/model_step.h"
#include "brisk/train/optimizer.h"
#include "brisk/train/package_job.h"
#include "brisk/train/step_target.h"

namespace brisk::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Runs `steps` times without waiting for one before the next is started; the last results.
std::span<const Tensor> run_steps(Executable& executable, int64_t steps) {
  int64_t in_flight = 0;
  std::span<const Tensor> results;
  for (int64_t i = 0; i < steps; ++i) {
    executable.start({});
    if (++in_flight >= executable.runs_in_flight()) results = executable.collect(), --in_flight;
  }
  for (; in_flight > 0; --in_flight) results = executable.collect();
  return results;
}

/// Nothing where the program has no result of that name.
std::optional<double> loss_of(const Program& program, std::span<const Tensor> results) {
  for (size_t i = 0; i < results.size(); ++i)
    if (program.graph.outputs()[i].name == "loss") return results[i].get(0);
  return std::nullopt;
}

/// How many tokens an example of text has; 0 where it is none.
int64_t tokens_of(const Model& model) {
  const Type& input = model.program.graph.input_type(model.program.state.size());
  if (!input.is_tensor() || is_floating(input.dtype()) || input.rank() != 2) return 0;
  return input.shape().size(1);
}

}  // namespace

ModelTiming time_model(const Model& model, const BenchModelOptions& options, int64_t batch_size) {
  const auto found = find_backend(options.backend).value();
  const Backend& backend = *found;
  const auto begin = Clock::now();
  const int64_t tokens = tokens_of(model);
  const OptimizerPtr optimizer =
      tokens > 0 ? adamw({.learning_rate = 6e-4, .beta_2 = 0.95, .weight_decay = 0.1})
                 : sgd({.learning_rate = 0.1, .momentum = 0.9});
  ModelStep step = with_batch_in_state(make_model_step(
      model,
      {.batch_size = batch_size,
       .precision = options.precision,
       .inference = options.inference,
       .optimizer = optimizer,
       .target = step_target(backend, options.precision),
       .label_smoothing = options.inference || tokens > 0 ? 0.0 : 0.1,
       .metrics = tokens > 0 ? std::vector<std::string>() : std::vector<std::string>{"accuracy"},
       .disabled_passes = options.disabled_passes}));
  CompileOptions compile_options;
  compile_options.threads = static_cast<int>(options.threads);
  compile_options.determinism = options.determinism;
  compile_options.tf32 = options.precision == Precision::tf32;
  compile_options.disabled_passes = {options.disabled_passes.begin(),
                                     options.disabled_passes.end()};
  const auto executable = compile(step.program, backend, compile_options).executable;
  executable->bind_state(step.state);
  ModelTiming timing;
  timing.first_loss = loss_of(step.program, run_steps(*executable, 1));
  timing.first_step_seconds = seconds_since(begin);
  run_steps(*executable, std::max<int64_t>(3, options.steps / 10));
  const auto start = Clock::now();
  const std::span<const Tensor> results = run_steps(*executable, options.steps);
  const double seconds = seconds_since(start) / static_cast<double>(options.steps);
  timing.name =
      fmt::format("{}/{}/{}/{}", std::filesystem::path(options.model).filename().string(),
                  options.inference ? "infer" : "train", short_name(options.precision), batch_size);
  timing.milliseconds = seconds * 1e3;
  timing.examples_per_second = static_cast<double>(batch_size) / seconds;
  timing.tokens_per_example = tokens;
  timing.last_loss = loss_of(step.program, results);
  timing.peak_megabytes = static_cast<double>(executable->peak_bytes()) / 1e6;
  return timing;
}

std::vector<ModelTiming> bench_model(const BenchModelOptions& options) {
  const Model model = open_model(options.model, options.sequence_length);
  warn_of_missing_libraries(model, options.backend);
  const double before = seconds_since_process_start();
  std::vector<ModelTiming> timings;
  for (const int64_t batch_size : options.batch_sizes)
    timings.push_back(time_model(model, options, batch_size));
  if (!timings.empty()) timings.front().first_step_seconds += before;
  return timings;
}

}  // namespace brisk::cli
