#pragma once

/// Keras files: .keras (a zip archive of config.json, metadata.json and model.weights.h5), a
/// directory with the same members, and .h5 of Keras 2 and 3.
///
/// Nothing in a file is executed: Lambda and custom layers are named and refused.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/formats/hdf5/hdf5_file.h"
#include "brisk/nn/functional.h"
#include "brisk/nn/model.h"

namespace brisk {

struct KerasOptions {
  /// Sizes for axes that the file leaves open, by name "<input>_<axis>".
  Binding dimensions = {};
  bool weights = true;  ///< false: the model alone, its weights empty
};

/// A model as read, and how.
struct KerasModel {
  Model model;  ///< not defined where `unknown` is not empty
  FunctionalConfig config;
  std::vector<UnknownLayer> unknown;  ///< layers that brisk cannot build
  std::vector<std::string> notes;     ///< what was left out, in words
  std::string keras_version;
  std::string compile_config;  ///< JSON: optimizer, loss, metrics; empty when uncompiled
  /// Of the optimizer, in Keras's order: iteration, learning rate, slots of each trained weight.
  std::vector<Tensor> optimizer_variables;
};

/// Reads any of the files named above; fails with the path and what is wrong.
Result<KerasModel> read_keras(const std::filesystem::path& path, const KerasOptions& options = {});
/// Fills the weights of a model read before (or of the same layers) from "x.weights.h5" or, where
/// they are spread over several files, from "x.weights.json".
Status load_keras_weights(KerasModel& model, const std::filesystem::path& path);

}  // namespace brisk
