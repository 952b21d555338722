#pragma once

/// From a recipe to a model, datasets and a trainer.

#include "brisk/train/recipe.h"
#include "brisk/train/trainer.h"

namespace brisk {

struct Job {
  Recipe recipe;
  Model model;
  Dataset train;                      ///< batched, shuffled, augmented, normalised
  std::optional<Dataset> validation;  ///< batched, normalised
  TrainerOptions trainer;
  /// What the recipe's prune_channels took out of `model`; empty where it has none.
  std::vector<ChannelGroup> channel_groups = {};
  /// Of a training with quantization: `model` is its training model, `trainer` evaluates its
  /// integer model.
  QuantizationTrainingPtr quantization = nullptr;
};

/// Opens the data and builds what the recipe says; throws UserError when data and model do not fit.
Job make_job(const Recipe& recipe);

/// Images as a recipe prepares them for evaluation and prediction, batched.
Dataset open_images(const DataRecipe& data, const Recipe& recipe, bool training);

/// Training images as evaluation prepares them, in chance order: what ranges of integers are found
/// on. At least `samples` where there are so many; whole batches.
Dataset calibration_images(const DataRecipe& data, const Recipe& recipe, int64_t samples);

/// What is deployed of a trained job: the trained model, or the integer model of it.
Model deployed_model(const Job& job, const Model& trained);

/// Refused (UserError) where labels of `dataset` would not mean the model's outputs: more classes
/// than `model` has outputs, or, where both have names, other names than `class_names`.
void require_classes(const Dataset& dataset, const DataRecipe& data, const Model& model,
                     const std::vector<std::string>& class_names);

/// The recipe's preprocessing as the package keeps it (JSON), and back.
std::string preprocessing_text(const Recipe& recipe, const std::vector<int64_t>& input_sizes);
void apply_preprocessing(const std::string& text, Recipe& recipe);

}  // namespace brisk
