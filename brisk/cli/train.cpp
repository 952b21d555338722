#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/run_job.h"
#include "brisk/cli/stop_signal.h"
#include "brisk/cli/verb.h"
#include "brisk/train/job.h"

namespace brisk::cli {
namespace {

struct TrainOptions {
  std::string recipe, output, backend;
  bool deterministic = false, resume = false, json = false, quiet = false;
  int64_t epochs = -1, threads = -1;
};

/// The command that goes on, with what this one was given beside its recipe.
std::string resume_command(const TrainOptions& options) {
  std::string command = "brisk train " + shell_word(options.recipe);
  if (!options.output.empty()) command += " --output " + shell_word(options.output);
  if (options.epochs >= 0) command += fmt::format(" --epochs {}", options.epochs);
  if (!options.backend.empty()) command += " --backend " + options.backend;
  if (options.threads >= 0) command += fmt::format(" --threads {}", options.threads);
  if (options.deterministic) command += " --deterministic";
  return command + " --resume";
}

int train(const TrainOptions& options) {
  watch_stop_signals();  // from here on, so that a signal while data are opened is no crash
  Recipe recipe = read_recipe(options.recipe).value();
  if (!options.output.empty()) recipe.output = options.output;
  if (options.epochs >= 0) recipe.epochs = options.epochs;
  if (!options.backend.empty()) recipe.backend = options.backend;
  if (options.threads >= 0) recipe.threads = options.threads;
  if (options.deterministic) recipe.deterministic = true;
  const Job job = make_job(recipe);
  require_new_run(recipe.output, options.resume);
  Trainer trainer(job.model, job.trainer);
  const History history = run_job(trainer, job, options.resume, options.quiet);
  if (!history.stopped) write_trained(trainer, job);
  const RunPlaces places(recipe.output);
  if (options.json) {
    const Json json = {{"stopped", history.stopped},
                       {"steps", history.steps},
                       {"epochs", history.epochs},
                       {"model", history.stopped ? "" : places.model.string()},
                       {"checkpoints", places.checkpoints.string()},
                       {"tensorboard", places.tensorboard.string()}};
    fmt::print("{}\n", json_text(json));
  } else if (history.stopped) {
    fmt::print("stopped after step {}; saved. Go on with:\n  {}\n", history.steps,
               resume_command(options));
  } else {
    fmt::print("model        {}\ncheckpoints  {}\ntensorboard  {}   (tensorboard --logdir {})\n",
               places.model.string(), places.checkpoints.string(), places.tensorboard.string(),
               places.tensorboard.string());
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
  verb->add_flag("--deterministic", options->deterministic,
                 "The same bits in every run of mixed_float16 on a GPU, too (else the recipe's)");
  verb->add_flag("--resume", options->resume, "Go on from the newest checkpoint");
  verb->add_flag("--json", options->json, "Print the result as one JSON object");
  verb->add_flag("--quiet", options->quiet, "No progress");
  verb->callback([options, &code] { code = train(*options); });
}

}  // namespace brisk::cli
