#include "brisk/formats/onnx/op_table.h"

#include <map>

namespace brisk::onnx {
namespace {

using Families = std::vector<std::span<const OpRow>>;

Families families() {
  return {activation_ops(),  cast_ops(),          control_ops(),   convolution_ops(),
          elementwise_ops(), index_ops(),         loss_ops(),      matmul_ops(),
          move_ops(),        normalization_ops(), pool_ops(),      quantization_ops(),
          reduce_ops(),      scatter_ops(),       selection_ops(), sequence_ops(),
          shape_ops(),       random_ops(),        recurrent_ops(), attention_ops(),
          signal_ops(),      training_ops(),      text_ops(),      tree_ops(),
          image_ops(),       sampling_ops(),      sliding_ops(),   integer_product_ops()};
}

using Key = std::pair<std::string_view, std::string_view>;  // domain, op

const std::multimap<Key, const OpRow*>& rows() {
  static const std::multimap<Key, const OpRow*> kRows = [] {
    std::multimap<Key, const OpRow*> index;
    for (const std::span<const OpRow> family : families())
      for (const OpRow& row : family) index.emplace(Key{row.domain, row.op}, &row);
    return index;
  }();
  return kRows;
}

}  // namespace

const OpRow* find_op(std::string_view domain, std::string_view op, int64_t opset) {
  const auto [first, last] = rows().equal_range(Key{domain, op});
  const OpRow* best = nullptr;
  for (auto at = first; at != last; ++at)
    if (at->second->since <= opset && (best == nullptr || at->second->since > best->since))
      best = at->second;
  return best;
}

std::vector<const OpRow*> all_ops() {
  std::vector<const OpRow*> result;
  for (const auto& [key, row] : rows()) result.push_back(row);
  return result;
}

}  // namespace brisk::onnx
