#include "brisk/cli/fine_tune.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct DistillOptions {
  FineTuneOptions training{.output = "runs/distilled"};
  DistillRecipe distill;
};

int distill(const DistillOptions& options) {
  return fine_tune(options.training, "distill", [&](Recipe& recipe) {
    recipe.distill = options.distill;
    recipe.distill.teacher = options.training.teacher;
    if (options.training.model.find('/') == std::string::npos) {
      recipe.model.package.clear();
      recipe.model.name = options.training.model;
    }
  });
}

}  // namespace

void add_distill(CLI::App& app, int& code) {
  auto options = std::make_shared<DistillOptions>();
  CLI::App* verb = app.add_subcommand(
      "distill", "Train a small model on what a large one makes of the data, and compare them");
  verb->footer(
      "Example:\n  brisk distill runs/large/model small_cnn --data fashion_mnist --epochs 5\n"
      "  brisk distill runs/large/model runs/small/model --data fashion_mnist --temperature 5");
  verb->add_option("teacher", options->training.teacher, "A model package")->required();
  verb->add_option("student", options->training.model,
                   "A model package (its path has a /), or an architecture by name")
      ->required();
  add_fine_tune_options(*verb, options->training);
  add_distillation_options(*verb, options->distill);
  verb->add_option("--time_batch_size", options->training.time_batch_size,
                   "Images at once where the models are timed")
      ->check(CLI::PositiveNumber);
  verb->callback([options, &code] { code = distill(*options); });
}

}  // namespace brisk::cli
