#include <algorithm>
#include <limits>

#include "brisk/base/file.h"
#include "brisk/nn/metrics.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/runtime/backend.h"
#include "brisk/train/recipe.h"
#include "brisk/train/yaml_fields.h"

// A field is only offered where it means something (momentum to sgd, size where images are
// resized): what would be ignored is refused like a field that does not exist.

namespace brisk {
namespace {

using yaml::FieldReader;
using yaml::place;
using yaml::require_known;
using yaml::text_of;

constexpr int64_t kMaxRecipeBytes = 1 << 20;
constexpr double kLarge = 1e30, kBelowOne = 0.999999;

class RecipeReader {
 public:
  explicit RecipeReader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Recipe read(const YAML::Node& root) {
    Recipe recipe;
    FieldReader fields(root, "");
    if (const YAML::Node node = fields.find("model")) recipe.model = model(node);
    if (const YAML::Node node = fields.find("data")) {
      FieldReader data(node, "data");
      if (const YAML::Node train = data.find("train")) recipe.train = source(train, "data.train");
      if (const YAML::Node validation = data.find("validation"))
        recipe.validation = source(validation, "data.validation");
      data.finish();
    }
    if (const YAML::Node node = fields.find("augment")) recipe.augment = augment(node);
    fields.read("mean", recipe.mean, -kLarge, kLarge);
    fields.read("std", recipe.std, 1e-30, kLarge);
    fields.read("batch_size", recipe.batch_size, 1, 1 << 20);
    fields.read("shuffle", recipe.shuffle, 0);
    fields.read("epochs", recipe.epochs, 0, 1'000'000);
    fields.read("validation_freq", recipe.validation_freq, 1, 1'000'000);
    if (const YAML::Node node = fields.find("optimizer")) recipe.optimizer = optimizer(node);
    if (const YAML::Node node = fields.find("schedule")) recipe.schedule = schedule(node);
    if (const YAML::Node node = fields.find("prune_channels"))
      recipe.prune_channels = prune_channels(node);
    if (const YAML::Node node = fields.find("prune")) recipe.prune = prune(node);
    if (const YAML::Node node = fields.find("cluster")) {
      recipe.cluster = cluster(node);
      if (!recipe.prune.name.empty())
        refuse(
            "{}a training either prunes or clusters: cluster the pruned model afterwards, with "
            "preserve_sparsity",
            place(node));
    }
    if (const YAML::Node node = fields.find("distill")) recipe.distill = distill(node);
    read_loss(fields, recipe);
    read_enum(fields, "precision", recipe.precision);
    if (const YAML::Node node = fields.find("quantize")) {
      recipe.quantize = quantize(node);
      try {
        require_quantizable(recipe);
      } catch (const UserError& error) {
        refuse("{}{}", place(node), error.what());
      }
    }
    fields.read("accumulate", recipe.accumulate, 1, 1 << 16);
    if (recipe.batch_size % recipe.accumulate != 0)
      refuse("{}batch_size {} cannot be split into accumulate = {} equal parts",
             place(fields.find("accumulate")), recipe.batch_size, recipe.accumulate);
    auto seed = static_cast<int64_t>(recipe.seed);
    fields.read("seed", seed, 0, std::numeric_limits<int64_t>::max());
    recipe.seed = static_cast<uint64_t>(seed);
    fields.read("threads", recipe.threads, 0, 1024);
    fields.read("data_threads", recipe.data_threads, 0, 1024);
    if (const YAML::Node node = fields.find("backend")) {
      recipe.backend = text_of(node, "backend");
      require_known(node, "backend", recipe.backend, backend_names());
    }
    fields.read("deterministic", recipe.deterministic);
    const YAML::Node output = fields.find("output");
    recipe.output = output ? path(output, "output") : directory_ / recipe.output;
    fields.read("checkpoint_every_steps", recipe.checkpoint_every_steps, 0);
    fields.read("checkpoint_every_epochs", recipe.checkpoint_every_epochs, 1, 1'000'000);
    fields.read("disabled_passes", recipe.disabled_passes);
    fields.finish();
    require(!recipe.train.empty(),
            "{}the recipe names no training data: give data.train, for example fashion_mnist "
            "or {{image_folder: path, size: [64, 64]}}",
            place(root));
    return recipe;
  }

