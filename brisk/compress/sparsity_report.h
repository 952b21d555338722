#pragma once

/// How many of a model's weights are zero, and what its weights take on disk.

#include <string>
#include <vector>

#include "brisk/nn/model.h"

namespace brisk {

struct ParameterSparsity {
  std::string name;
  std::string type;  ///< "f32[3, 3, 32, 64]"
  int64_t elements = 0, zeros = 0;
  bool prunable = false;  ///< pruning takes it by default
};

struct SparsityReport {
  std::vector<ParameterSparsity> parameters;  ///< trained ones and statistics, in order
  int64_t elements = 0, zeros = 0;            ///< of the prunable ones together
  int64_t bytes = 0;                          ///< of all weights as they lie in a package
  int64_t gzipped_bytes = 0;                  ///< the same, gzipped
};

/// The model must have weights.
SparsityReport sparsity_report(const Model& model);

}  // namespace brisk
