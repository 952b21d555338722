#pragma once

/// A model: a program in the phase "model" and its weights. Its graph is the forward pass; layers
/// are "call" nodes (kind, name, Keras configuration), so that a model can be shown by layer.
/// Ops that behave otherwise in training (batch_norm, dropout) carry `training` = false here;
/// `for_training` flips them and keeps the updates of their state.

#include <string>
#include <vector>

#include "brisk/ir/program.h"

namespace brisk {

struct Model {
  std::string name;
  /// State: parameters, statistics, random keys. Batch inputs: the features, first extent "batch".
  /// Results: the outputs. Updates: new statistics and keys.
  Program program;
  /// One per state entry; empty until initialised or loaded.
  std::vector<Tensor> weights;
  /// Names of the classes, in order of label; may be empty.
  std::vector<std::string> class_names;

  /// Fills `weights` with initial_weights.
  void initialize(uint64_t seed = 0);
  /// Number of trained values.
  int64_t num_parameters() const;
};

/// A value for each state entry from its initializer; entry i draws from fold_key(seed, i).
std::vector<Tensor> initial_weights(const Program& program, uint64_t seed);

/// The program with `training` = true in every op that has that attribute, but for batch
/// normalizations that are not trained.
Program for_training(const Program& program);
/// The program with `training` = false, without updates: what is served.
Program for_inference(const Program& program);

}  // namespace brisk
