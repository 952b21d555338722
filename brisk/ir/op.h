#pragma once

/// What an operation is: the only place that knows it, kernels aside. An `Op` is plain data and
/// rules; the kind supplies the rules that its members share (see brisk/ops/<kind>/).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/attributes.h"
#include "brisk/ir/expr.h"
#include "brisk/ir/graph.h"
#include "brisk/ir/type.h"

namespace brisk {

class Builder;
struct Value;

enum class OpKind : uint8_t {
  source,       ///< input, constant, iota, random bits: no tensor operands that matter for fusion
  elementwise,  ///< one scalar expression over operands of the result's shape
  reduce,       ///< folds axes with an associative combiner
  move,         ///< rearranges elements: broadcast, reshape, transpose, slice, pad, concatenate ...
  index,        ///< reads or writes at positions given as data: gather, scatter
  contract,     ///< dot_general
  convolve,     ///< convolution and its two gradients
  window,       ///< pooling and its gradients
  composite,    ///< defined by its decomposition; kernels may exist
  control,      ///< branch, loop, scan, call
  fused,        ///< a region that a backend compiles into one loop nest
};
std::string_view name(OpKind kind);

/// What the shape rule sees.
struct InferContext {
  const Op& op;
  std::span<const Type> operands;
  const Attributes& attributes;
  std::span<const Graph> regions;

  const TensorType& tensor(size_t i) const { return operands[i].tensor(); }
  template <typename T>
  const T& as() const { return attributes.as<T>(); }
};

/// What the scalar rule sees: operands and result in compute types (short floats as f32).
struct ExprContext {
  std::span<const Expr> inputs;
  const Attributes& attributes;
  DType result;           ///< compute type of the result
  const Shape& shape;     ///< of the result

  const Expr& in(size_t i) const { return inputs[i]; }
  template <typename T>
  const T& as() const { return attributes.as<T>(); }
};

/// What a decomposition sees; it emits into `builder` and returns one value per result.
struct DecomposeContext {
  Builder& builder;
  std::span<const Value> operands;
  const Attributes& attributes;
  std::span<const Graph> regions;
  std::span<const Type> results;

  const Value& in(size_t i) const;
  template <typename T>
  const T& as() const { return attributes.as<T>(); }
};

/// What a gradient rule sees; it emits into `builder` and returns one value per operand, an
/// undefined one where no gradient flows (integers, conditions, operands that are not needed).
struct Vjp {
  Builder& builder;
  std::span<const Value> operands;
  std::span<const Value> results;
  /// One per result; undefined where nothing downstream depends on that result.
  std::span<const Value> cotangents;
  const Attributes& attributes;
  std::span<const Graph> regions;
  /// Which operands a gradient is wanted for; a rule may leave the others undefined.
  std::span<const bool> needed;
  /// What a region differentiates into, for ops with regions: vjp_graph of brisk/autodiff/gradient.h,
  /// handed down because that layer lies above the ops.
  Graph (*vjp_graph)(const Graph& region, std::span<const size_t> wrt_inputs) = nullptr;

  const Value& in(size_t i) const;
  const Value& out(size_t i = 0) const;
  /// The cotangent of result `i`; zeros where none flows.
  Value grad(size_t i = 0) const;
  bool has_grad(size_t i) const;
  bool needs(size_t i) const { return needed[i]; }
  template <typename T>
  const T& as() const { return attributes.as<T>(); }
};

/// Where an element of a `move` op's result comes from: along operand axis d,
/// index = offset[d] + sum over result axes j of stride[d][j] * result_index[j].
/// Total: every result element has exactly one source. Ops without such a map leave the rule empty.
struct IndexMap {
  std::vector<int64_t> offset;
  std::vector<std::vector<int64_t>> stride;
};

struct Op {
  std::string name;
  OpKind kind = OpKind::composite;
  /// One sentence for the reference documentation.
  std::string doc_text;
  int min_operands = 0;
  int max_operands = 0;  ///< -1: any number
  int num_regions = 0;   ///< -1: any number

  AttributeParser parse_attributes;  ///< empty: the op has none
  std::function<std::vector<Type>(const InferContext&)> infer_rule;
  std::function<std::vector<Value>(const Vjp&)> vjp_rule;
  std::function<Expr(const ExprContext&)> expr_rule;
  std::function<std::vector<Value>(const DecomposeContext&)> decompose_rule;
  std::function<std::optional<IndexMap>(const InferContext&, const Type& result)> index_map_rule;

  // Traits, read by passes and backends.
  bool differentiable = true;       ///< false: no gradient flows through (integers, comparisons)
  bool smooth = true;               ///< second derivatives exist: checked by finite differences
  bool commutative = false;
  bool random = false;              ///< its result depends on a key operand
  bool side_effect = false;
  ScalarOp combiner = ScalarOp::input;  ///< reduce: the associative operation
  double identity = 0;                  ///< reduce: its neutral element (extremes: +-inf or the type's limits)

  // Fluent setters, so that an op reads as one expression.
  Op doc(std::string text) &&;
  template <typename T>
  Op attributes() && { parse_attributes = attribute_parser<T>(); return std::move(*this); }
  Op operands(int count) &&;
  Op operands(int minimum, int maximum) &&;
  Op infer(decltype(infer_rule) rule) &&;
  Op vjp(decltype(vjp_rule) rule) &&;
  Op expr(decltype(expr_rule) rule) &&;
  Op decompose(decltype(decompose_rule) rule) &&;
  Op index_map(decltype(index_map_rule) rule) &&;
  Op not_differentiable() &&;
  Op not_smooth() &&;
  Op with(const std::function<void(Op&)>& change) &&;
};

/// The ops that a builder and the parser know. Copy and `add` to extend it with your own.
class OpSet {
 public:
  /// Refused when the name is taken.
  void add(Op op);
  /// nullptr when there is none.
  const Op* find(std::string_view name) const;
  /// Refused with the nearest known name.
  const Op& at(std::string_view name) const;
  /// In order of name.
  std::vector<const Op*> all() const;

 private:
  std::map<std::string, std::shared_ptr<const Op>, std::less<>> ops_;
};
using OpSetPtr = std::shared_ptr<const OpSet>;

}  // namespace brisk
