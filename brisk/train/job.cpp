#include "brisk/train/job.h"

#include <algorithm>

#include "brisk/base/edit_distance.h"
#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/data/augment.h"
#include "brisk/data/idx.h"
#include "brisk/data/image_folder.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk {
namespace {

constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";

std::vector<std::string> fashion_mnist_names() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

Dataset open_source(const DataRecipe& data, bool training) {
  if (data.named == "fashion_mnist") {
    require(std::filesystem::exists(kFashionMnist),
            "{} is not there: install Debian's package dataset-fashion-mnist (apt-get install "
            "dataset-fashion-mnist)",
            kFashionMnist);
    return idx_images(kFashionMnist, training ? "train" : "test", fashion_mnist_names());
  }
  if (data.named == "synthetic") {
    const int64_t height = data.size.empty() ? 224 : data.size[0],
                  width = data.size.empty() ? 224 : data.size[1];
    return Dataset::from(
        synthetic_source({.height = height, .width = width, .channels = data.channels}));
  }
  if (!data.idx_images.empty()) return Dataset::from(idx_source(data.idx_images, data.idx_labels));
  std::error_code error;
  require(std::filesystem::exists(data.image_folder, error), "there is no folder '{}' of {} images",
          data.image_folder.string(), training ? "training" : "validation");
  ImageFolderOptions options;
  options.channels = data.channels;
  if (!data.size.empty()) options.height = data.size[0], options.width = data.size[1];
  return image_folder(data.image_folder, options);
}

ImageMap augmentation(const AugmentRecipe& step) {
  if (step.name == "random_flip_horizontal") return random_flip_horizontal();
  if (step.name == "random_crop") return random_crop(step.size[0], step.size[1], step.padding);
  if (step.name == "center_crop") return center_crop(step.size[0], step.size[1]);
  if (step.name == "random_resized_crop") return random_resized_crop(step.size[0], step.size[1]);
  return resize(step.size[0], step.size[1]);
}

/// What evaluation does in place of a random crop: the middle of the same size.
std::optional<ImageMap> for_evaluation(const AugmentRecipe& step) {
  if (step.name == "random_flip_horizontal") return std::nullopt;
  if (step.name == "random_crop" || step.name == "center_crop")
    return center_crop(step.size[0], step.size[1]);
  return resize(step.size[0], step.size[1]);
}

std::vector<float> floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

int64_t count_classes(const Dataset& dataset) {
  return static_cast<int64_t>(dataset.class_names().size());
}

OptimizerPtr make_optimizer(const OptimizerRecipe& r) {
  const auto with_shared_fields = [&](auto options) {
    options.exclude_from_weight_decay = r.exclude_from_weight_decay;
    options.clipnorm = r.clipnorm;
    options.global_clipnorm = r.global_clipnorm;
    options.clipvalue = r.clipvalue;
    if (r.learning_rate >= 0) options.learning_rate = r.learning_rate;
    if (r.weight_decay >= 0) options.weight_decay = r.weight_decay;
    return options;
  };
  if (r.name == "sgd")
    return sgd(with_shared_fields(
        SgdOptions{.momentum = std::max(0.0, r.momentum), .nesterov = r.nesterov}));
  if (r.name == "muon") {
    MuonOptions options = with_shared_fields(MuonOptions{.adam_beta_1 = r.beta_1,
                                                         .adam_beta_2 = r.beta_2,
                                                         .epsilon = r.epsilon,
                                                         .exclude_layers = r.exclude_layers,
                                                         .convolutions = r.convolutions,
                                                         .ns_bfloat16 = r.ns_bfloat16});
    if (r.weight_decay >= 0) options.adam_weight_decay = r.weight_decay;
    if (r.momentum >= 0) options.momentum = r.momentum;
    return muon(options);
  }
  const AdamOptions options =
      with_shared_fields(AdamOptions{.beta_1 = r.beta_1,
                                     .beta_2 = r.beta_2,
                                     .epsilon = r.epsilon,
                                     .weight_decay = r.name == "adamw" ? 0.004 : 0});
  return r.name == "adamw" ? adamw(options) : adam(options);
}

Schedule make_schedule(const ScheduleRecipe& r, double learning_rate, int64_t steps) {
  if (r.name == "cosine_decay") {
    if (r.warmup_steps == 0)
      return cosine_decay(learning_rate, std::max<int64_t>(1, steps), {.alpha = r.alpha});
    return cosine_decay(
        0, std::max<int64_t>(1, steps - r.warmup_steps),
        {.alpha = r.alpha, .warmup_target = learning_rate, .warmup_steps = r.warmup_steps});
  }
  if (r.name == "one_cycle")
    return one_cycle(learning_rate, std::max<int64_t>(1, steps), {.pct_start = r.pct_start});
  return {};
}

/// The last choice of a decay without an end: in the third quarter of the training, so that the
/// rest is trained with the final masks.
int64_t default_decay_end(const PruneRecipe& r, int64_t steps) {
  const int64_t choices = (steps * 3 / 4 - r.begin_step) / r.frequency;
  require(choices > 0,
          "a training of {} steps is too short for sparsity to rise from step {} on at each {}th "
          "step: give prune a smaller frequency, or the training more epochs",
          steps, r.begin_step, r.frequency);
  return r.begin_step + choices * r.frequency;
}

/// A recipe's pruning in a training of `steps`.
PruningPtr make_pruning(const PruneRecipe& r, const Model& model, int64_t steps) {
  if (r.name.empty()) return nullptr;
  PruningOptions options{.criterion = r.criterion,
                         .scope = r.scope,
                         .block = {r.block_size[0], r.block_size[1], r.block_pooling},
                         .exclude_layers = r.exclude_layers};
  if (r.name == "preserve_sparsity") {
    options.preserve_sparsity = true;
  } else if (r.name == "sparsity_m_by_n") {
    options.group_zeros = r.m_by_n[0], options.group_size = r.m_by_n[1];
    options.schedule = constant_sparsity(0, r.begin_step);
  } else if (r.name == "constant_sparsity") {
    options.schedule = constant_sparsity(r.target_sparsity, r.begin_step,
                                         {.end_step = r.end_step, .frequency = r.frequency});
  } else {
    options.schedule = polynomial_decay(r.initial_sparsity, r.final_sparsity, r.begin_step,
                                        r.end_step < 0 ? default_decay_end(r, steps) : r.end_step,
                                        {.power = r.power, .frequency = r.frequency});
  }
  return std::make_shared<const Pruning>(model, std::move(options));
}

/// The recipe's teacher, held against the student.
DistillationPtr make_distillation(const Recipe& recipe, const Model& student) {
  const DistillRecipe& r = recipe.distill;
  const Package package = read_package(r.teacher).value();
  auto distillation = std::make_shared<const Distillation>(
      Model{package.name, package.program, package.weights, package.class_names},
      DistillationOptions{.temperature = r.temperature, .alpha = r.alpha});
  distillation->require_fits(student);
  require(package.class_names.empty() || student.class_names.empty() ||
              package.class_names == student.class_names,
          "the teacher in {} knows the classes {}, but the student is to learn {}",
          r.teacher.string(), fmt::join(package.class_names, ", "),
          fmt::join(student.class_names, ", "));
  Recipe theirs;
  apply_preprocessing(package.preprocessing, theirs);
  require(package.preprocessing.empty() || (theirs.mean == recipe.mean && theirs.std == recipe.std),
          "the teacher in {} takes images with mean {} and std {}, but this training makes them "
          "with mean {} and std {}: both see the same ones",
          r.teacher.string(), fmt::join(theirs.mean, " "), fmt::join(theirs.std, " "),
          fmt::join(recipe.mean, " "), fmt::join(recipe.std, " "));
  return distillation;
}

/// A recipe's quantization of `model`, from ranges of it as it is.
QuantizationTrainingPtr make_quantization(const Recipe& recipe, const Model& model) {
  const QuantizeRecipe& r = recipe.quantize;
  if (!r.enabled) return nullptr;
  require_quantizable(recipe);
  const ValueRanges ranges =
      calibrate_model(fold_weights(model), calibration_images(recipe.train, recipe, r.samples),
                      {.method = r.method, .threads = static_cast<int>(recipe.threads)});
  return std::make_shared<const QuantizationTraining>(
      model, ranges,
      QuantizationTrainingOptions{.ranges = r.ranges,
                                  .ema_decay = r.ema_decay,
                                  .float_layers = {r.float_layers.begin(), r.float_layers.end()}});
}

/// What decides the course of a training and is not in its compiled step. Where the data lies is
/// left out, so that a run can move; so is the number of epochs where no schedule depends on it, so
/// that a finished run can go on.
std::string fingerprint(const Recipe& recipe, const Dataset& train) {
  Json augment = Json::array();
  for (const AugmentRecipe& step : recipe.augment)
    augment.push_back({step.name, step.size, step.padding});
  const ScheduleRecipe& schedule = recipe.schedule;
  const bool constant = schedule.name == "constant";
  Json json = {recipe.train.named,
               train.class_names(),
               train.cardinality(),
               augment,
               recipe.mean,
               recipe.std,
               recipe.shuffle,
               recipe.optimizer.learning_rate,
               schedule.name,
               schedule.alpha,
               schedule.warmup_steps,
               schedule.pct_start,
               constant ? 0 : recipe.epochs};
  if (recipe.prune_channels) json.push_back(describe(*recipe.prune_channels));
  return to_hex(stable_hash(json_text(json)));
}

Model make_model(const Recipe& recipe, const Dataset& train) {
  if (!recipe.model.package.empty()) {
    Package package = read_package(recipe.model.package).value();
    // The weights go on with this data, so its names are what the outputs mean from now on.
    return {package.name, package.program, package.weights,
            train.class_names().empty() ? package.class_names : train.class_names()};
  }
  const int64_t classes =
      recipe.model.classes > 0 ? recipe.model.classes : std::max<int64_t>(count_classes(train), 0);
  require(classes > 0,
          "the data does not tell the number of classes: give model: {{name: {}, classes: n}}",
          recipe.model.name);
  Model model = zoo::by_name(recipe.model.name, train.components().at(0).sizes, classes,
                             recipe.model.dropout, recipe.model.resize);
  model.class_names = train.class_names();
  return model;
}

}  // namespace

