#include <yaml-cpp/yaml.h>

#include <limits>

#include "brisk/base/edit_distance.h"
#include "brisk/base/file.h"
#include "brisk/train/recipe.h"

// The door to yaml-cpp. A FieldReader walks one mapping: each known field is offered once, and what
// is left over is unknown and refused with the nearest name.

namespace brisk {
namespace {

constexpr int64_t kMaxRecipeBytes = 1 << 20;

std::string place(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  if (mark.is_null()) return "";
  return fmt::format("line {}, column {}: ", mark.line + 1, mark.column + 1);
}

template <typename T>
T scalar(const YAML::Node& node, const std::string& field, std::string_view wanted) {
  if (node.IsScalar()) {
    try {
      return node.as<T>();
    } catch (const YAML::Exception&) {
    }
  }
  refuse("{}{} must be {}{}", place(node), field, wanted,
         node.IsScalar() ? fmt::format(", but is '{}'", node.Scalar().substr(0, 60)) : std::string());
}

class FieldReader {
 public:
  FieldReader(const YAML::Node& node, std::string name) : node_(node), name_(std::move(name)) {
    require(node.IsMap(), "{}{} must be a mapping of fields to values", place(node), name_);
  }

  /// The field's node, or an undefined one.
  YAML::Node find(const std::string& field) {
    known_.push_back(field);
    return node_[field];
  }
  void read(const std::string& field, std::string& value) {
    if (const YAML::Node node = find(field)) value = scalar<std::string>(node, path(field), "a text");
  }
  void read(const std::string& field, bool& value) {
    if (const YAML::Node node = find(field)) value = scalar<bool>(node, path(field), "true or false");
  }
  void read(const std::string& field, double& value, double least, double most) {
    const YAML::Node node = find(field);
    if (!node) return;
    value = scalar<double>(node, path(field), "a number");
    require(value >= least && value <= most, "{}{} is {}, but must be between {} and {}", place(node), path(field),
            value, least, most);
  }
  void read(const std::string& field, int64_t& value, int64_t least, int64_t most = int64_t{1} << 40) {
    const YAML::Node node = find(field);
    if (!node) return;
    value = scalar<int64_t>(node, path(field), "a whole number");
    require(value >= least && value <= most, "{}{} is {}, but must be between {} and {}", place(node), path(field),
            value, least, most);
  }
  void read(const std::string& field, std::vector<std::string>& value) {
    const YAML::Node node = find(field);
    if (!node) return;
    require(node.IsSequence(), "{}{} must be a list", place(node), path(field));
    value.clear();
    for (const YAML::Node& entry : node) value.push_back(scalar<std::string>(entry, path(field), "a list of texts"));
  }
  void read(const std::string& field, std::vector<double>& value) {
    const YAML::Node node = find(field);
    if (!node) return;
    value.clear();
    if (node.IsScalar()) return value.push_back(scalar<double>(node, path(field), "a number or a list of numbers"));
    require(node.IsSequence() && node.size() > 0, "{}{} must be a number or a list of numbers", place(node), path(field));
    for (const YAML::Node& entry : node) value.push_back(scalar<double>(entry, path(field), "a list of numbers"));
  }
  /// [height, width], both in [1, 16384].
  void read_size(const std::string& field, std::vector<int64_t>& value) {
    const YAML::Node node = find(field);
    if (!node) return;
    require(node.IsSequence() && node.size() == 2, "{}{} must be [height, width]", place(node), path(field));
    value.clear();
    for (const YAML::Node& entry : node) {
      value.push_back(scalar<int64_t>(entry, path(field), "[height, width]"));
      require(value.back() >= 1 && value.back() <= 16384, "{}{} is {}, but must be between 1 and 16384", place(entry),
              path(field), value.back());
    }
  }
  void finish() const {
    for (const auto& entry : node_) {
      const std::string field = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
      if (std::find(known_.begin(), known_.end(), field) == known_.end())
        refuse("{}{} has no field '{}'{}; it has: {}", place(entry.first), name_, field, did_you_mean(field, known_),
               fmt::join(known_, ", "));
    }
  }
  std::string path(const std::string& field) const { return name_ == "the recipe" ? field : name_ + "." + field; }

