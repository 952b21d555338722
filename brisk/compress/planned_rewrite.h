#pragma once

/// A folded graph written anew with the values that a plan names as integers, or as what stands for
/// them. While it is, a value has a float form, an integer form or both: the missing one is made
/// when it is first asked for.

#include <map>

#include "brisk/compress/quantize_plan.h"
#include "brisk/ir/builder.h"

namespace brisk {

class PlannedRewrite {
 public:
  virtual ~PlannedRewrite() = default;

 protected:
  PlannedRewrite(const Program& folded, QuantizePlan plan);

  /// The forms of the old graph's value `value`; asked for where the plan names integers.
  virtual Value to_integers(Value floats, ValueId value);
  virtual Value to_floats(Value integers, ValueId value);
  /// What a product multiplies its filter with.
  virtual Value product_input(const ProductPlan& product);
  /// The product's result, as integers where the plan says so; `residual` is undefined without one.
  virtual Value product(const ProductPlan& product, Value input, Value residual) = 0;
  /// A concatenation of integers, as integers.
  virtual Value joined(const Node& node, NodeId id);
  /// Any other node.
  virtual std::vector<Value> copy(const Node& node, std::span<const Value> operands);
  /// Told of each product that the plan leaves as it is.
  virtual void stays_float(const Node& node, const std::string& reason);

  /// The float form of an input of the old graph; all that a node reads are set before write_nodes.
  void set_input(size_t input, Value value);
  /// The batch inputs under their names.
  void add_batch_inputs();
  /// Every node, then the results.
  std::vector<Builder::Output> write_nodes();
  virtual void write_node(NodeId id);
  /// A product of the plan.
  void write_product(NodeId id);
  /// Any other node as it is, on integers where it is `moved`, else on floats.
  void write_copy(NodeId id, bool moved);
  void set_integers(ValueId value, Value integers) { integers_[value] = integers; }

  /// Whether `value` is concatenated, and has its range from there.
  bool is_part(ValueId value) const;
  bool is_integer(ValueId value) const { return plan_.integers.contains(value); }
  Value as_float(ValueId value);
  Value as_integers(ValueId value);

  const Program& folded_;
  const Graph& graph_;
  QuantizePlan plan_;
  Builder builder_;

 private:
  std::map<ValueId, Value> floats_, integers_;
};

}  // namespace brisk