Dataset open_images(const DataRecipe& data, const Recipe& recipe, bool training) {
  Dataset dataset = open_source(data, training);
  if (data.take > 0) dataset = dataset.take(data.take);
  if (data.cache) dataset = dataset.cache();
  if (training)
    dataset = dataset.shuffle(recipe.shuffle < 0 ? std::max<int64_t>(1, dataset.cardinality())
                                                 : std::max<int64_t>(1, recipe.shuffle));
  std::vector<ImageMap> maps;
  for (const AugmentRecipe& step : recipe.augment) {
    if (training)
      maps.push_back(augmentation(step));
    else if (auto map = for_evaluation(step))
      maps.push_back(*map);
  }
  const int64_t channels = dataset.components().at(0).sizes.back();
  for (const auto& [name, numbers] : {std::pair("mean", &recipe.mean), {"std", &recipe.std}})
    require(numbers->size() == 1 || static_cast<int64_t>(numbers->size()) == channels,
            "{} has {} numbers, but the images have {} channel{}: give one number, or one for each",
            name, numbers->size(), channels, channels == 1 ? "" : "s");
  maps.push_back(normalize(floats(recipe.mean), floats(recipe.std)));
  return dataset.map(compose(maps)).batch(recipe.batch_size).prefetch();
}

Dataset calibration_images(const DataRecipe& data, const Recipe& recipe, int64_t samples) {
  Recipe plain = recipe;
  plain.augment.clear();
  for (AugmentRecipe step : recipe.augment) {
    if (step.name == "random_flip_horizontal") continue;
    if (step.name == "random_crop") step.name = "center_crop";
    if (step.name == "random_resized_crop") step.name = "resize";
    plain.augment.push_back(step);
  }
  const int64_t batches = (samples + recipe.batch_size - 1) / recipe.batch_size;
  return open_images(data, plain, true).take(batches);
}