 private:
  YAML::Node node_;
  std::string name_;
  std::vector<std::string> known_;
};

class RecipeReader {
 public:
  explicit RecipeReader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Recipe read(const YAML::Node& root) {
    Recipe recipe;
    FieldReader fields(root, "the recipe");
    if (const YAML::Node node = fields.find("model")) recipe.model = model(node);
    if (const YAML::Node node = fields.find("data")) {
      FieldReader data(node, "data");
      if (const YAML::Node train = data.find("train")) recipe.train = source(train, "data.train");
      if (const YAML::Node validation = data.find("validation")) recipe.validation = source(validation, "data.validation");
      data.finish();
    }
    require(!recipe.train.empty(), "the recipe names no training data: give data.train, for example fashion_mnist "
                                   "or {{image_folder: path, size: [64, 64]}}");
    if (const YAML::Node node = fields.find("augment")) recipe.augment = augment(node);
    fields.read("mean", recipe.mean);
    fields.read("std", recipe.std);
    for (const double value : recipe.std) require(value > 0, "std is {}, but must be positive", value);
    fields.read("batch_size", recipe.batch_size, 1, 1 << 20);
    fields.read("shuffle", recipe.shuffle, 0);
    fields.read("epochs", recipe.epochs, 0, 1'000'000);
    if (const YAML::Node node = fields.find("optimizer")) recipe.optimizer = optimizer(node);
    if (const YAML::Node node = fields.find("schedule")) recipe.schedule = schedule(node);
    fields.read("loss", recipe.loss);
    fields.read("label_smoothing", recipe.label_smoothing, 0, 0.999);
    fields.read("metrics", recipe.metrics);
    if (const YAML::Node node = fields.find("precision")) recipe.precision = precision(node);
    fields.read("accumulate", recipe.accumulate, 1, 1 << 16);
    require(recipe.batch_size % recipe.accumulate == 0, "batch_size {} cannot be split into accumulate = {} equal parts",
            recipe.batch_size, recipe.accumulate);
    int64_t seed = 0;
    fields.read("seed", seed, 0, std::numeric_limits<int64_t>::max());
    recipe.seed = static_cast<uint64_t>(seed);
    fields.read("threads", recipe.threads, 0, 1024);
    fields.read("data_threads", recipe.data_threads, 0, 1024);
    fields.read("backend", recipe.backend);
    if (const YAML::Node node = fields.find("output")) recipe.output = path(node, "output");
    fields.read("checkpoint_every_steps", recipe.checkpoint_every_steps, 0);
    fields.read("disabled_passes", recipe.disabled_passes);
    fields.finish();
    return recipe;
  }

 private:
  std::filesystem::path path(const YAML::Node& node, const std::string& field) const {
    const std::filesystem::path given = scalar<std::string>(node, field, "a path");
    return given.is_absolute() ? given : directory_ / given;
  }

  ModelRecipe model(const YAML::Node& node) const {
    ModelRecipe model;
    if (node.IsScalar()) {
      const auto name = scalar<std::string>(node, "model", "a name or a path");
      if (name.find('/') == std::string::npos) model.name = name;
      else model.package = path(node, "model");
      return model;
    }
    FieldReader fields(node, "model");
    fields.read("name", model.name);
    fields.read("classes", model.classes, 1, 1 << 24);
    if (const YAML::Node package = fields.find("package")) model.package = path(package, "model.package");
    fields.finish();
    return model;
  }

  DataRecipe source(const YAML::Node& node, const std::string& name) const {
    DataRecipe data;
    if (node.IsScalar()) {
      data.named = scalar<std::string>(node, name, "a name");
    } else {
      FieldReader fields(node, name);
      fields.read("name", data.named);
      if (const YAML::Node folder = fields.find("image_folder")) data.image_folder = path(folder, name + ".image_folder");
      if (const YAML::Node idx = fields.find("idx")) {
        FieldReader files(idx, name + ".idx");
        if (const YAML::Node images = files.find("images")) data.idx_images = path(images, name + ".idx.images");
        if (const YAML::Node labels = files.find("labels")) data.idx_labels = path(labels, name + ".idx.labels");
        files.finish();
        require(!data.idx_images.empty() && !data.idx_labels.empty(), "{}{}.idx needs images and labels", place(idx), name);
      }
      fields.read_size("size", data.size);
      fields.read("channels", data.channels, 1, 3);
      fields.read("take", data.take, 0);
      fields.finish();
    }
    require(data.named.empty() || data.named == "fashion_mnist" || data.named == "synthetic",
            "{}there is no dataset '{}'; there are: fashion_mnist, synthetic", place(node), data.named);
    require(!data.empty(), "{}{} must name one of: a dataset, image_folder, idx", place(node), name);
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
        step.name = entry.Scalar();
      } else {
        FieldReader fields(entry, "augment");
        fields.read("name", step.name);
        fields.read_size("size", step.size);
        fields.read("padding", step.padding, 0, 4096);
        fields.finish();
      }
      if (std::find(known.begin(), known.end(), step.name) == known.end())
        refuse("{}there is no augmentation '{}'{}; there are: {}", place(entry), step.name,
               did_you_mean(step.name, known), fmt::join(known, ", "));
      require(step.name == "random_flip_horizontal" || step.size.size() == 2, "{}{} needs size: [height, width]",
              place(entry), step.name);
      result.push_back(step);
    }
    return result;
  }

