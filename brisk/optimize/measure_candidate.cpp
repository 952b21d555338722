#include "brisk/optimize/measure_candidate.h"

#include <chrono>

#include "brisk/formats/package/package.h"
#include "brisk/optimize/time_in_turn.h"
#include "brisk/optimize/timed_step.h"

namespace brisk {
namespace {

CompileOptions options_for(const OptimizeContext& context, const Candidate& candidate) {
  CompileOptions options = context.compile_options();
  options.disabled_passes = {candidate.deployment.disabled_passes.begin(),
                             candidate.deployment.disabled_passes.end()};
  return options;
}

int64_t size_of(const std::filesystem::path& directory) {
  int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

/// Milliseconds from opening a package to its first result.
double first_image(const OptimizeContext& context, const Candidate& candidate,
                   const std::filesystem::path& package) {
  const auto start = std::chrono::steady_clock::now();
  Package found = read_package(package).value();
  const Model model{found.name, std::move(found.program), std::move(found.weights), {}};
  TimedStep::inference(model, context.options.backend, options_for(context, candidate), 1).run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

struct InferenceTimes {
  std::vector<double> before, after;  ///< seconds a run, by round; `before` empty without a best
  int64_t peak_bytes = 0;             ///< of the candidate
};

InferenceTimes times_of(const OptimizeContext& context, const Candidate* best,
                        const Candidate& candidate, int64_t batch_size) {
  std::vector<TimedStep> steps;
  if (best != nullptr)
    steps.push_back(TimedStep::inference(best->served, context.options.backend,
                                         options_for(context, *best), batch_size));
  steps.push_back(TimedStep::inference(candidate.served, context.options.backend,
                                       options_for(context, candidate), batch_size));
  std::vector<std::function<void()>> runs;
  for (TimedStep& step : steps) runs.emplace_back([&step] { step.run(); });
  const std::vector<std::vector<double>> times =
      time_in_turn(runs, {.rounds = context.options.rounds});
  return {best != nullptr ? times.front() : std::vector<double>(), times.back(),
          steps.back().peak_bytes()};
}

/// Times one image and a batch, in turn with `best` where there is one, into `trial`.
void time_inference(const OptimizeContext& context, const Candidate* best,
                    const Candidate& candidate, Trial& trial) {
  Figures& after = trial.after;
  const int64_t batch_size = context.options.time_batch_size;
  for (const int64_t size : {int64_t{1}, batch_size}) {
    const InferenceTimes times = times_of(context, best, candidate, size);
    const auto set = [&](Figures& figures, const std::vector<double>& seconds) {
      const Spread spread = spread_of(seconds);
      if (size == 1) {
        figures.latency = {1e3 * spread.median, 1e3 * spread.low, 1e3 * spread.high};
      }
      if (size == batch_size) figures.rate = inverse(spread, static_cast<double>(size));
    };
    set(after, times.after);
    after.peak_megabytes = static_cast<double>(times.peak_bytes) / 1e6;
    if (best == nullptr) continue;
    set(trial.before, times.before);
    if (size == 1) trial.latency = compare(times.before, times.after);
    if (size == batch_size) trial.rate = compare(times.before, times.after);
  }
}

/// Whether both give the same results but for rounding in f32.
bool computes_alike(const Candidate& a, const Candidate& b) {
  return a.trained_package == b.trained_package && !a.trained_package.empty() &&
         a.deployment.format == NumberFormat::f32 && b.deployment.format == NumberFormat::f32;
}

bool is_repacked(const Candidate& a, const Candidate& b) {
  return a.trained_package == b.trained_package && !a.trained_package.empty() &&
         a.deployment.format == b.deployment.format && a.deployment.folded == b.deployment.folded &&
         a.deployment.disabled_passes == b.deployment.disabled_passes &&
         a.deployment.gzipped != b.deployment.gzipped;
}

}  // namespace

Trial measure_again(const OptimizeContext& context, const Candidate& first, const Candidate& last) {
  Trial trial;
  time_inference(context, &first, last, trial);
  return trial;
}

Trial measure_candidate(OptimizeContext& context, const Candidate* best,
                        const Figures& best_figures, const Candidate& candidate,
                        const std::filesystem::path& package) {
  const auto begin = std::chrono::steady_clock::now();
  const Model& served = candidate.served;
  std::filesystem::create_directories(package.parent_path());
  write_package(package, {served.program,
                          served.weights,
                          served.name,
                          served.class_names,
                          context.preprocessing,
                          {},
                          candidate.deployment.gzipped})
      .value();
  Trial trial{.before = best_figures};
  Figures& after = trial.after;
  after.bytes = size_of(package);
  after.first_milliseconds = first_image(context, candidate, package);
  if (best != nullptr && is_repacked(*best, candidate)) {
    // The same program: another measurement would be one of noise.
    after.latency = best_figures.latency, after.rate = best_figures.rate;
    after.peak_megabytes = best_figures.peak_megabytes, after.accuracy = best_figures.accuracy;
    trial.latency = trial.rate = {.times_as_fast = {1, 1, 1}};
    return trial;
  }
  time_inference(context, best, candidate, trial);
  if (context.judges_accuracy()) {
    const bool known = best != nullptr && computes_alike(*best, candidate);
    after.accuracy = known ? best_figures.accuracy : context.accuracy_of(served);
  }
  context.measuring_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return trial;
}

}  // namespace brisk
