#include "brisk/optimize/train_recipe.h"

#include "brisk/formats/package/package.h"
#include "brisk/optimize/weight_values.h"

namespace brisk {
namespace {

constexpr double kTrainingShare = 0.6;  ///< of what is left, that training the model may take

}  // namespace

std::filesystem::path train_recipe(OptimizeContext& context, StepRow& row) {
  Recipe recipe = context.recipe;
  const int64_t wanted = recipe.epochs;
  recipe.epochs = context.planned("training", [&] {
    const double epoch = static_cast<double>(count_examples(recipe.train, recipe)) /
                         std::max(context.train_rate, 1e-9);
    const double room = kTrainingShare * std::max(0.0, context.budget.left()) / epoch;
    if (context.train_rate <= 0 || room >= static_cast<double>(wanted)) return wanted;
    return std::max<int64_t>(1, static_cast<int64_t>(room));
  });
  const Job job = make_job(recipe);
  Trainer trainer(job.model, job.trainer);
  const std::filesystem::path place = context.work_directory("training");
  FitOptions fit{.epochs = recipe.epochs,
                 .directory = place / "checkpoints",
                 .checkpoint_every_steps = recipe.checkpoint_every_steps,
                 .checkpoint_every_epochs = recipe.checkpoint_every_epochs,
                 .stop = context.observer.stop,
                 .callbacks = context.observer.training};
  std::error_code error;
  fit.resume = std::filesystem::exists(fit.directory, error);
  if (trainer.fit(job.train, fit).stopped) throw Stopped{};
  const Model model = trainer.model();
  require_finite(model);
  write_package(
      place / "trained",
      {model.program, model.weights, model.name, model.class_names, context.preprocessing, {}})
      .value();
  row.why = recipe.epochs < wanted
                ? fmt::format("{} of {} epochs: the time budget", recipe.epochs, wanted)
                : fmt::format("{} epochs", recipe.epochs);
  if (context.judges_accuracy()) row.figures.accuracy = context.accuracy_of(model);
  return place / "trained";
}

}  // namespace brisk
