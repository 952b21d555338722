#include "brisk/cli/fine_tune.h"

#include <fmt/format.h>

#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/run_job.h"
#include "brisk/cli/smaller_shapes.h"
#include "brisk/cli/verb.h"
#include "brisk/compress/sparsity_report.h"
#include "brisk/optimize/optimization_record.h"

// Nothing here is faster for its zeros or its few values, and the table does not say so. What lost
// channels is, and is timed.

namespace brisk::cli {
namespace {

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

void print_table(const Measured& before, const Measured& after, const ColumnNames& columns) {
  fmt::print("{:24} {:>14} {:>14}\n", "", columns.before, columns.after);
  const auto row = [](const std::string& name, const std::string& a, const std::string& b) {
    fmt::print("{:24} {:>14} {:>14}\n", name, a, b);
  };
  const auto percent = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
  const auto megabytes = [](int64_t bytes) {
    return fmt::format("{:.3f} MB", static_cast<double>(bytes) / 1e6);
  };
  row("zeros in kernels", percent(before.sparsity()), percent(after.sparsity()));
  row("weights in the package", megabytes(before.size.bytes), megabytes(after.size.bytes));
  row("the same, gzipped", megabytes(before.size.gzipped_bytes),
      megabytes(after.size.gzipped_bytes));
  for (const auto& [name, value] : before.metrics)
    row(name, fmt::format("{:.4f}", value), fmt::format("{:.4f}", after.metrics.at(name)));
}

/// What is done to the model, in words.
std::string described(const Job& job) {
  std::vector<std::string> parts;
  if (job.recipe.prune_channels) parts.push_back(describe(*job.recipe.prune_channels));
  if (job.trainer.pruning) parts.push_back(job.trainer.pruning->describe());
  if (job.trainer.distillation) parts.push_back(job.trainer.distillation->describe());
  if (job.trainer.clustering) parts.push_back(job.trainer.clustering->describe());
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

Recipe fine_tune_recipe(const FineTuneOptions& options, const PackageJob& package) {
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
  return recipe;
}

int fine_tune(const FineTuneOptions& options, const std::string& step,
              const std::function<void(Recipe&)>& configure) {
  const bool distils = !options.teacher.empty();
  const ColumnNames columns = distils ? ColumnNames{"teacher", "student"} : ColumnNames{};
  const PackageJob package = open_package(distils ? options.teacher : options.model);
  require_new_run(options.output, options.resume);
  Recipe recipe = fine_tune_recipe(options, package);
  configure(recipe);
  const Job job = make_job(recipe);
  TrainerOptions plain = job.trainer;
  plain.pruning = nullptr;
  plain.clustering = nullptr;
  plain.distillation = nullptr;
  Trainer untouched(package.model, plain);
  const Measured before = measure(untouched, *job.validation);
  Trainer trainer(job.model, job.trainer);
  const History history = run_job(trainer, job, options.resume, options.quiet);
  if (history.stopped) {
    fmt::print(stderr, "stopped after step {}; saved. The same command with --resume goes on\n",
               history.steps);
    return kStopped;
  }
  const Measured after = measure(trainer, *job.validation);
  Json record = {{"step", step},
                 {"how", described(job)},
                 {"before", before.to_json()},
                 {"after", after.to_json()}};
  std::optional<SmallerShapes> shapes;
  if (distils || !job.channel_groups.empty()) {
    shapes = compare_shapes(package.model, trainer.model(), job.channel_groups,
                            {.backend = options.backend,
                             .threads = options.threads,
                             .batch_size = options.time_batch_size});
    record["shapes"] = shapes->to_json();
  }
  const std::filesystem::path& origin = recipe.model.package;  // empty: a fresh student
  const std::string earlier = !distils         ? package.optimization
                              : origin.empty() ? ""
                                               : open_package(origin.string()).optimization;
  write_trained(trainer, job, with_step(earlier, record), options.gzip);
  const std::string model = RunPlaces(recipe.output).model.string();
  if (options.json) {
    Json json = record;
    json["model"] = model;
    fmt::print("{}\n", json_text(json));
    return kDone;
  }
  if (shapes) shapes->print(columns);
  print_table(before, after, columns);
  if (!shapes) fmt::print("inference computes with all weights as before: its speed is the same\n");
  fmt::print("model  {}\n", model);
  return kDone;
}

void add_fine_tune_options(CLI::App& verb, FineTuneOptions& options) {
  verb.add_option("--data", options.data,
                  "What to train on: a dataset's name, or a folder with one folder a class")
      ->required();
  verb.add_option("--validation", options.validation,
                  "What to compare on; else the test part of a named dataset, or --data itself");
  verb.add_option("--output", options.output, "Directory for the model, checkpoints and logs");
  verb.add_option("--epochs", options.epochs, "Epochs of training")->check(CLI::PositiveNumber);
  verb.add_option("--learning_rate", options.learning_rate, "Of adam")->check(CLI::PositiveNumber);
  verb.add_option("--batch_size", options.batch_size, "Images at once")->check(CLI::PositiveNumber);
  add_backend_option(verb, options.backend);
  verb.add_option("--threads", options.threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb.add_flag("--gzip", options.gzip, "Keep the package's weights gzipped");
  verb.add_flag("--resume", options.resume, "Go on from the newest checkpoint");
  verb.add_flag("--json", options.json, "Print the result as one JSON object");
  verb.add_flag("--quiet", options.quiet, "No progress");
}

void add_distillation_options(CLI::App& verb, DistillRecipe& distill) {
  verb.add_option("--temperature", distill.temperature,
                  "Above 1 what the teacher holds possible counts more")
      ->check(CLI::PositiveNumber);
  verb.add_option("--alpha", distill.alpha,
                  "Weight of the labels, from 0 (the teacher alone) to 1; Keras's "
                  "student_loss_weight")
      ->check(CLI::Range(0.0, 1.0));
}

}  // namespace brisk::cli
