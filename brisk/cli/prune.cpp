#include <fmt/format.h>

#include "brisk/cli/backend_option.h"
#include "brisk/cli/optimization_record.h"
#include "brisk/cli/package_job.h"
#include "brisk/cli/run_job.h"
#include "brisk/cli/verb.h"
#include "brisk/compress/sparsity_report.h"

// Fine-tuning with masks whose sparsity rises by PolynomialDecay, then a comparison of the model
// before and after. Nothing here is faster for its zeros, and the table does not say so.

namespace brisk::cli {
namespace {

struct PruneOptions {
  std::string model, data, validation, output = "runs/pruned", scope = "tensor", backend = "cpu";
  double initial_sparsity = 0.5, sparsity = 0.8, learning_rate = 1e-3;
  std::vector<int64_t> m_by_n;
  std::vector<std::string> exclude_layers;
  int64_t epochs = 2, batch_size = 128, frequency = 100, threads = 0;
  bool gzip = false, resume = false, json = false, quiet = false;
};

Recipe recipe_of(const PruneOptions& options, const PackageJob& package) {
  Recipe recipe = package.recipe;
  recipe.model.package = options.model;
  recipe.train = data_recipe(package, options.data);
  recipe.validation =
      data_recipe(package, options.validation.empty() ? options.data : options.validation);
  recipe.epochs = options.epochs;
  recipe.batch_size = options.batch_size;
  recipe.optimizer.learning_rate = options.learning_rate;
  recipe.output = options.output;
  recipe.backend = options.backend;
  recipe.threads = options.threads;
  PruneRecipe& prune = recipe.prune;
  prune.name = options.m_by_n.empty() ? "polynomial_decay" : "sparsity_m_by_n";
  prune.initial_sparsity = std::min(options.initial_sparsity, options.sparsity);
  prune.final_sparsity = options.sparsity;
  prune.frequency = options.frequency;
  prune.scope = options.scope == "model" ? PruningScope::model : PruningScope::tensor;
  if (!options.m_by_n.empty()) prune.m_by_n = options.m_by_n;
  prune.exclude_layers = options.exclude_layers;
  return recipe;
}

/// A model's size and what it is worth on the validation data.
struct Measured {
  SparsityReport size;
  Metrics metrics;

  double sparsity() const {
    return size.elements > 0 ? static_cast<double>(size.zeros) / static_cast<double>(size.elements)
                             : 0;
  }
  Json to_json() const {
    return {{"sparsity", sparsity()},
            {"bytes", size.bytes},
            {"gzipped_bytes", size.gzipped_bytes},
            {"metrics", metrics}};
  }
};

Measured measure(Trainer& trainer, const Dataset& validation) {
  const Metrics metrics = trainer.evaluate(validation);  // makes sure that there are weights
  return {sparsity_report(trainer.model()), metrics};
}

void print_table(const Measured& before, const Measured& after) {
  fmt::print("{:24} {:>14} {:>14}\n", "", "before", "after");
  const auto row = [](const std::string& name, const std::string& a, const std::string& b) {
    fmt::print("{:24} {:>14} {:>14}\n", name, a, b);
  };
  const auto percent = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
  const auto megabytes = [](int64_t bytes) {
    return fmt::format("{:.3f} MB", static_cast<double>(bytes) / 1e6);
  };
  row("zeros in pruned weights", percent(before.sparsity()), percent(after.sparsity()));
  row("weights in the package", megabytes(before.size.bytes), megabytes(after.size.bytes));
  row("the same, gzipped", megabytes(before.size.gzipped_bytes),
      megabytes(after.size.gzipped_bytes));
  for (const auto& [name, value] : before.metrics)
    row(name, fmt::format("{:.4f}", value), fmt::format("{:.4f}", after.metrics.at(name)));
  fmt::print("inference computes with the zeros like with other weights: its speed is the same\n");
}

int prune(const PruneOptions& options) {
  const PackageJob package = open_package(options.model);
  require_new_run(options.output, options.resume);
  const Recipe recipe = recipe_of(options, package);
  const Job job = make_job(recipe);
  Trainer unpruned(job.model, job.trainer);
  const Measured before = measure(unpruned, *job.validation);
  Trainer trainer(job.model, job.trainer);
  const History history = run_job(trainer, job, options.resume, options.quiet);
  if (history.stopped) {
    fmt::print(stderr, "stopped after step {}; saved. The same command with --resume goes on\n",
               history.steps);
    return kStopped;
  }
  const Measured after = measure(trainer, *job.validation);
  const Json step = {{"step", "prune"},
                     {"how", job.trainer.pruning->describe()},
                     {"before", before.to_json()},
                     {"after", after.to_json()}};
  write_trained(trainer, job, with_step(package.optimization, step), options.gzip);
  const std::string model = RunPlaces(recipe.output).model.string();
  if (options.json) {
    Json json = step;
    json["model"] = model;
    fmt::print("{}\n", json_text(json));
    return kDone;
  }
  print_table(before, after);
  fmt::print("model  {}\n", model);
  return kDone;
}

}  // namespace

void add_prune(CLI::App& app, int& code) {
  auto options = std::make_shared<PruneOptions>();
  CLI::App* verb = app.add_subcommand(
      "prune", "Train a model on while its smallest weights become zero, and compare");
  verb->footer(
      "Example:\n  brisk prune runs/first/model --data fashion_mnist --sparsity 0.8\n"
      "  brisk prune runs/first/model --data photos/train --validation photos/test --m_by_n 2 4");
  verb->add_option("model", options->model, "A model package")->required();
  verb->add_option("--data", options->data,
                   "What to train on: a dataset's name, or a folder with one folder a class")
      ->required();
  verb->add_option("--validation", options->validation,
                   "What to compare on; else the test part of a named dataset, or --data itself");
  verb->add_option("--output", options->output, "Directory for the model, checkpoints and logs");
  verb->add_option("--sparsity", options->sparsity, "Share of zeros at the end")
      ->check(CLI::Range(0.0, 0.999999));
  verb->add_option("--initial_sparsity", options->initial_sparsity, "Share of zeros at first")
      ->check(CLI::Range(0.0, 0.999999));
  verb->add_option("--m_by_n", options->m_by_n,
                   "Two numbers, as 2 4: so many zeros in each so many input channels, instead")
      ->expected(2);
  verb->add_option("--scope", options->scope,
                   "Whether each tensor reaches the sparsity, or the model as a whole")
      ->check(CLI::IsMember({"tensor", "model"}));
  verb->add_option("--exclude_layers", options->exclude_layers,
                   "Parts of names of parameters that stay dense");
  verb->add_option("--epochs", options->epochs, "Epochs of training")->check(CLI::PositiveNumber);
  verb->add_option("--learning_rate", options->learning_rate, "Of adam")
      ->check(CLI::PositiveNumber);
  verb->add_option("--batch_size", options->batch_size, "Images at once")
      ->check(CLI::PositiveNumber);
  verb->add_option("--frequency", options->frequency, "Steps from one choice of zeros to the next")
      ->check(CLI::PositiveNumber);
  add_backend_option(*verb, options->backend);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--gzip", options->gzip, "Keep the package's weights gzipped");
  verb->add_flag("--resume", options->resume, "Go on from the newest checkpoint");
  verb->add_flag("--json", options->json, "Print the result as one JSON object");
  verb->add_flag("--quiet", options->quiet, "No progress");
  verb->callback([options, &code] { code = prune(*options); });
}

}  // namespace brisk::cli