 private:
  std::filesystem::path path(const YAML::Node& node, const std::string& field) const {
    const std::filesystem::path given = text_of(node, field, "a path");
    require(!given.empty(), "{}{} is empty, but must be a path", place(node), field);
    return given.is_absolute() ? given : directory_ / given;
  }

  ModelRecipe model(const YAML::Node& node) const {
    ModelRecipe model;
    if (node.IsScalar()) {
      const std::string name = text_of(node, "model");
      if (name.find('/') == std::string::npos)
        model.name = name;
      else
        model.package = path(node, "model");
    } else {
      FieldReader fields(node, "model");
      if (const YAML::Node package = fields.find("package")) {
        model.package = path(package, "model.package");
      } else {
        fields.read("name", model.name);
        fields.read("classes", model.classes, 1, 1 << 24);
        fields.read("dropout", model.dropout, 0, 0.999);
        fields.read_size("resize", model.resize);
      }
      fields.finish();
    }
    if (model.package.empty()) require_known(node, "model", model.name, zoo::names());
    return model;
  }

  DataRecipe source(const YAML::Node& node, const std::string& name) const {
    const std::vector<std::string> known = {"fashion_mnist", "synthetic"};
    DataRecipe data;
    if (node.IsScalar()) {
      data.named = text_of(node, name);
      require_known(node, "dataset", data.named, known);
      return data;
    }
    FieldReader fields(node, name);
    const YAML::Node dataset = fields.find("name"), folder = fields.find("image_folder"),
                     idx = fields.find("idx");
    require(bool(dataset) + bool(folder) + bool(idx) == 1,
            "{}{} must have exactly one of name, image_folder and idx", place(node), name);
    if (dataset) {
      data.named = text_of(dataset, name + ".name");
      require_known(dataset, "dataset", data.named, known);
    } else if (folder) {
      data.image_folder = path(folder, name + ".image_folder");
    } else {
      FieldReader files(idx, name + ".idx");
      const YAML::Node images = files.find("images"), labels = files.find("labels");
      require(images && labels, "{}{}.idx needs images and labels", place(idx), name);
      data.idx_images = path(images, name + ".idx.images");
      data.idx_labels = path(labels, name + ".idx.labels");
      files.finish();
    }
    if (folder || data.named == "synthetic") {
      fields.read_size("size", data.size);
      fields.read("channels", data.channels, 1, 3);
    }
    fields.read("take", data.take, 0);
    fields.read("cache", data.cache);
    fields.finish();
    return data;
  }

  std::vector<AugmentRecipe> augment(const YAML::Node& node) const {
    const std::vector<std::string> known = {"random_flip_horizontal", "random_crop", "center_crop",
                                            "random_resized_crop", "resize"};
    require(node.IsSequence(), "{}augment must be a list", place(node));
    std::vector<AugmentRecipe> result;
    for (const YAML::Node& entry : node) {
      AugmentRecipe step;
      if (entry.IsScalar()) {
        step.name = text_of(entry, "augment");
        require_known(entry, "augmentation", step.name, known);
      } else {
        FieldReader fields(entry, "augment");
        fields.read("name", step.name);
        require_known(entry, "augmentation", step.name, known);
        if (step.name != "random_flip_horizontal") fields.read_size("size", step.size);
        if (step.name == "random_crop") fields.read("padding", step.padding, 0, 4096);
        fields.finish();
      }
      require(step.name == "random_flip_horizontal" || step.size.size() == 2,
              "{}{} needs size: [height, width]", place(entry), step.name);
      result.push_back(step);
    }
    return result;
  }

