#pragma once

/// Where Keras keeps each weight of a model in its weight files.

#include <string>
#include <vector>

#include "brisk/ir/program.h"
#include "brisk/nn/functional_config.h"

namespace brisk {

/// The dataset "<group>/vars/<index>"; an empty group: the entry is in no file (random keys).
struct WeightPlace {
  std::string group;
  int64_t index = 0;
};
/// One for each state entry. Entries that belong to no layer of `config` are refused
/// (InternalError).
std::vector<WeightPlace> weight_places(const FunctionalConfig& config,
                                       const std::vector<StateEntry>& state);

/// The group of every layer, of layers in models inside too, in the order of the file.
struct LayerGroup {
  std::string group;  ///< "layers/functional/layers/dense"
  std::string layer;  ///< its name
  std::string state;  ///< what its state entries begin with: "base/dense/"
};
std::vector<LayerGroup> layer_groups(const FunctionalConfig& config);

/// Indices of the layers in the order of Keras's `model.layers`, which is computed from the graph.
std::vector<size_t> keras_layer_order(const FunctionalConfig& config);

}  // namespace brisk
