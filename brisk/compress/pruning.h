#pragma once

/// Pruning while a model is trained: TFMOT's `prune_low_magnitude`. Each pruned parameter has a
/// mask in the step's state; the step multiplies with it before the forward pass and updates the
/// masked value densely, so that a weight may come back at the next choice. Masks are chosen
/// between steps by the schedule (brisk/train/trainer.h); the last choice stays.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "brisk/compress/magnitude_mask.h"
#include "brisk/compress/sparsity_schedule.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Whose magnitudes are ranked together.
enum class PruningScope : uint8_t {
  tensor,  ///< each parameter reaches the sparsity by itself (TFMOT)
  model,   ///< all pruned parameters together reach it: large layers lose more than small ones
};
std::span<const std::string_view> enum_names(PruningScope);

/// What decides whether a weight stays.
enum class PruningCriterion : uint8_t {
  magnitude,  ///< its own; a pruned weight is zero and grows again from there (TFMOT)
  movement,   ///< how far training has moved it away from zero: the sum over steps of - weight *
              ///< gradient (Sanh et al. 2020). A pruned weight is kept as it was, untrained.
};
std::span<const std::string_view> enum_names(PruningCriterion);

struct PruningOptions {
  SparsitySchedule schedule;
  PruningCriterion criterion = PruningCriterion::magnitude;
  PruningScope scope = PruningScope::tensor;
  BlockShape block = {};  ///< other than 1 by 1: for `tensor`, of parameters of two axes; refused
                          ///< where another parameter would be pruned
  /// `group_zeros` zeros in each `group_size` weights along the input channels ("2:4"), chosen
  /// once, at the schedule's begin_step, or before the first step; its sparsity does not count. 0:
  /// off.
  int64_t group_zeros = 0, group_size = 0;
  /// What is zero before the first step stays so, and nothing else counts: training a pruned model
  /// on.
  bool preserve_sparsity = false;
  std::vector<std::string> exclude_layers = {};  ///< parts of names of parameters that stay dense
};

class Pruning {
 public:
  /// Refused where no parameter of `model` is left to be pruned, or one does not take the blocks.
  Pruning(const Model& model, PruningOptions options);

  bool prunes(std::string_view parameter) const { return parameters_.contains(parameter); }
  const std::set<std::string, std::less<>>& parameters() const { return parameters_; }
  const PruningOptions& options() const { return options_; }

  /// Whether masks are chosen before step `step` (from 1 on).
  bool due(int64_t step) const;
  /// The masks of all pruned parameters, in order, for `values` as they stand before step `step`:
  /// weights, or by movement their scores. The same on any number of threads.
  std::vector<Tensor> choose_masks(int64_t step, std::span<const Tensor> values,
                                   int threads = 1) const;
  /// What decides the course of a training, in words.
  std::string describe() const;

 private:
  PruningOptions options_;
  std::set<std::string, std::less<>> parameters_;
};
using PruningPtr = std::shared_ptr<const Pruning>;

}  // namespace brisk