  OptimizerRecipe optimizer(const YAML::Node& node) const {
    const std::vector<std::string> known = {"sgd", "adam", "adamw", "muon"};
    OptimizerRecipe optimizer;
    if (node.IsScalar()) {
      optimizer.name = text_of(node, "optimizer");
      require_known(node, "optimizer", optimizer.name, known);
      return optimizer;
    }
    FieldReader fields(node, "optimizer");
    fields.read("name", optimizer.name);
    require_known(node, "optimizer", optimizer.name, known);
    fields.read("learning_rate", optimizer.learning_rate, 0, 1e6);
    fields.read("weight_decay", optimizer.weight_decay, 0, 1e6);
    fields.read("exclude_from_weight_decay", optimizer.exclude_from_weight_decay);
    fields.read("clipnorm", optimizer.clipnorm, 0, kLarge);
    fields.read("global_clipnorm", optimizer.global_clipnorm, 0, kLarge);
    fields.read("clipvalue", optimizer.clipvalue, 0, kLarge);
    if (optimizer.name == "sgd") {
      fields.read("momentum", optimizer.momentum, 0, 1);
      fields.read("nesterov", optimizer.nesterov);
    } else {
      if (optimizer.name == "muon") {
        fields.read("momentum", optimizer.momentum, 0, 0.999999999);
        fields.read("exclude_layers", optimizer.exclude_layers);
        fields.read("convolutions", optimizer.convolutions);
        fields.read("ns_bfloat16", optimizer.ns_bfloat16);
      }
      fields.read("beta_1", optimizer.beta_1, 0, 0.999999999);
      fields.read("beta_2", optimizer.beta_2, 0, 0.999999999);
      fields.read("epsilon", optimizer.epsilon, 0, 1);
    }
    fields.finish();
    require(
        (optimizer.clipnorm > 0) + (optimizer.global_clipnorm > 0) + (optimizer.clipvalue > 0) <= 1,
        "{}optimizer takes at most one of clipnorm, global_clipnorm and clipvalue", place(node));
    require(!optimizer.nesterov || optimizer.momentum > 0,
            "{}optimizer.nesterov needs a momentum above 0", place(node));
    return optimizer;
  }

  ScheduleRecipe schedule(const YAML::Node& node) const {
    const std::vector<std::string> known = {"constant", "cosine_decay", "one_cycle"};
    ScheduleRecipe schedule;
    if (node.IsScalar()) {
      schedule.name = text_of(node, "schedule");
      require_known(node, "schedule", schedule.name, known);
      return schedule;
    }
    FieldReader fields(node, "schedule");
    fields.read("name", schedule.name);
    require_known(node, "schedule", schedule.name, known);
    if (schedule.name == "cosine_decay") {
      fields.read("alpha", schedule.alpha, 0, 1);
      fields.read("warmup_steps", schedule.warmup_steps, 0);
    } else if (schedule.name == "one_cycle") {
      fields.read("pct_start", schedule.pct_start, 1e-6, 1 - 1e-6);
    }
    fields.finish();
    return schedule;
  }

  /// One of an enumeration's names.
  template <typename Enum>
  static void read_enum(FieldReader& fields, const std::string& field, Enum& value) {
    const YAML::Node node = fields.find(field);
    if (!node) return;
    const std::string text = text_of(node, fields.path(field));
    const auto names = enum_names(Enum{});
    require_known(node, fields.path(field), text,
                  std::vector<std::string>(names.begin(), names.end()));
    value = static_cast<Enum>(std::find(names.begin(), names.end(), text) - names.begin());
  }

  PruneRecipe prune(const YAML::Node& node) const {
    const std::vector<std::string> known = {"constant_sparsity", "polynomial_decay",
                                            "sparsity_m_by_n", "preserve_sparsity"};
    PruneRecipe prune{.name = "polynomial_decay"};
    if (node.IsScalar()) {
      prune.name = text_of(node, "prune");
      require_known(node, "pruning", prune.name, known);
      return prune;
    }
    FieldReader fields(node, "prune");
    fields.read("name", prune.name);
    require_known(node, "pruning", prune.name, known);
    fields.read("exclude_layers", prune.exclude_layers);
    if (prune.name != "preserve_sparsity") fields.read("begin_step", prune.begin_step, 0);
    if (prune.name == "sparsity_m_by_n") {
      fields.read_size("m_by_n", prune.m_by_n, "[zeros, weights]");
    } else if (prune.name != "preserve_sparsity") {
      if (prune.name == "constant_sparsity") {
        fields.read("target_sparsity", prune.target_sparsity, 0, kBelowOne);
      } else {
        fields.read("initial_sparsity", prune.initial_sparsity, 0, kBelowOne);
        fields.read("final_sparsity", prune.final_sparsity, 0, kBelowOne);
        fields.read("power", prune.power, 1e-3, 1e3);
      }
      fields.read("end_step", prune.end_step, -1);
      fields.read("frequency", prune.frequency, 1);
      read_enum(fields, "scope", prune.scope);
      read_enum(fields, "criterion", prune.criterion);
      fields.read_size("block_size", prune.block_size, "[rows, columns]");
      read_enum(fields, "block_pooling", prune.block_pooling);
    }
    fields.finish();
    return prune;
  }