Model deployed_model(const Job& job, const Model& trained) {
  return job.quantization ? job.quantization->deployed(trained.weights).model : trained;
}

void require_classes(const Dataset& dataset, const DataRecipe& data, const Model& model,
                     const std::vector<std::string>& class_names) {
  const std::vector<std::string> found = dataset.class_names();
  if (found.empty()) return;
  const std::string what = !data.named.empty() ? data.named : data.image_folder.string();
  const Shape& logits = model.program.graph.output_type(0).shape();
  const int64_t outputs = logits.size(logits.rank() - 1);
  require(count_classes(dataset) <= outputs, "{} has {} classes, but model '{}' has {} outputs",
          what, count_classes(dataset), model.name, outputs);
  if (class_names.empty() || found == class_names) return;
  const auto first_not_in = [](const std::vector<std::string>& names,
                               const std::vector<std::string>& others) {
    return std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(others.begin(), others.end(), name) == others.end();
    });
  };
  if (const auto strange = first_not_in(found, class_names); strange != found.end())
    refuse("{} has the class '{}', which is none of the model's{}; these are: {}", what, *strange,
           did_you_mean(*strange, class_names), fmt::join(class_names, ", "));
  if (const auto missing = first_not_in(class_names, found); missing != class_names.end())
    refuse(
        "{} lacks the class '{}', so its labels would count otherwise than the model's; an empty "
        "folder of that name will do",
        what, *missing);
  refuse("{} has the model's classes in another order: {}", what, fmt::join(found, ", "));
}

