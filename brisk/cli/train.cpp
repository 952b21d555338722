#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/backend_option.h"
#include "brisk/cli/progress_bar.h"
#include "brisk/cli/stop_signal.h"
#include "brisk/cli/verb.h"
#include "brisk/formats/package/package.h"
#include "brisk/train/job.h"

namespace brisk::cli {
namespace {

struct TrainOptions {
  std::string recipe, output, backend;
  bool resume = false, json = false, quiet = false;
  int64_t epochs = -1, threads = -1;
};

/// `text` as one word of a shell's command line.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// The command that goes on, with what this one was given beside its recipe.
std::string resume_command(const TrainOptions& options) {
  std::string command = "brisk train " + shell_word(options.recipe);
  if (!options.output.empty()) command += " --output " + shell_word(options.output);
  if (options.epochs >= 0) command += fmt::format(" --epochs {}", options.epochs);
  if (!options.backend.empty()) command += " --backend " + options.backend;
  if (options.threads >= 0) command += fmt::format(" --threads {}", options.threads);
  return command + " --resume";
}

int train(const TrainOptions& options) {
  const std::atomic<bool>& stop = watch_stop_signals();
  Recipe recipe = read_recipe(options.recipe).value();
  if (!options.output.empty()) recipe.output = options.output;
  if (options.epochs >= 0) recipe.epochs = options.epochs;
  if (!options.backend.empty()) recipe.backend = options.backend;
  if (options.threads >= 0) recipe.threads = options.threads;
  Job job = make_job(recipe);
  const std::filesystem::path checkpoints = recipe.output / "checkpoints";
  std::error_code error;
  require(options.resume || !std::filesystem::exists(checkpoints, error),
          "{} holds an earlier training: go on with it by --resume, or choose another output",
          recipe.output.string());

  Trainer trainer(job.model, job.trainer);
  ProgressBar bar;
  FitOptions fit;
  fit.epochs = recipe.epochs;
  fit.validation = job.validation ? &*job.validation : nullptr;
  fit.validation_freq = recipe.validation_freq;
  fit.directory = checkpoints;
  fit.tensorboard = recipe.output / "tensorboard";
  fit.checkpoint_every_steps = recipe.checkpoint_every_steps;
  fit.checkpoint_every_epochs = recipe.checkpoint_every_epochs;
  fit.resume = options.resume;
  fit.stop = &stop;
  fit.callbacks.on_message = [&](const std::string& text) { bar.message(text); };
  if (!options.quiet) {
    fit.callbacks.on_step = [&](const StepReport& report) { bar.step(report); };
    fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics& metrics) {
      bar.epoch(report, metrics);
    };
  }
  const History history = trainer.fit(job.train, fit);
  const std::filesystem::path package_path = recipe.output / "model";
  if (!history.stopped) {
    const Model model = trainer.model();
    write_package(package_path, {model.program,
                                 model.weights,
                                 model.name,
                                 model.class_names,
                                 preprocessing_text(recipe, job.train.components()[0].sizes),
                                 {}})
        .value();
  }
  if (options.json) {
    const Json json = {{"stopped", history.stopped},
                       {"steps", history.steps},
                       {"epochs", history.epochs},
                       {"model", history.stopped ? "" : package_path.string()},
                       {"checkpoints", checkpoints.string()},
                       {"tensorboard", fit.tensorboard.string()}};
    fmt::print("{}\n", json_text(json));
  } else if (history.stopped) {
    fmt::print("stopped after step {}; saved. Go on with:\n  {}\n", history.steps,
               resume_command(options));
  } else {
    fmt::print("model        {}\ncheckpoints  {}\ntensorboard  {}   (tensorboard --logdir {})\n",
               package_path.string(), checkpoints.string(), fit.tensorboard.string(),
               fit.tensorboard.string());
  }
  return history.stopped ? kStopped : kDone;
}

}  // namespace

void add_train(CLI::App& app, int& code) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* verb = app.add_subcommand("train", "Train what a recipe says");
  verb->footer(
      "Example:\n  brisk train recipe.yaml --epochs 10\n  brisk train recipe.yaml --resume");
  verb->add_option("recipe", options->recipe, "The recipe, a YAML file")->required();
  verb->add_option("--output", options->output,
                   "Directory for the model, checkpoints and logs (else the recipe's)");
  verb->add_option("--epochs", options->epochs, "Epochs (else the recipe's)")
      ->check(CLI::NonNegativeNumber);
  add_backend_option(*verb, options->backend);
  verb->add_option("--threads", options->threads, "Threads of computation (else the recipe's)")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--resume", options->resume, "Go on from the newest checkpoint");
  verb->add_flag("--json", options->json, "Print the result as one JSON object");
  verb->add_flag("--quiet", options->quiet, "No progress");
  verb->callback([options, &code] { code = train(*options); });
}

}  // namespace brisk::cli
