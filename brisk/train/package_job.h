#pragma once

/// What evaluate, predict and explain share: a package opened as a trainer, and images prepared as
/// the package says.

#include "brisk/train/job.h"

namespace brisk {

struct PackageJob {
  Recipe recipe;  ///< preprocessing from the package
  Model model;
  std::vector<int64_t> input_sizes;  ///< [height, width, channels] of the first input
  std::string optimization;          ///< what was done to the model so far; may be empty
};

PackageJob open_package(const std::string& path);

/// Where `data` is to be found, images of the model's size: a dataset's name, or a folder of class
/// folders.
DataRecipe data_recipe(const PackageJob& job, const std::string& data);

/// `data` is a dataset's name, or a folder of class folders; prepared for the model's input.
Dataset open_data(const PackageJob& job, const std::string& data);

/// A model by name from the zoo (freshly initialised) or a package by path. `steps`: of a model of
/// text from the zoo; 0: those that it is known by.
Model open_model(const std::string& name_or_path, int64_t steps = 0);

}  // namespace brisk
