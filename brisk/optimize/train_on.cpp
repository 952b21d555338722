#include "brisk/optimize/train_on.h"

#include <cmath>

namespace brisk {
namespace {

constexpr double kShareOfBudget = 0.45;  ///< of what is left, that one training may take
constexpr double kLeastEpochs = 0.2;

double seconds_an_epoch(const OptimizeContext& context, double slowdown) {
  if (context.train_rate <= 0) return 0;
  return static_cast<double>(count_examples(context.recipe.train, context.recipe)) * slowdown /
         context.train_rate;
}

/// Epochs that there is room for; at most those that the options ask for.
double epochs_that_fit(const OptimizeContext& context, double slowdown) {
  const double room = kShareOfBudget * std::max(0.0, context.budget.left());
  const double epoch = seconds_an_epoch(context, slowdown);
  const auto wanted = static_cast<double>(context.options.epochs);
  return epoch > 0 ? std::min(wanted, room / epoch) : wanted;
}

}  // namespace

double train_on_seconds(const OptimizeContext& context, double slowdown) {
  const double epochs = std::max(kLeastEpochs, epochs_that_fit(context, slowdown));
  return epochs * seconds_an_epoch(context, slowdown);
}

Result<Candidate> train_on(OptimizeContext& context, const Candidate& best, const TrainOn& how) {
  Recipe recipe = context.recipe;
  recipe.model = {.package = best.trained_package};
  recipe.optimizer = {.name = "adam", .learning_rate = how.learning_rate};
  recipe.schedule = {.name = "cosine_decay"};
  recipe.validation = {};
  recipe.prune_channels = how.prune_channels;
  Job job = make_job(recipe);
  const int64_t batches = job.train.cardinality() - (job.train.has_short_batch() ? 1 : 0);
  require(batches > 0, "the training data has not one full batch of {} examples",
          recipe.batch_size);
  const int64_t steps = context.planned(how.step, [&] {
    const double epochs = epochs_that_fit(context, how.slowdown);
    if (epochs >= static_cast<double>(context.options.epochs))
      return batches * context.options.epochs;
    if (epochs < kLeastEpochs) return int64_t{0};
    // Whole epochs where there is more than one, so that each has all of the data.
    return epochs >= 1 ? batches * static_cast<int64_t>(epochs)
                       : std::max<int64_t>(1, std::llround(epochs * static_cast<double>(batches)));
  });
  if (steps == 0)
    return fail("the time budget: an epoch takes about {}, and {} are left",
                duration_in_words(seconds_an_epoch(context, how.slowdown)),
                duration_in_words(context.budget.left()));
  const int64_t epochs = std::max<int64_t>(1, steps / batches);
  if (how.configure) how.configure(job.trainer, job.model, steps);
  job.trainer.schedule = cosine_decay(how.learning_rate, steps);
  Trainer trainer(job.model, job.trainer);
  FitOptions fit{.epochs = epochs,
                 .directory = context.work_directory(how.step) / "checkpoints",
                 .checkpoint_every_steps = std::max<int64_t>(1, steps / 5),
                 .stop = context.observer.stop,
                 .callbacks = context.observer.training};
  std::error_code error;
  fit.resume = std::filesystem::exists(fit.directory, error);
  if (trainer.fit(steps < batches ? job.train.take(steps) : job.train, fit).stopped)
    throw Stopped{};
  Candidate candidate = best;
  candidate.trained = trainer.model();
  candidate.trained_package.clear();
  candidate.note = steps < batches * context.options.epochs
                       ? fmt::format("trained for {} of {} steps: the time budget", steps,
                                     batches * context.options.epochs)
                       : "";
  return candidate;
}

}  // namespace brisk
