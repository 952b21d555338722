#include "brisk/optimize/optimize.h"

#include <fmt/format.h>

#include "brisk/base/file.h"
#include "brisk/cli/optimize_progress.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/run_job.h"
#include "brisk/cli/stop_signal.h"
#include "brisk/cli/verb.h"
#include "brisk/optimize/step.h"

namespace brisk::cli {
namespace {

struct OptimizeVerbOptions {
  OptimizeOptions job;
  std::string target = "latency", time_budget, html, output;
  bool json = false, quiet = false;
};

std::vector<std::string> targets() {
  const auto names = enum_names(OptimizeTarget{});
  return {names.begin(), names.end()};
}

int optimize_model(OptimizeVerbOptions& options) {
  OptimizeOptions& job = options.job;
  const std::vector<std::string> names = targets();
  job.target = static_cast<OptimizeTarget>(std::find(names.begin(), names.end(), options.target) -
                                           names.begin());
  job.output = options.output;
  if (!options.time_budget.empty()) job.time_budget = parse_duration(options.time_budget).value();
  OptimizeObserver observer{.stop = &watch_stop_signals()};
  ProgressBar bar;
  if (!options.quiet) show_progress(observer, bar);
  const Optimization result = optimize(job, observer);
  if (result.stopped) {
    fmt::print(stderr, "stopped; what is done is in {}. The same command with --resume goes on\n",
               job.output.string());
    return kStopped;
  }
  if (!options.html.empty())
    write_file_atomically(options.html, report_html(result.report)).value();
  if (options.json)
    fmt::print("{}\n", json_text(to_json(result.report)));
  else
    fmt::print("{}page   {}\n", report_text(result.report),
               options.html.empty() ? (job.output / "report.html").string() : options.html);
  return kDone;
}

template <typename Step>
std::string names_of(const std::vector<Step>& steps) {
  std::vector<std::string> names;
  for (const Step& step : steps) names.push_back(step.name);
  return fmt::format("{}", fmt::join(names, "; "));
}

}  // namespace

void add_optimize(CLI::App& app, int& code) {
  auto options = std::make_shared<OptimizeVerbOptions>();
  options->output = options->job.output.string();
  OptimizeOptions& job = options->job;
  CLI::App* verb = app.add_subcommand(
      "optimize", "Try what makes a model faster and smaller, keep what was measured to pay");
  verb->footer(
      "Steps of training, in order: " + names_of(training_steps()) +
      ".\nSteps of deployment: " + names_of(deployment_steps({})) +
      ".\nWith --target size files are gzipped from the beginning. A step that kept out better "
      "ones "
      "is given up again.\n\n"
      "Example:\n  brisk optimize recipe.yaml --max_drop 0.5 --time_budget 5m\n"
      "  brisk optimize runs/first/model --data fashion_mnist --target size --html report.html\n"
      "  brisk optimize runs/keras --data photos/train --validation photos/test\n"
      "  brisk optimize resnet50 --data synthetic --batch_size 16\n"
      "  brisk optimize bert_base --time_batch_size 1\n\n"
      "Ends with 0 when it is through, whatever was kept; with 130 after Ctrl-C or a SIGTERM, and "
      "--resume goes on then.");
  verb->add_option("model", job.model,
                   "A recipe, whose model is trained first; a model package; or a model's name, "
                   "untrained, for its size and speed")
      ->required();
  verb->add_option("--data", job.data,
                   "With a package or a name: what is trained on, and what ranges are found on: a "
                   "dataset's name, or a folder with one folder a class; none for a model that "
                   "takes no images");
  verb->add_option("--validation", job.validation,
                   "What accuracy is judged on; else the test part of a named dataset");
  verb->add_option("--output", options->output,
                   "Directory for the best model, the report, and what is needed to go on");
  verb->add_option("--target", options->target,
                   "What counts first: milliseconds for one image, bytes, or images a second")
      ->check(CLI::IsMember(targets()));
  verb->add_option("--max_drop", job.max_drop, "Points of accuracy that may be lost")
      ->check(CLI::Range(0.0, 100.0));
  verb->add_option("--time_budget,--time-budget", options->time_budget,
                   "How long it may take, as 90s, 5m or 1h30m; steps that do not fit are named");
  verb->add_option("--skip", job.skip, "Steps that are not tried; training: all of its steps");
  verb->add_option("--samples", job.samples, "Training images that ranges are found on")
      ->check(CLI::PositiveNumber);
  verb->add_option("--validation_samples", job.validation_samples,
                   "Images that accuracy is judged on; 0: all")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--batch_size", job.batch_size,
                   "Images at once in training; 0: the recipe's, or 128")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--time_batch_size", job.time_batch_size,
                   "Images at once where inference in batches is timed")
      ->check(CLI::PositiveNumber);
  verb->add_option(
          "--rounds", job.rounds,
          "Rounds in which two candidates are timed in turn; more where the machine is busy")
      ->check(CLI::Range(3, 1000));
  verb->add_option("--epochs", job.epochs, "Epochs of each step that trains on")
      ->check(CLI::PositiveNumber);
  add_backend_option(*verb, job.backend);
  verb->add_option("--threads", job.threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--html", options->html, "The page with plots; else report.html in --output");
  verb->add_flag("--resume", job.resume, "Go on with an optimization that was interrupted");
  verb->add_flag("--json", options->json, "Print the report as one JSON object");
  verb->add_flag("--quiet", options->quiet, "No progress");
  verb->callback([options, &code] { code = optimize_model(*options); });
}

}  // namespace brisk::cli
