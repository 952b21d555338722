#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/library_warning.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/verb.h"
#include "brisk/train/package_job.h"

namespace brisk::cli {
namespace {

struct EvaluateOptions {
  std::string model, data, backend = "cpu";
  std::vector<std::string> metrics = {"accuracy"};
  int64_t batch_size = 128, threads = 0;
  bool json = false;
};

int evaluate(const EvaluateOptions& options) {
  PackageJob job = open_package(options.model);
  job.recipe.batch_size = options.batch_size;
  TrainerOptions trainer_options;
  trainer_options.metrics = options.metrics;
  trainer_options.backend = options.backend;
  trainer_options.compile.threads = static_cast<int>(options.threads);
  warn_of_missing_libraries(job.model, options.backend);
  Trainer trainer(job.model, trainer_options);
  const Metrics metrics = trainer.evaluate(open_data(job, options.data));
  if (options.json)
    fmt::print("{}\n", json_text(metrics));
  else
    for (const auto& [name, value] : metrics) fmt::print("{:24} {:.6f}\n", name, value);
  return kDone;
}

}  // namespace

void add_evaluate(CLI::App& app, int& code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* verb = app.add_subcommand("evaluate", "Loss and metrics of a model on labelled images");
  verb->footer(
      "Example:\n  brisk evaluate runs/first/model --data fashion_mnist\n"
      "  brisk evaluate runs/first/model --data photos/test --metrics accuracy top_5_accuracy");
  verb->add_option("model", options->model, "A model package")->required();
  verb->add_option("--data", options->data, "A dataset's name, or a folder with one folder a class")
      ->required();
  verb->add_option("--metrics", options->metrics, "Metrics to print");
  verb->add_option("--batch_size", options->batch_size, "Images at once")
      ->check(CLI::PositiveNumber);
  add_backend_option(*verb, options->backend);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options, &code] { code = evaluate(*options); });
}

}  // namespace brisk::cli
