#include "brisk/cli/small_cnn_job.h"

#include <algorithm>
#include <chrono>

#include "brisk/optimize/timed_step.h"

namespace brisk::cli {

Job small_cnn_job(const SmallCnnOptions& options) {
  Recipe recipe;
  recipe.model.name = "small_cnn";
  recipe.train.named = "fashion_mnist";
  if (options.validation) recipe.validation.named = "fashion_mnist";
  recipe.batch_size = options.batch_size;
  recipe.epochs = options.epochs;
  recipe.precision = options.precision;
  recipe.accumulate = options.accumulate;
  recipe.threads = options.threads;
  recipe.backend = options.backend;
  recipe.disabled_passes = options.disabled_passes;
  recipe.model.dropout = options.dropout;
  recipe.label_smoothing = options.label_smoothing;
  recipe.schedule.name = "cosine_decay";
  recipe.schedule.warmup_steps = options.warmup_steps;
  recipe.optimizer.name = options.optimizer;
  if (options.optimizer == "muon") {
    recipe.optimizer.momentum = 0.9;
    recipe.optimizer.exclude_layers = {"dense"};
    recipe.optimizer.convolutions = true;
  }
  recipe.optimizer.learning_rate = options.learning_rate;
  return make_job(recipe);
}

StepTiming time_steps(const Job& job, int steps, int warmup) {
  const auto executable = compiled_training_step(job);
  const auto iterator = job.train.repeat().iterator();
  std::vector<double> times;
  Example batch;
  int64_t in_flight = 0;
  for (int i = 0; i < warmup + steps; ++i) {
    const auto start = std::chrono::steady_clock::now();
    do iterator->next(batch);
    while (batch[0].sizes()[0] != job.recipe.batch_size);  // an epoch's short last batch
    executable->start(batch);
    if (++in_flight >= executable->runs_in_flight()) executable->collect(), --in_flight;
    if (i >= warmup)
      times.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
  }
  for (; in_flight > 0; --in_flight) executable->collect();
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
  };
  StepTiming timing;
  timing.milliseconds = at(0.5);
  timing.fastest = at(0.1);
  timing.slowest = at(0.9);
  timing.images_per_second = static_cast<double>(job.recipe.batch_size) / timing.milliseconds * 1e3;
  timing.peak_megabytes = static_cast<double>(executable->peak_bytes()) / 1e6;
  return timing;
}

}  // namespace brisk::cli
