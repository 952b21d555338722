#include "brisk/compress/pruning.h"

#include <algorithm>
#include <array>

#include "brisk/compress/prunable_parameters.h"

namespace brisk {

std::span<const std::string_view> enum_names(PruningScope) {
  static constexpr std::array<std::string_view, 2> kNames = {"tensor", "model"};
  return kNames;
}

Pruning::Pruning(const Model& model, PruningOptions options) : options_(std::move(options)) {
  const BlockShape& block = options_.block;
  const bool blocks = block.rows != 1 || block.columns != 1;
  require(block.rows >= 1 && block.columns >= 1, "a block of {} by {} weights holds none",
          block.rows, block.columns);
  require(options_.group_size == 0 ||
              (options_.group_zeros > 0 && options_.group_zeros < options_.group_size),
          "{} zeros in each {} weights: give fewer zeros than weights, and at least one",
          options_.group_zeros, options_.group_size);
  require(!blocks || options_.group_size == 0,
          "weights are pruned in blocks or in groups, not both");
  require(options_.scope == PruningScope::tensor || (!blocks && options_.group_size == 0),
          "blocks and groups are chosen in each tensor: they have no scope 'model'");
  parameters_ = chosen_parameters(model, options_.exclude_layers, "prune");
  for (const std::string& name : parameters_) {
    const Type& type = model.program.state[model.program.state_index(name)].type;
    require(!blocks || type.rank() == 2,
            "blocks of weights are for parameters of two axes, but '{}' is {}: name its layer in "
            "exclude_layers, or prune single weights",
            name, type.to_string());
  }
}

bool Pruning::due(int64_t step) const {
  if (options_.preserve_sparsity) return step == 1;
  return options_.group_size > 0 ? step == std::max<int64_t>(options_.schedule.begin_step, 1)
                                 : options_.schedule.due(step);
}

std::vector<Tensor> Pruning::choose_masks(int64_t step, std::span<const Tensor> weights) const {
  std::vector<Tensor> masks;
  if (options_.preserve_sparsity) {
    for (const Tensor& tensor : weights) masks.push_back(nonzero_mask(tensor));
    return masks;
  }
  if (options_.group_size > 0) {
    for (const Tensor& tensor : weights)
      masks.push_back(group_mask(tensor, options_.group_zeros, options_.group_size));
    return masks;
  }
  const float sparsity = options_.schedule.sparsity(step);
  if (options_.scope == PruningScope::tensor) {
    for (const Tensor& tensor : weights)
      masks.push_back(magnitude_mask(tensor, sparsity, options_.block));
    return masks;
  }
  int64_t size = 0;
  for (const Tensor& tensor : weights) size += tensor.num_elements();
  const double threshold = magnitude_threshold(weights, kept_count(size, sparsity));
  for (const Tensor& tensor : weights) masks.push_back(threshold_mask(tensor, threshold));
  return masks;
}

std::string Pruning::describe() const {
  if (options_.preserve_sparsity)
    return fmt::format("zeros preserved, of {}", fmt::join(parameters_, " "));
  const std::string what =
      options_.group_size > 0
          ? fmt::format("{} of each {} weights from step {}", options_.group_zeros,
                        options_.group_size, options_.schedule.begin_step)
          : options_.schedule.describe();
  const BlockShape& block = options_.block;
  return fmt::format("{}, scope {}, blocks {}x{} {}, of {}", what,
                     enum_names(PruningScope{})[static_cast<size_t>(options_.scope)], block.rows,
                     block.columns, enum_names(BlockPooling{})[static_cast<size_t>(block.pooling)],
                     fmt::join(parameters_, " "));
}

}  // namespace brisk