Job make_job(const Recipe& recipe) {
  Dataset train = open_images(recipe.train, recipe, true);
  Job job{recipe, make_model(recipe, train), train, std::nullopt, {}};
  require_classes(train, recipe.train, job.model, {});
  if (recipe.prune_channels) {
    StructuredPruning pruned = prune_channels(job.model, *recipe.prune_channels);
    job.model = std::move(pruned.smaller.model);
    job.channel_groups = std::move(pruned.groups);
  }
  if (!recipe.validation.empty()) {
    job.validation = open_images(recipe.validation, recipe, false);
    require_classes(*job.validation, recipe.validation, job.model, train.class_names());
  }
  const int64_t steps = recipe.epochs * (train.cardinality() - (train.has_short_batch() ? 1 : 0));
  TrainerOptions& options = job.trainer;
  options.optimizer = make_optimizer(recipe.optimizer);
  options.schedule = make_schedule(recipe.schedule, options.optimizer->learning_rate, steps);
  options.pruning = make_pruning(recipe.prune, job.model, steps);
  if (const ClusterRecipe& r = recipe.cluster; r.number_of_clusters > 0)
    options.clustering = std::make_shared<const Clustering>(
        job.model, ClusteringOptions{.number_of_clusters = r.number_of_clusters,
                                     .initialization = r.cluster_centroids_init,
                                     .aggregation = r.cluster_gradient_aggregation,
                                     .preserve_sparsity = r.preserve_sparsity,
                                     .exclude_layers = r.exclude_layers});
  if (!recipe.distill.teacher.empty()) options.distillation = make_distillation(recipe, job.model);
  options.loss = {.name = recipe.loss, .label_smoothing = recipe.label_smoothing};
  options.metrics = recipe.metrics;
  options.precision = recipe.precision;
  options.accumulate = recipe.accumulate;
  options.seed = recipe.seed;
  options.fingerprint = fingerprint(recipe, train);
  if (const QuantizationTrainingPtr quantization = make_quantization(recipe, job.model)) {
    job.quantization = quantization;
    job.model = quantization->training_model();
    options.deployed = [quantization](const Model& trained) {
      return quantization->deployed(trained.weights).model;
    };
    options.fingerprint += "-" + to_hex(stable_hash(quantization->describe()));
  }
  options.backend = recipe.backend;
  if (recipe.deterministic) options.compile.determinism = Determinism::full;
  options.compile.threads = static_cast<int>(recipe.threads);
  options.data_threads = static_cast<int>(recipe.data_threads);
  for (const std::string& pass : recipe.disabled_passes)
    options.compile.disabled_passes.insert(pass);
  return job;
}

std::string preprocessing_text(const Recipe& recipe, const std::vector<int64_t>& input_sizes) {
  Json json = {{"mean", recipe.mean}, {"std", recipe.std}, {"size", input_sizes}};
  return json_text(json);
}

void apply_preprocessing(const std::string& text, Recipe& recipe) {
  if (text.empty()) return;
  const Json json = parse_json(text, "the package's preprocessing").value();
  try {
    recipe.mean = json.at("mean").get<std::vector<double>>();
    recipe.std = json.at("std").get<std::vector<double>>();
  } catch (const Json::exception& error) {
    refuse("the package's preprocessing cannot be read: {}", error.what());
  }
}

}  // namespace brisk
