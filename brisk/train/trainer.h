#pragma once

/// The training loop.
///
///     Trainer trainer(zoo::small_cnn({.classes = 10}), {.optimizer = adam()});
///     History history = trainer.fit(train.batch(128).prefetch(), {.epochs = 5, .validation =
///     &test});

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "brisk/data/dataset.h"
#include "brisk/nn/model.h"
#include "brisk/runtime/backend.h"
#include "brisk/train/schedule.h"
#include "brisk/train/step.h"

namespace brisk {

struct TrainerOptions {
  OptimizerPtr optimizer = nullptr;  ///< adam() when empty
  Schedule schedule = {};            ///< of the learning rate; the optimizer's own when empty
  LossSpec loss = {};
  std::vector<std::string> metrics = {"accuracy"};
  /// Masks are chosen before the steps that its schedule names; at the end of each epoch, and in
  /// what is evaluated, predicted with or handed out, pruned weights are zero.
  PruningPtr pruning = nullptr;
  /// Centroids are found in the weights when a training begins; what is evaluated, predicted with
  /// or handed out has clustered weights.
  ClusteringPtr clustering = nullptr;
  /// The training's loss is of a teacher's outputs, too; evaluation's is of the targets alone.
  DistillationPtr distillation = nullptr;
  /// What is evaluated and predicted with in place of the trained model, made of it, in float32;
  /// empty: itself, in `precision`.
  std::function<Model(const Model&)> deployed = {};
  Precision precision = Precision::float32;
  int64_t accumulate = 1;
  uint64_t seed = 0;
  /// Entries of the step's state to begin with, by name ("optimizer/dense/kernel/momentum"): a
  /// training that began elsewhere goes on. Refused where the step has no such entry.
  std::map<std::string, Tensor> initial_state = {};
  /// What a run is, beyond its compiled step and its seed: data, schedule (brisk/train/job.h makes
  /// it from a recipe). A checkpoint of another run is not resumed.
  std::string fingerprint = {};
  std::string backend = "cpu";
  int data_threads = 0;  ///< of the input pipeline; 0: chosen
  CompileOptions compile = {};
};

/// Metrics by name: "loss", "accuracy", "val_loss", ...
using Metrics = std::map<std::string, double>;

struct StepReport {
  int64_t step = 0, steps = 0;  ///< of the whole fit
  int64_t epoch = 0, epochs = 0;
  int64_t step_in_epoch = 0, steps_in_epoch = 0;
  Metrics metrics;  ///< running means of this epoch
  double images_per_second = 0, seconds_left = 0, learning_rate = 0;
  double input_wait_share = 0;  ///< of the wall time
};

/// What to be told. Empty functions are not called.
struct Callbacks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const StepReport&, const Metrics& epoch)> on_epoch;
  std::function<void(const std::string&)> on_message;
};

struct FitOptions {
  int64_t epochs = 1;
  const Dataset* validation = nullptr;     ///< batched
  int64_t validation_freq = 1;             ///< epochs from one validation to the next
  std::filesystem::path directory = {};    ///< checkpoints, log; empty: nothing is written
  std::filesystem::path tensorboard = {};  ///< event files; empty: none
  int64_t checkpoint_every_steps = 0;      ///< 0: only at the end of epochs
  int64_t checkpoint_every_epochs = 1;     ///< and at the end of the last one
  bool resume = false;                     ///< go on from the newest checkpoint in `directory`
  /// Set from a signal handler: the loop saves and stops after the current step.
  const std::atomic<bool>* stop = nullptr;
  Callbacks callbacks = {};
};

struct History {
  std::vector<Metrics> epochs;
  bool stopped = false;  ///< ended early by `stop`
  int64_t steps = 0;
};

class Trainer {
 public:
  Trainer(Model model, TrainerOptions options);
  ~Trainer();

  /// Trains on a batched dataset of (features..., targets).
  History fit(const Dataset& dataset, const FitOptions& options = {});
  Metrics evaluate(const Dataset& dataset);
  /// The outputs for all examples, concatenated.
  Tensor predict(const Dataset& dataset);
  /// The model with its current weights.
  Model model() const;
  /// The compiled step, for explain and profile; after the first fit or `prepare`.
  const Executable& step() const;
  /// Compiles the step for `dataset`'s batch without training.
  void prepare(const Dataset& dataset);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brisk