  StructuredPruningOptions prune_channels(const YAML::Node& node) const {
    StructuredPruningOptions options;
    FieldReader fields(node, "prune_channels");
    fields.read("sparsity", options.sparsity, 0, kBelowOne);
    read_enum(fields, "importance", options.importance);
    read_enum(fields, "scope", options.scope);
    fields.read("min_channels", options.min_channels, 1, 1 << 20);
    fields.read("round_to", options.round_to, 1, 4096);
    fields.read("exclude_layers", options.exclude_layers);
    fields.finish();
    return options;
  }

  DistillRecipe distill(const YAML::Node& node) const {
    DistillRecipe distill;
    FieldReader fields(node, "distill");
    if (const YAML::Node teacher = fields.find("teacher"))
      distill.teacher = path(teacher, "distill.teacher");
    fields.read("temperature", distill.temperature, 1e-3, 1e3);
    fields.read("alpha", distill.alpha, 0, 1);
    fields.finish();
    require(!distill.teacher.empty(), "{}distill needs a teacher: the path of a model package",
            place(node));
    return distill;
  }

  ClusterRecipe cluster(const YAML::Node& node) const {
    ClusterRecipe cluster{.number_of_clusters = 16};
    FieldReader fields(node, "cluster");
    fields.read("preserve_sparsity", cluster.preserve_sparsity);
    fields.read("number_of_clusters", cluster.number_of_clusters, cluster.preserve_sparsity ? 3 : 2,
                64);
    read_enum(fields, "cluster_centroids_init", cluster.cluster_centroids_init);
    read_enum(fields, "cluster_gradient_aggregation", cluster.cluster_gradient_aggregation);
    fields.read("exclude_layers", cluster.exclude_layers);
    fields.finish();
    return cluster;
  }

  QuantizeRecipe quantize(const YAML::Node& node) const {
    QuantizeRecipe quantize{.enabled = true};
    FieldReader fields(node, "quantize");
    read_enum(fields, "ranges", quantize.ranges);
    if (quantize.ranges == RangeRule::moving_average)
      fields.read("ema_decay", quantize.ema_decay, 1e-6, kBelowOne);
    read_enum(fields, "method", quantize.method);
    fields.read("samples", quantize.samples, 1);
    fields.read("float_layers", quantize.float_layers);
    fields.finish();
    return quantize;
  }

  static void read_loss(FieldReader& fields, Recipe& recipe) {
    if (const YAML::Node node = fields.find("loss")) {
      recipe.loss = text_of(node, "loss");
      require_known(node, "loss", recipe.loss, loss_names());
    }
    fields.read("label_smoothing", recipe.label_smoothing, 0, 0.999);
    if (const YAML::Node node = fields.find("metrics")) {
      fields.read("metrics", recipe.metrics);
      for (const YAML::Node& entry : node) {
        try {
          require_metric(entry.Scalar());
        } catch (const UserError& error) {
          refuse("{}{}", place(entry), error.what());
        }
      }
    }
  }

  std::filesystem::path directory_;
};

}  // namespace

void require_quantizable(const Recipe& recipe) {
  require(!recipe.model.package.empty(),
          "quantize trains a trained model on: give model: {{package: path}}");
  require(
      recipe.precision != Precision::mixed_bfloat16 && recipe.precision != Precision::mixed_float16,
      "quantize does not go with precision {}, which has fewer digits than what is rounded: "
      "take float32 or tf32",
      enum_names(Precision{})[static_cast<size_t>(recipe.precision)]);
}

Result<Recipe> parse_recipe(const std::string& text, const std::string& what,
                            const std::filesystem::path& directory) {
  try {
    return RecipeReader(directory).read(yaml::parse(text));
  } catch (const UserError& error) {
    return fail("{}: {}", what, error.what());
  }
}

Result<Recipe> read_recipe(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, kMaxRecipeBytes);
  if (!text) return text.failure();
  return parse_recipe(*text, path.string(), path.parent_path());
}

}  // namespace brisk
