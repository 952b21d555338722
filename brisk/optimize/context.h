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
#include "brisk/optimize/report/report.h"
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

class Journal;

struct OptimizeContext {
  OptimizeOptions options;
  OptimizeObserver observer;
  TimeBudget budget{std::numeric_limits<double>::infinity()};
  Recipe recipe;                        ///< with what was kept of the training steps
  std::string preprocessing;            ///< of the packages that are written
  std::filesystem::path start_package;  ///< the model as it came, or as the recipe trained it
  bool has_data = true;                 ///< examples to find ranges and to train on
  bool untrained = false;               ///< the model's weights mean nothing
  std::string accuracy_note;            ///< why no accuracy is judged; empty where it is
  bool trains = false;                  ///< the model is trained here, as its recipe says
  double start_accuracy = 0;            ///< of the model as it came
  Accuracy best_accuracy;               ///< of the best so far
  double train_rate = 0;                ///< images a second, of the training step that was kept
  double measuring_seconds = 0;         ///< that measuring and judging the last candidate took
  /// The kept step that is gone back on now; empty in the first pass.
  std::string without;
  /// The row of a deployment step that was tried before: on the same way, or else in the first
  /// pass; nullptr where it was not.
  std::function<const StepRow*(const std::string& step)> earlier;
  /// What was decided for a step before it began, kept for a run that goes on after a kill.
  std::function<int64_t(const std::string& what, const std::function<int64_t()>& decide)> planned;

  /// What was done and planned is `journal`'s, which must outlive this.
  void use(Journal& journal);
  /// Begins a step, and says so: the seconds that are spent. Throws Stopped after a signal.
  double begin(const std::string& step) const {
    if (observer.stopped()) throw Stopped{};
    say(step);
    return budget.spent();
  }
  /// Whether the best so far is less accurate than the start, beyond a standard error.
  bool lost_accuracy() const {
    return start_accuracy - best_accuracy.value > best_accuracy.standard_error();
  }
  bool judges_accuracy() const { return accuracy_note.empty(); }
  void say(const std::string& text) const {
    if (observer.on_message) observer.on_message(text);
  }
  /// `options.samples` of the training images, not augmented, in batches.
  Dataset calibration_data() const;
  /// Of a model on the held-out images, or on as many of them as the options say, drawn once.
  Accuracy accuracy_of(const Model& model);
  /// Where a step keeps what it makes.
  std::filesystem::path work_directory(const std::string& step) const;
  CompileOptions compile_options() const;

 private:
  std::optional<Dataset> validation_;  ///< opened when it is first asked for
  int64_t validation_examples_ = 0;
};

/// How many examples `data` has.
int64_t count_examples(const DataRecipe& data, Recipe recipe);

}  // namespace brisk
