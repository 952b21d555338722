#pragma once

/// Which values of a folded model become integers.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "brisk/ir/program.h"

namespace brisk {

/// A product that can be quantized: a fused_convolution or fused_dot of f32 with a filter that is a
/// state entry.
struct ProductPlan {
  NodeId node = -1;
  size_t filter = 0;           ///< state entry
  std::optional<size_t> bias;  ///< state entry
  bool residual = false;
  bool transpose_filter = false;  ///< [n, k] instead of [k, n]
};

struct QuantizePlan {
  std::map<NodeId, ProductPlan> products;
  std::map<NodeId, std::string> reasons;  ///< products that stay float, and why
  /// Values that become integers: each by the value whose range it has. Those that only move
  /// another one's elements share that one's.
  std::map<ValueId, ValueId> integers;
  /// Values whose ranges are to be found.
  std::vector<ValueId> observed() const;
};

QuantizePlan plan_quantization(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers);

/// Whether `node` moves elements of its first operand, so that integers can be moved in their
/// place.
bool moves_elements(const Node& node);

}  // namespace brisk
