#pragma once

/// The time of single kernels of a model's inference.

#include <map>
#include <set>
#include <string>

#include "brisk/nn/model.h"

namespace brisk {

struct LayerTimeOptions {
  int64_t batch_size = 16;
  int threads = 0;
  int runs = 30;
};

/// Milliseconds of the kernels of `ops` (of all where it is empty) by their layer's name, on
/// made-up data on the CPU; kernels of one layer are added up.
std::map<std::string, double> layer_times(const Model& model, const std::set<std::string>& ops,
                                          const LayerTimeOptions& options);

}  // namespace brisk
