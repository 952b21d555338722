#pragma once

/// What the steps of an optimization share: the job, its data, what was measured so far, and how
/// much time is left.

#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "brisk/optimize/candidate.h"
#include "brisk/optimize/keep_rule.h"
#include "brisk/optimize/time_budget.h"
#include "brisk/train/job.h"

namespace brisk {

/// The caller's wishes.
struct OptimizeOptions {
  std::string model;             ///< a recipe (.yaml), a package, or a name of the zoo
  std::string data, validation;  ///< of a package or a name; a recipe has its own
  std::filesystem::path output = "runs/optimized";
  OptimizeTarget target = OptimizeTarget::latency;
  double max_drop = 0.5;  ///< points of accuracy that may be lost
  double time_budget = std::numeric_limits<double>::infinity();  ///< seconds
  std::vector<std::string> skip =
      {};                          ///< steps that are not tried, by name; "training": all of them
  int64_t samples = 512;           ///< training examples that ranges are found on
  int64_t validation_samples = 0;  ///< held-out examples that accuracy is judged on; 0: all
  int64_t batch_size = 0;          ///< of training; 0: the recipe's, or 128
  int64_t time_batch_size = 16;    ///< of timed inference in batches
  int rounds = 15;                 ///< in which two candidates are timed in turn
  int64_t epochs = 2;              ///< of training on, in steps that do
  std::string backend = "cpu";
  int64_t threads = 0;
  bool resume = false;
};

/// Who is told, and who may stop it.
struct OptimizeObserver {
  std::function<void(const std::string&)> on_message;  ///< what begins now
  Callbacks training;                                  ///< of trainings
  const std::atomic<bool>* stop = nullptr;
  bool stopped() const { return stop != nullptr && stop->load(); }
};

/// Thrown where a step was stopped by the observer; everything that is needed to go on is saved.
struct Stopped {};

struct OptimizeContext {
  OptimizeOptions options;
  OptimizeObserver observer;
  TimeBudget budget{std::numeric_limits<double>::infinity()};
  Recipe recipe;                 ///< with what was kept of the training steps
  std::string preprocessing;     ///< of the packages that are written
  std::string accuracy_note;     ///< why no accuracy is judged; empty where it is
  double start_accuracy = 0;     ///< of the model as it came
  double train_rate = 0;         ///< images a second, of the training step that was kept
  double measuring_seconds = 0;  ///< that measuring and judging the last candidate took
  /// What was decided for a step before it began, kept for a run that goes on after a kill.
  std::function<int64_t(const std::string& what, const std::function<int64_t()>& decide)> planned;

  bool judges_accuracy() const { return accuracy_note.empty(); }
  void say(const std::string& text) const {
    if (observer.on_message) observer.on_message(text);
  }
  /// `options.samples` of the training images, not augmented, in batches.
  Dataset calibration_data() const;
  /// Of a model on the held-out images, or on as many of them as the options say, drawn once.
  Accuracy accuracy_of(const Model& model);
  std::filesystem::path work_directory(const std::string& step) const;
  CompileOptions compile_options() const;

 private:
  std::optional<Dataset> validation_;  ///< opened when it is first asked for
  int64_t validation_examples_ = 0;
};

/// How many examples `data` has.
int64_t count_examples(const DataRecipe& data, Recipe recipe);

}  // namespace brisk
