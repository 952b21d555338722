#pragma once

/// Which values of a folded model become integers.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/program.h"

namespace brisk {

/// A product that can be quantized: a fused_convolution or fused_dot of f32 with a filter that is a
/// state entry.
struct ProductPlan {
  NodeId node = -1;
  size_t filter = 0;              ///< state entry
  std::optional<size_t> bias;     ///< state entry
  bool residual = false;          ///< the last operand, which joins the rounded product
  bool transpose_filter = false;  ///< [n, k] instead of [k, n]
  int64_t contracted_axes = 1;    ///< of a matrix product's left operand, its last ones
};

/// A product's filter as it is multiplied with: a convolution's [kernel..., inputs / groups,
/// outputs], a matrix product's [k, n].
Tensor filter_of(const Node& product, const ProductPlan& plan, const Tensor& stored);
/// The groups of a convolution; of a matrix product 1.
int64_t groups_of(const Node& product);

struct QuantizePlan {
  std::map<NodeId, ProductPlan> products;
  std::map<NodeId, std::string> reasons;  ///< products that stay float, and why
  /// Values that become integers: each by the value whose range it has. Those that only move
  /// another one's elements share that one's, and what is concatenated has that of the whole. A
  /// product with a residual has a range of its own
  /// before that joins, too: that of before_residual(node).
  std::map<ValueId, ValueId> integers;
  /// Values whose ranges are to be found.
  std::vector<ValueId> observed() const;
};

QuantizePlan plan_quantization(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers);

/// What stands for the product of `node` before its residual joins, which is no value of the graph.
inline ValueId before_residual(NodeId node) {
  return {node, 1};
}
inline bool is_before_residual(ValueId value) {
  return value.result == 1;
}

/// A fused_convolution with a residual as it is without that and without its activation.
Node product_alone(Node node);

/// Whether `node` moves elements of its first operand (of all, where it concatenates), so that
/// integers can be moved in their place.
bool moves_elements(const Node& node);
bool joins_elements(const Node& node);  ///< concatenates

}  // namespace brisk