  OptimizerRecipe optimizer(const YAML::Node& node) const {
    const std::vector<std::string> known = {"sgd", "adam", "adamw"};
    OptimizerRecipe optimizer;
    if (node.IsScalar()) {
      optimizer.name = node.Scalar();
    } else {
      FieldReader fields(node, "optimizer");
      fields.read("name", optimizer.name);
      fields.read("learning_rate", optimizer.learning_rate, 0, 1e6);
      fields.read("weight_decay", optimizer.weight_decay, 0, 1e6);
      fields.read("exclude_from_weight_decay", optimizer.exclude_from_weight_decay);
      fields.read("clipnorm", optimizer.clipnorm, 0, 1e30);
      fields.read("global_clipnorm", optimizer.global_clipnorm, 0, 1e30);
      fields.read("clipvalue", optimizer.clipvalue, 0, 1e30);
      if (optimizer.name == "sgd") {
        fields.read("momentum", optimizer.momentum, 0, 1);
        fields.read("nesterov", optimizer.nesterov);
      } else {
        fields.read("beta_1", optimizer.beta_1, 0, 0.999999999);
        fields.read("beta_2", optimizer.beta_2, 0, 0.999999999);
        fields.read("epsilon", optimizer.epsilon, 0, 1);
      }
      fields.finish();
    }
    if (std::find(known.begin(), known.end(), optimizer.name) == known.end())
      refuse("{}there is no optimizer '{}'{}; there are: {}", place(node), optimizer.name,
             did_you_mean(optimizer.name, known), fmt::join(known, ", "));
    return optimizer;
  }

  ScheduleRecipe schedule(const YAML::Node& node) const {
    const std::vector<std::string> known = {"constant", "cosine_decay", "one_cycle"};
    ScheduleRecipe schedule;
    if (node.IsScalar()) {
      schedule.name = node.Scalar();
    } else {
      FieldReader fields(node, "schedule");
      fields.read("name", schedule.name);
      if (schedule.name == "cosine_decay") {
        fields.read("alpha", schedule.alpha, 0, 1);
        fields.read("warmup_steps", schedule.warmup_steps, 0);
      } else if (schedule.name == "one_cycle") {
        fields.read("pct_start", schedule.pct_start, 1e-6, 1 - 1e-6);
      }
      fields.finish();
    }
    if (std::find(known.begin(), known.end(), schedule.name) == known.end())
      refuse("{}there is no schedule '{}'{}; there are: {}", place(node), schedule.name,
             did_you_mean(schedule.name, known), fmt::join(known, ", "));
    return schedule;
  }

  Precision precision(const YAML::Node& node) const {
    const auto text = scalar<std::string>(node, "precision", "a name");
    const auto names = enum_names(Precision{});
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) refuse("{}there is no precision '{}'; there are: {}", place(node), text, fmt::join(names, ", "));
    return static_cast<Precision>(found - names.begin());
  }

  std::filesystem::path directory_;
};

}  // namespace

Result<Recipe> parse_recipe(const std::string& text, const std::string& what, const std::filesystem::path& directory) {
  // Aliases can make a small text stand for a huge tree; recipes have no use for them.
  if (text.find_first_of("&*") != std::string::npos)
    return fail("{}: YAML anchors and aliases ('&', '*') are not allowed in a recipe", what);
  int depth = 0, deepest = 0;
  for (const char c : text) {
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    deepest = std::max(deepest, depth);
  }
  if (deepest > 50) return fail("{}: brackets are nested {} deep; 50 is the limit", what, deepest);
  try {
    return RecipeReader(directory).read(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return fail("{}: line {}, column {}: {}", what, error.mark.line + 1, error.mark.column + 1, error.msg);
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
