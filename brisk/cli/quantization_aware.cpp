#include "brisk/cli/quantization_aware.h"

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/run_job.h"
#include "brisk/compress/fold_weights.h"

// Which layers are integers may have been measured, and a measurement comes out otherwise the next
// time: a training keeps its choice in a file, so that it can be resumed.

namespace brisk::cli {
namespace {

std::vector<std::string> range_rules() {
  const auto names = enum_names(RangeRule{});
  return {names.begin(), names.end()};
}

void keep(const std::filesystem::path& path, const FloatLayers& layers) {
  std::filesystem::create_directories(path.parent_path());
  write_file_atomically(path, json_text(Json(layers))).value();
}

FloatLayers kept(const std::filesystem::path& path) {
  const std::string text = read_file(path, 1 << 24).value();
  try {
    return parse_json(text, path.string()).value().get<FloatLayers>();
  } catch (const Json::exception& error) {
    refuse("{} cannot be read: {}", path.string(), error.what());
  }
}

}  // namespace

TrainedRanges train_with_roundings(const FineTuneOptions& training,
                                   const QuantizationAwareOptions& options,
                                   const QuantizeRecipe& quantize, const PackageJob& package,
                                   FloatLayers& layers) {
  require_new_run(training.output, options.resume);
  const std::filesystem::path choice = std::filesystem::path(training.output) / "float_layers.json";
  if (options.resume)
    layers = kept(choice);
  else
    keep(choice, layers);
  Recipe recipe = fine_tune_recipe(training, package);
  recipe.quantize = quantize;
  const std::set<std::string, std::less<>> names = names_of(layers);
  recipe.quantize.float_layers = {names.begin(), names.end()};
  if (options.clusters > 0)
    recipe.cluster = {.number_of_clusters = options.clusters,
                      .preserve_sparsity = options.preserve_sparsity};
  else if (options.preserve_sparsity)
    recipe.prune.name = "preserve_sparsity";
  const Job job = make_job(recipe);
  Trainer trainer(job.model, job.trainer);
  const History history = run_job(trainer, job, options.resume, options.quiet);
  TrainedRanges result{
      .stopped = history.stopped, .steps = history.steps, .how = job.quantization->describe()};
  if (job.trainer.pruning) result.how += "; " + job.trainer.pruning->describe();
  if (job.trainer.clustering) result.how += "; " + job.trainer.clustering->describe();
  const Model trained = trainer.model();
  result.folded = fold_weights(job.quantization->float_model(trained.weights));
  result.ranges = job.quantization->ranges(trained.weights);
  return result;
}

void add_quantization_aware_options(CLI::App& verb, QuantizationAwareOptions& options) {
  CLI::Option* epochs =
      verb.add_option("--epochs", options.epochs,
                      "Epochs of training with the roundings of the integers; 0: none")
          ->check(CLI::NonNegativeNumber);
  verb.add_option("--learning_rate", options.learning_rate, "Of adam")
      ->check(CLI::PositiveNumber)
      ->needs(epochs);
  verb.add_option("--ranges", options.ranges,
                  "How ranges go on while training: moving_average, learned or fixed")
      ->check(CLI::IsMember(range_rules()))
      ->needs(epochs);
  verb.add_flag("--preserve_sparsity", options.preserve_sparsity,
                "What is zero stays zero: for a pruned model")
      ->needs(epochs);
  verb.add_option("--clusters", options.clusters,
                  "Values in each tensor, which are trained: for a clustered model")
      ->check(CLI::Range(2, 64))
      ->needs(epochs);
  add_backend_option(verb, options.backend);
  verb.add_flag("--resume", options.resume, "Go on from the newest checkpoint")->needs(epochs);
  verb.add_flag("--quiet", options.quiet, "No progress");
}

}  // namespace brisk::cli
