#include "brisk/optimize/open_job.h"

#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/data/program_inputs.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/optimize/weight_values.h"
#include "brisk/train/package_job.h"

namespace brisk {
namespace {

constexpr int64_t kFewestExamples = 32;  ///< that say anything about ranges

bool is_recipe(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

std::string in_words(const DataRecipe& data) {
  if (!data.named.empty()) return data.named;
  return data.image_folder.empty() ? data.idx_images.string() : data.image_folder.string();
}

OptimizeJob from_recipe(const OptimizeOptions& options) {
  require(options.data.empty() && options.validation.empty(),
          "{} says itself what data there is: leave --data and --validation out", options.model);
  OptimizeJob job;
  job.recipe = read_recipe(options.model).value();
  require(job.recipe.prune.name.empty() && job.recipe.cluster.number_of_clusters == 0 &&
              !job.recipe.quantize.enabled,
          "{} prunes, clusters or quantizes: an optimization tries that by itself, leave it out",
          options.model);
  job.trains = true;
  job.name =
      job.recipe.model.package.empty() ? job.recipe.model.name : job.recipe.model.package.string();
  job.about["recipe"] = to_hex(stable_hash(read_file(options.model, 1 << 24).value()));
  return job;
}

/// Images for a model that is no recipe's. One that takes no images goes without: it is measured on
/// made-up inputs.
void add_data(OptimizeJob& job, const PackageJob& package, const OptimizeOptions& options) {
  const bool takes_images = package.input_sizes.size() == 3;
  require(takes_images || (options.data.empty() && options.validation.empty()),
          "{} takes no images [height, width, channels], and there is no other data: leave --data "
          "and --validation out; size and speed are measured on made-up inputs",
          options.model);
  job.has_data = takes_images;
  if (!takes_images) {
    job.data = "made-up inputs";
    require_finite(package.model);
    job.accuracy_note =
        "The model takes no images: it is measured on made-up inputs, its accuracy is not judged, "
        "and what costs more of it than a rounding is not tried.";
    return;
  }
  require(!options.data.empty(), "give --data: what to find ranges and to train on");
  const auto source = [&](const std::string& data) {
    if (data != "synthetic") return data_recipe(package, data);
    return DataRecipe{.named = data,
                      .size = {package.input_sizes[0], package.input_sizes[1]},
                      .channels = package.input_sizes[2]};
  };
  job.recipe.train = source(options.data);
  const bool named = !job.recipe.train.named.empty();
  require(!options.validation.empty() || named,
          "give --validation: accuracy is judged on images that no step was trained on");
  job.recipe.validation = source(options.validation.empty() ? options.data : options.validation);
}

OptimizeJob from_package(const OptimizeOptions& options) {
  OptimizeJob job;
  const PackageJob package = open_package(options.model);
  job.recipe = package.recipe;
  job.recipe.model.package = options.model;
  job.optimization = package.optimization;
  job.name = package.model.name;
  add_data(job, package, options);
  job.preprocessing = preprocessing_text(package.recipe, package.input_sizes);
  StableHasher hash;
  for (const Tensor& weights : package.model.weights)
    hash.update(
        {reinterpret_cast<const char*>(weights.bytes()), static_cast<size_t>(weights.num_bytes())});
  job.about["weights"] = to_hex(hash.digest());
  return job;
}

/// The model of that name with untrained weights, as a package.
OptimizeJob from_zoo(const OptimizeOptions& options) {
  OptimizeJob job;
  PackageJob package;
  package.model = open_model(options.model);
  const Shape& shape =
      package.model.program.graph.input_type(package.model.program.state.size()).shape();
  for (int64_t axis = 1; axis < shape.rank(); ++axis)
    package.input_sizes.push_back(shape.size(axis));
  job.name = options.model;
  add_data(job, package, options);
  job.untrained = true;
  job.preprocessing = preprocessing_text(job.recipe, package.input_sizes);
  std::filesystem::create_directories(options.output);
  job.recipe.model.package = options.output / "start";
  write_package(job.recipe.model.package, {package.model.program,
                                           package.model.weights,
                                           package.model.name,
                                           package.model.class_names,
                                           job.preprocessing,
                                           {}})
      .value();
  job.accuracy_note = fmt::format(
      "The weights of '{}' are untrained: its size and speed do not depend on them, its accuracy "
      "is "
      "not judged, and steps that train on are done without training.",
      options.model);
  job.about["name"] = options.model;
  return job;
}

/// Images as the model takes them, and some of them: before any time is spent.
void require_fit(const Dataset& images, const DataRecipe& data, const Model& model) {
  require(images.cardinality() > 0, "{} has no examples", in_words(data));
  try {
    require_inputs(images, model.program, 1, model.name);
  } catch (const UserError& error) {
    refuse("{} does not fit: {}", in_words(data), error.what());
  }
}

/// Refused where there are too few examples, and where data and model do not fit each other.
void check_data(OptimizeJob& job) {
  const Recipe& recipe = job.recipe;
  const int64_t examples = count_examples(recipe.train, recipe);
  require(examples >= kFewestExamples, "{} has {} examples, but ranges of values need {} at least",
          in_words(recipe.train), examples, kFewestExamples);
  require(examples >= recipe.batch_size,
          "{} has {} examples, which is no full batch of {}: give a smaller --batch_size",
          in_words(recipe.train), examples, recipe.batch_size);
  job.data = in_words(recipe.train);
  job.validation = in_words(recipe.validation);
  const Job opened = make_job(recipe);
  require_finite(opened.model);
  require_fit(opened.train, recipe.train, opened.model);
  if (opened.validation) require_fit(*opened.validation, recipe.validation, opened.model);
  job.preprocessing = preprocessing_text(recipe, opened.train.components().at(0).sizes);
}

}  // namespace

OptimizeJob open_job(const OptimizeOptions& options) {
  std::error_code error;
  const bool is_directory = std::filesystem::is_directory(options.model, error);
  require(is_recipe(options.model) || !std::filesystem::is_regular_file(options.model, error),
          "{} is neither a recipe (.yaml) nor a model package: make it one by brisk import",
          options.model);
  OptimizeJob job = is_recipe(options.model) ? from_recipe(options)
                    : is_directory || options.model.find('/') != std::string::npos
                        ? from_package(options)
                        : from_zoo(options);
  Recipe& recipe = job.recipe;
  recipe.backend = options.backend;
  if (options.threads > 0) recipe.threads = options.threads;
  if (options.batch_size > 0) recipe.batch_size = options.batch_size;
  if (recipe.train.named == "synthetic" && job.accuracy_note.empty())
    job.accuracy_note = "Random images have no meaning: accuracy is not judged.";
  require(!recipe.validation.empty() || !job.accuracy_note.empty(),
          "{} names no data.validation: accuracy is judged on images that no step was trained on",
          options.model);
  if (job.has_data) check_data(job);
  job.about["data"] = job.data;
  job.about["validation"] = job.validation;
  job.about["batch_size"] = recipe.batch_size;
  job.about["target"] = enum_names(options.target)[static_cast<size_t>(options.target)];
  job.about["max_drop"] = options.max_drop;
  job.about["backend"] = options.backend;
  return job;
}

}  // namespace brisk
