#include "brisk/cli/fine_tune.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct DistillOptions {
  FineTuneOptions training{.output = "runs/distilled"};
  double temperature = 3, alpha = 0.1;
};

int distill(const DistillOptions& options) {
  return fine_tune(options.training, "distill", [&](Recipe& recipe) {
    recipe.distill = {options.training.teacher, options.temperature, options.alpha};
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
  verb->add_option("--temperature", options->temperature,
                   "Above 1 what the teacher holds possible counts more")
      ->check(CLI::PositiveNumber);
  verb->add_option("--alpha", options->alpha,
                   "Weight of the labels, from 0 (the teacher alone) to 1; Keras's "
                   "student_loss_weight")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--time_batch_size", options->training.time_batch_size,
                   "Images at once where the models are timed")
      ->check(CLI::PositiveNumber);
  verb->callback([options, &code] { code = distill(*options); });
}

}  // namespace brisk::cli
