#pragma once

/// A recipe: a training job as a YAML file. Every field is checked; an unknown one is refused with
/// the nearest known name, line and column.
///
///     model: small_cnn              # or {name: resnet18, classes: 10}, or the path of a package
///     data:
///       train: fashion_mnist        # or {image_folder: photos/train, size: [64, 64]}
///       validation: fashion_mnist   # or {idx: {images: ..., labels: ...}}
///     batch_size: 128
///     epochs: 5
///     optimizer: {name: adam, learning_rate: 0.001}
///     output: runs/first

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/compress/clustering.h"
#include "brisk/compress/pruning.h"
#include "brisk/compress/quantization_training.h"
#include "brisk/compress/structured_pruning.h"
#include "brisk/nn/losses.h"
#include "brisk/train/step.h"

namespace brisk {

/// Where examples come from: one of the four.
struct DataRecipe {
  std::string named;  ///< "fashion_mnist", "synthetic"
  std::filesystem::path image_folder;
  std::filesystem::path idx_images, idx_labels;
  std::vector<int64_t> size = {};  ///< [height, width] of images from a folder
  int64_t channels = 3;
  int64_t take = 0;    ///< only so many examples; 0: all
  bool cache = false;  ///< decoded images stay in memory
  bool empty() const { return named.empty() && image_folder.empty() && idx_images.empty(); }
  friend bool operator==(const DataRecipe&, const DataRecipe&) = default;
};

/// One step of preprocessing: an ImageMap by name and its numbers.
struct AugmentRecipe {
  std::string name;                ///< "random_flip_horizontal", "random_crop", ...
  std::vector<int64_t> size = {};  ///< [height, width] of crops
  int64_t padding = 0;
  friend bool operator==(const AugmentRecipe&, const AugmentRecipe&) = default;
};

struct ModelRecipe {
  std::string name = "small_cnn";    ///< of the zoo
  std::filesystem::path package;     ///< instead: a model package to go on with
  int64_t classes = 0;               ///< 0: as many as the data has
  double dropout = -1;               ///< rate; negative: the architecture's own
  std::vector<int64_t> resize = {};  ///< [height, width] that images become within the model
  friend bool operator==(const ModelRecipe&, const ModelRecipe&) = default;
};

struct OptimizerRecipe {
  std::string name = "adam";
  double learning_rate = -1;  ///< negative: the optimizer's default
  double momentum = -1;       ///< negative: the optimizer's default
  bool nesterov = false;
  std::vector<std::string> exclude_layers = {};  ///< muon: parts of parameters' names
  bool convolutions = false;                     ///< muon: their kernels, too, as matrices
  bool ns_bfloat16 = false;                      ///< muon: orthogonalises in bf16
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  double weight_decay = -1;                                 ///< negative: the optimizer's default
  std::vector<std::string> exclude_from_weight_decay = {};  ///< parts of parameters' names
  double clipnorm = 0, global_clipnorm = 0, clipvalue = 0;
  friend bool operator==(const OptimizerRecipe&, const OptimizerRecipe&) = default;
};

struct ScheduleRecipe {
  std::string name = "constant";  ///< "cosine_decay", "one_cycle"
  double alpha = 0;
  int64_t warmup_steps = 0;
  double pct_start = 0.3;
  friend bool operator==(const ScheduleRecipe&, const ScheduleRecipe&) = default;
};

/// Pruning while training; brisk/compress/pruning.h says what the fields mean.
struct PruneRecipe {
  /// "constant_sparsity", "polynomial_decay", "sparsity_m_by_n", "preserve_sparsity"; empty:
  /// nothing is pruned.
  std::string name;
  double target_sparsity = 0.5;                         ///< constant_sparsity
  double initial_sparsity = 0.5, final_sparsity = 0.8;  ///< polynomial_decay
  double power = 3;                                     ///< polynomial_decay
  int64_t begin_step = 0;
  int64_t end_step = -1;  ///< -1: for a decay in the third quarter of the training, else none
  int64_t frequency = 100;
  PruningScope scope = PruningScope::tensor;
  PruningCriterion criterion = PruningCriterion::magnitude;
  std::vector<int64_t> block_size = {1, 1};
  BlockPooling block_pooling = BlockPooling::average;
  std::vector<int64_t> m_by_n = {2, 4};  ///< two zeros in each four
  std::vector<std::string> exclude_layers = {};
  friend bool operator==(const PruneRecipe&, const PruneRecipe&) = default;
};

/// Clustering while training; brisk/compress/clustering.h says what the fields mean.
struct ClusterRecipe {
  int64_t number_of_clusters = 0;  ///< 0: nothing is clustered
  CentroidInitialization cluster_centroids_init = CentroidInitialization::kmeans_plus_plus;
  GradientAggregation cluster_gradient_aggregation = GradientAggregation::sum;
  bool preserve_sparsity = false;
  std::vector<std::string> exclude_layers = {};
  friend bool operator==(const ClusterRecipe&, const ClusterRecipe&) = default;
};

/// A training that follows a teacher; brisk/compress/distillation.h says what the fields mean.
struct DistillRecipe {
  std::filesystem::path teacher;  ///< a model package; empty: there is no teacher
  double temperature = 3, alpha = 0.1;
  friend bool operator==(const DistillRecipe&, const DistillRecipe&) = default;
};

/// Training with the roundings of 8-bit integers; brisk/compress/quantization_training.h says what
/// the fields mean.
struct QuantizeRecipe {
  bool enabled = false;
  RangeRule ranges = RangeRule::moving_average;
  double ema_decay = 0.999;
  CalibrationMethod method = CalibrationMethod::mse;  ///< of the first ranges
  int64_t samples = 512;                              ///< images that these are found on
  std::vector<std::string> float_layers = {};
  friend bool operator==(const QuantizeRecipe&, const QuantizeRecipe&) = default;
};

struct Recipe {
  ModelRecipe model;
  DataRecipe train, validation;
  std::vector<AugmentRecipe> augment;           ///< of the training images, before normalising
  std::vector<double> mean = {0}, std = {255};  ///< features = (image - mean) / std, by channel
  int64_t batch_size = 128;
  int64_t shuffle = -1;  ///< buffer; negative: all examples
  int64_t epochs = 5;
  int64_t validation_freq = 1;  ///< epochs from one validation to the next
  OptimizerRecipe optimizer;
  ScheduleRecipe schedule;
  /// Channels that leave the package's model before it is trained; empty: none.
  std::optional<StructuredPruningOptions> prune_channels;
  PruneRecipe prune;
  ClusterRecipe cluster;    ///< not together with `prune`
  QuantizeRecipe quantize;  ///< of a package
  DistillRecipe distill;
  std::string loss = "sparse_categorical_crossentropy";
  double label_smoothing = 0;
  std::vector<std::string> metrics = {"accuracy"};
  Precision precision = Precision::float32;
  int64_t accumulate = 1;
  uint64_t seed = 0;
  int64_t threads = 0;       ///< of computation; 0: all cores
  int64_t data_threads = 0;  ///< of the input pipeline; 0: chosen
  std::string backend = "cpu";
  bool deterministic = false;  ///< the same bits in every run on a GPU, too
  std::filesystem::path output = "runs/brisk";
  int64_t checkpoint_every_steps = 0;   ///< besides at the end of epochs; 0: only there
  int64_t checkpoint_every_epochs = 1;  ///< and at the end of the last one
  std::vector<std::string> disabled_passes;
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// Refused where `recipe` cannot be trained with quantization.
void require_quantizable(const Recipe& recipe);

/// Relative paths count from `directory`.
Result<Recipe> parse_recipe(const std::string& text, const std::string& what,
                            const std::filesystem::path& directory);
Result<Recipe> read_recipe(const std::filesystem::path& path);

}  // namespace brisk
