#include "brisk/optimize/context.h"

#include <numeric>

#include "brisk/optimize/journal.h"

namespace brisk {
namespace {

constexpr int64_t kMostCachedBytes = int64_t{1} << 30;  ///< of decoded held-out images

/// Images are prepared as for evaluation; only their order is left to chance, the same in every
/// run.
Recipe without_augmentation(Recipe recipe) {
  std::erase_if(recipe.augment,
                [](const AugmentRecipe& step) { return step.name == "random_flip_horizontal"; });
  for (AugmentRecipe& step : recipe.augment) {
    if (step.name == "random_crop") step = {.name = "center_crop", .size = step.size};
    if (step.name == "random_resized_crop") step = {.name = "resize", .size = step.size};
  }
  return recipe;
}

int64_t batches_of(int64_t examples, int64_t batch_size) {
  return (examples + batch_size - 1) / batch_size;
}

}  // namespace

int64_t count_examples(const DataRecipe& data, Recipe recipe) {
  recipe.batch_size = 1;
  return open_images(data, recipe, false).cardinality();
}

Dataset OptimizeContext::calibration_data() const {
  Recipe plain = without_augmentation(recipe);
  plain.batch_size = std::min<int64_t>(32, options.samples);
  return open_images(plain.train, plain, true).take(batches_of(options.samples, plain.batch_size));
}

Accuracy OptimizeContext::accuracy_of(const Model& model) {
  if (!validation_) {
    const int64_t all = count_examples(recipe.validation, recipe);
    Recipe plain = without_augmentation(recipe);
    const std::vector<ComponentSpec> parts =
        open_images(plain.validation, plain, false).components();
    const int64_t values =
        std::accumulate(parts[0].sizes.begin(), parts[0].sizes.end(), all, std::multiplies<>());
    plain.validation.cache = values < kMostCachedBytes;
    const int64_t wanted = options.validation_samples;
    const bool some = wanted > 0 && wanted < all;
    const Dataset images = open_images(plain.validation, plain, some);
    validation_ = some ? images.take(batches_of(wanted, plain.batch_size)) : images;
    validation_examples_ = some ? batches_of(wanted, plain.batch_size) * plain.batch_size : all;
  }
  TrainerOptions trainer;
  trainer.backend = options.backend;
  trainer.compile = compile_options();
  return {Trainer(model, trainer).evaluate(*validation_).at("accuracy"), validation_examples_};
}

void OptimizeContext::use(Journal& journal) {
  planned = [this, &journal](const std::string& what, const std::function<int64_t()>& decide) {
    return journal.planned(StepRow{.step = what, .without = without}.title(), decide);
  };
  earlier = [this, &journal](const std::string& step) {
    const StepRow* row = journal.row(StepPhase::deployment, step, without);
    return row != nullptr ? row : journal.row(StepPhase::deployment, step);
  };
}

std::filesystem::path OptimizeContext::work_directory(const std::string& step) const {
  std::string name;
  for (const char c : without.empty() ? step : "without " + without + " " + step)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return options.output / "steps" / name;
}

CompileOptions OptimizeContext::compile_options() const {
  CompileOptions compile;
  compile.threads = static_cast<int>(options.threads);
  return compile;
}

}  // namespace brisk
