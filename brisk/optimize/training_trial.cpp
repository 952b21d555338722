#include "brisk/optimize/training_trial.h"

#include "brisk/optimize/time_in_turn.h"
#include "brisk/optimize/timed_step.h"

namespace brisk {
namespace {

/// Seconds an image, by round, and the memory of each.
struct TrainingTimes {
  std::vector<std::vector<double>> seconds;
  std::vector<Figures> figures;
};

TrainingTimes time_training(std::vector<const Recipe*> recipes, int rounds) {
  std::vector<TimedStep> steps;
  for (const Recipe* recipe : recipes) steps.push_back(TimedStep::training(make_job(*recipe)));
  std::vector<std::function<void()>> runs;
  for (TimedStep& step : steps) runs.emplace_back([&step] { step.run(); });
  TrainingTimes result{time_in_turn(runs, {.rounds = rounds, .seconds_a_round = 0.1}), {}};
  for (size_t i = 0; i < steps.size(); ++i) {
    for (double& seconds : result.seconds[i]) seconds /= static_cast<double>(steps[i].batch_size());
    result.figures.push_back({.train_rate = inverse(spread_of(result.seconds[i]), 1),
                              .peak_megabytes = static_cast<double>(steps[i].peak_bytes()) / 1e6});
  }
  return result;
}

}  // namespace

Figures training_figures(const Recipe& recipe, int rounds) {
  return time_training({&recipe}, rounds).figures[0];
}

TrainingTrial try_training(const Recipe& before, const Recipe& after, int rounds) {
  const TrainingTimes times = time_training({&before, &after}, rounds);
  return {times.figures[0], times.figures[1], compare(times.seconds[0], times.seconds[1])};
}

}  // namespace brisk
