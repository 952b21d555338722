#include "brisk/compress/pruning.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

#include "brisk/base/parallel.h"
#include "brisk/compress/prunable_parameters.h"

namespace brisk {
namespace {

/// `mask` of each tensor, largest tensors first so that threads end together. Nothing of it depends
/// on another one, and what could be refused was when the pruning was made.
template <typename Mask>
std::vector<Tensor> each_mask(std::span<const Tensor> tensors, int threads, const Mask& mask) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].num_elements() > tensors[b].num_elements();
  });
  std::vector<Tensor> masks(tensors.size());
  std::atomic<size_t> next{0};
  parallel_for(std::max(threads, 1), std::max(threads, 1), [&](int64_t, int64_t) {
    for (size_t i = next++; i < order.size(); i = next++) masks[order[i]] = mask(tensors[order[i]]);
  });
  return masks;
}

}  // namespace

std::span<const std::string_view> enum_names(PruningScope) {
  static constexpr std::array<std::string_view, 2> kNames = {"tensor", "model"};
  return kNames;
}

std::span<const std::string_view> enum_names(PruningCriterion) {
  static constexpr std::array<std::string_view, 2> kNames = {"magnitude", "movement"};
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
  require(
      options_.criterion == PruningCriterion::magnitude || (!blocks && options_.group_size == 0),
      "blocks and groups are chosen by magnitude, not by movement");
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

std::vector<Tensor> Pruning::choose_masks(int64_t step, std::span<const Tensor> values,
                                          int threads) const {
  const float sparsity = options_.schedule.sparsity(step);
  const bool by_value = options_.criterion == PruningCriterion::movement;
  const Ranking ranking = by_value ? Ranking::value : Ranking::magnitude;
  double threshold = 0;
  if (options_.scope == PruningScope::model) {
    int64_t size = 0;
    for (const Tensor& tensor : values) size += tensor.num_elements();
    threshold = ranked_threshold(values, kept_count(size, sparsity), ranking);
  }
  return each_mask(values, threads, [&](const Tensor& tensor) {
    if (options_.preserve_sparsity) return nonzero_mask(tensor);
    if (options_.group_size > 0)
      return group_mask(tensor, options_.group_zeros, options_.group_size);
    if (options_.scope == PruningScope::model) return threshold_mask(tensor, threshold, ranking);
    return by_value ? value_mask(tensor, sparsity)
                    : magnitude_mask(tensor, sparsity, options_.block);
  });
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
  return fmt::format("{}{}, scope {}, blocks {}x{} {}, of {}", what,
                     options_.criterion == PruningCriterion::movement ? ", by movement" : "",
                     enum_names(PruningScope{})[static_cast<size_t>(options_.scope)], block.rows,
                     block.columns, enum_names(BlockPooling{})[static_cast<size_t>(block.pooling)],
                     fmt::join(parameters_, " "));
}

}  // namespace brisk
