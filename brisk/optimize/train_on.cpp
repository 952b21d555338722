#include "brisk/optimize/train_on.h"

#include <cmath>

#include "brisk/optimize/deploy.h"
#include "brisk/optimize/weight_values.h"

namespace brisk {
namespace {

constexpr double kShareOfBudget = 0.45;  ///< of what is left, that one training may take
constexpr double kLeastEpochs = 0.2;
constexpr int64_t kMostShared = 64;      ///< values of a tensor that are called few
constexpr double kManyZeros = 0.25;      ///< share of weights that was made zero by intent
constexpr double kValuesSlowdown = 1.3;  ///< masks or centroids in the step

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

/// Lets `recipe` keep what was compressed in `model`.
void keep_values(const Model& model, Recipe& recipe) {
  const bool sparse = share_of_zeros(model) > kManyZeros;
  const int64_t values = most_values(model, kMostShared);
  if (values <= kMostShared)
    recipe.cluster = {.number_of_clusters = std::max<int64_t>(3, values),
                      .preserve_sparsity = sparse};
  else if (sparse)
    recipe.prune.name = "preserve_sparsity";
}

/// What trains `best` on in the way that `how` says.
Recipe recipe_for(const OptimizeContext& context, const Candidate& best, const TrainOn& how) {
  Recipe recipe = context.recipe;
  recipe.model = {.package = best.trained_package};
  recipe.optimizer = {.name = "adam", .learning_rate = how.learning_rate};
  recipe.schedule = {.name = "cosine_decay"};
  recipe.validation = {};
  recipe.prune_channels = how.prune_channels;
  if (how.keeps_values) keep_values(best.trained, recipe);
  if (how.taught)
    recipe.distill = {.teacher = context.start_package, .temperature = 2, .alpha = 0.5};
  if (how.rounds) {
    recipe.quantize = {.enabled = true, .samples = context.options.samples};
    if (best.deployment.format == NumberFormat::int8)
      for (const auto& [layer, reason] : best.deployment.slow_layers)
        recipe.quantize.float_layers.push_back(layer);
    recipe.precision = Precision::float32;
  }
  return recipe;
}

}  // namespace

double train_on_seconds(const OptimizeContext& context, double slowdown) {
  if (!context.judges_accuracy()) return 0;
  const double epochs = std::max(kLeastEpochs, epochs_that_fit(context, slowdown));
  return epochs * seconds_an_epoch(context, slowdown);
}

Result<Candidate> train_on(OptimizeContext& context, const Candidate& best, const TrainOn& how) {
  const Recipe recipe = recipe_for(context, best, how);
  Job job = make_job(recipe);
  const int64_t batches = job.train.cardinality() - (job.train.has_short_batch() ? 1 : 0);
  require(batches > 0, "the training data has not one full batch of {} examples",
          recipe.batch_size);
  const double slowdown = how.slowdown * (how.keeps_values ? kValuesSlowdown : 1);
  const int64_t steps = context.planned(how.step, [&] {
    const double epochs = epochs_that_fit(context, slowdown);
    if (epochs >= static_cast<double>(context.options.epochs))
      return batches * context.options.epochs;
    if (epochs < kLeastEpochs) return int64_t{0};
    // Whole epochs where there is more than one, so that each has all of the data.
    return epochs >= 1 ? batches * static_cast<int64_t>(epochs)
                       : std::max<int64_t>(1, std::llround(epochs * static_cast<double>(batches)));
  });
  if (steps == 0)
    return fail("the time budget: an epoch takes about {}, and {} are left",
                duration_in_words(seconds_an_epoch(context, slowdown)),
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
  candidate.trained_package.clear();
  candidate.trained = trainer.model();
  candidate.ranges.reset();
  bool times_known = !how.prune_channels;  // shapes stay
  if (job.quantization) {
    candidate.ranges = job.quantization->ranges(candidate.trained.weights);
    candidate.trained = job.quantization->float_model(candidate.trained.weights);
    times_known = times_known && best.deployment.format == NumberFormat::int8;
    candidate.deployment.format = NumberFormat::int8;
  }
  candidate.note = steps < batches * context.options.epochs
                       ? fmt::format("trained for {} of {} steps: the time budget", steps,
                                     batches * context.options.epochs)
                       : "";
  if (!times_known) {
    candidate.deployment.slow_layers.clear();
    candidate.deployment.layers_timed = false;
  }
  deploy(context, candidate);
  return candidate;
}

Status can_change_weights(const OptimizeContext& context) {
  if (!context.judges_accuracy() && !context.untrained) return fail("{}", kCostsAccuracy);
  return Success{};
}

Result<Candidate> train_on_or_once(OptimizeContext& context, const Candidate& best,
                                   const TrainOn& how,
                                   const std::function<Model(const Model&)>& once) {
  if (context.judges_accuracy()) return train_on(context, best, how);
  Candidate changed = best;
  changed.trained = once(best.trained);
  changed.trained_package.clear();
  changed.ranges.reset();
  deploy(context, changed);
  return changed;
}

}  // namespace brisk
