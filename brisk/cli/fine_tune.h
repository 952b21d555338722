#pragma once

/// What the verbs share that train a packaged model on while it is made smaller, or another one in
/// its place, and compare them.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "brisk/train/package_job.h"

namespace brisk::cli {

struct FineTuneOptions {
  std::string model, data, validation, output, backend = "cpu";
  /// A package that the result is compared with, and whose preprocessing counts; empty: `model`.
  std::string teacher;
  double learning_rate = 1e-3;
  int64_t epochs = 2, batch_size = 128, threads = 0;
  int64_t time_batch_size = 16;  ///< where the shapes are others
  bool gzip = false, resume = false, json = false, quiet = false;
};

/// All but the models.
void add_fine_tune_options(CLI::App& verb, FineTuneOptions& options);

/// --temperature and --alpha, of a verb that has a teacher.
void add_distillation_options(CLI::App& verb, DistillRecipe& distill);

/// The recipe that trains `package` on.
Recipe fine_tune_recipe(const FineTuneOptions& options, const PackageJob& package);

/// Trains what `configure` makes of the recipe, prints the comparison and writes the package;
/// `step` is its name in the package's record. Returns the exit code.
int fine_tune(const FineTuneOptions& options, const std::string& step,
              const std::function<void(Recipe&)>& configure);

}  // namespace brisk::cli
