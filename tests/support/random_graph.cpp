#include "tests/support/random_graph.h"

#include <array>

#include "brisk/base/philox.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

/// Grows a graph by one drawn op at a time from values that are there.
class Grower {
 public:
  Grower(Builder& builder, PhiloxSequence& random, DType type)
      : builder_(builder), random_(random), type_(type) {}

  void add_inputs() {
    const std::array<Shape, 5> shapes = {Shape{}, Shape{17}, Shape{3, 17}, Shape{2, 3, 17},
                                         Shape{3, 1}};
    const uint64_t count = 2 + below(3);
    for (uint64_t i = 0; i < count; ++i)
      values_.push_back(
          builder_.input(fmt::format("x{}", i), Type(type_, shapes[below(shapes.size())])));
  }

  void grow() {
    const Value x = any();
    switch (below(8)) {
      case 0:
      case 1:
        return keep(unary(x));
      case 2:
      case 3:
        return keep(binary(x, any()));
      case 4:
        return keep(select(less(x, builder_.scalar(type_, 0.25)), x, tanh(x)));
      case 5:
        return keep(folded(x));
      case 6:
        return keep(moved(x));
      default:
        return keep(contracted(x));
    }
  }

  std::vector<Value>& values() { return values_; }

 private:
  uint64_t below(uint64_t bound) { return random_.next_below(bound); }
  Value any() { return values_[below(values_.size())]; }
  void keep(const Value& value) { values_.push_back(value); }
  int64_t axis_of(const Value& x) {
    return static_cast<int64_t>(below(static_cast<uint64_t>(x.rank())));
  }

  Value unary(const Value& x) {
    const std::array<Value (*)(Value), 8> ops = {tanh, sigmoid,  sin,    cos,
                                                 erf,  softsign, negate, relu6};
    const Value y = ops[below(ops.size())](x);
    return tanh(y) * 2.0;
  }

  Value binary(const Value& a, const Value& b) {
    // Broadcasting joins them where NumPy's rule can, else the second is folded to a scalar.
    const Value other = joins(a.shape(), b.shape()) ? b : reduce_max(b);
    switch (below(4)) {
      case 0:
        return tanh(a + other);
      case 1:
        return maximum(a, other);
      case 2:
        return (a - other) * 0.5;
      default:
        return tanh(a * other);
    }
  }

  static bool joins(const Shape& a, const Shape& b) {
    for (int64_t i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
      const int64_t left = a.size(a.rank() - i), right = b.size(b.rank() - i);
      if (left != right && left != 1 && right != 1) return false;
    }
    return true;
  }

  Value folded(const Value& x) {
    if (x.rank() == 0) return x * 0.75;
    const int64_t axis = axis_of(x);
    const bool keep_dims = below(2) == 0;
    switch (below(3)) {
      case 0:
        return reduce_max(x, {axis}, keep_dims);
      case 1:
        return reduce_mean(x, {axis}, keep_dims);
      default:
        return tanh(reduce_sum(x, {axis}, keep_dims));
    }
  }

  Value moved(const Value& x) {
    if (x.rank() == 0) return broadcast_to(x, Shape{3, 17});
    const int64_t axis = axis_of(x);
    std::vector<int64_t> permutation;
    for (int64_t i = 0; i < x.rank(); ++i) permutation.push_back(x.rank() - 1 - i);
    switch (below(5)) {
      case 0:
        return transpose(x, permutation);
      case 1:
        return reverse(x, {axis});
      case 2:
        return slice_axis(x, axis, 0, (x.shape().size(axis) + 1) / 2);
      case 3:
        return reshape(x, Shape{x.shape().num_elements()});
      default:
        return concatenate(std::vector{x, tanh(x)}, axis);
    }
  }

  Value contracted(const Value& x) {
    if (x.rank() == 0) return x + 0.5;
    const int64_t axis = axis_of(x);
    return tanh(dot_general(x, x, {.lhs_contract = {axis}, .rhs_contract = {axis}}) * 0.1);
  }

  Builder& builder_;
  PhiloxSequence& random_;
  DType type_;
  std::vector<Value> values_;
};

/// Products of shapes with themselves must not grow without end.
constexpr int64_t kLargest = 20000;

}  // namespace

Graph random_graph(uint64_t seed, const RandomGraphOptions& options) {
  PhiloxSequence random(fold_key(seed, 0x67726170));
  Builder builder(standard_ops(), fmt::format("random{}", seed));
  Grower grower(builder, random, options.type);
  grower.add_inputs();
  for (int i = 0; i < options.num_nodes; ++i) {
    grower.grow();
    if (grower.values().back().shape().num_elements() > kLargest) grower.values().pop_back();
  }
  const uint64_t num_outputs = 1 + random.next_below(3);
  std::vector<Builder::Output> outputs;
  for (uint64_t i = 0; i < num_outputs && i < grower.values().size(); ++i)
    outputs.push_back({fmt::format("y{}", i), grower.values()[grower.values().size() - 1 - i]});
  return builder.finish(outputs);
}

std::vector<Tensor> random_inputs(const Graph& graph, uint64_t seed) {
  PhiloxSequence random(fold_key(seed, 0x696e7075));
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Type& type = graph.input_type(i);
    Tensor& input = inputs.emplace_back(type.dtype(), type.shape().sizes());
    for (int64_t e = 0; e < input.num_elements(); ++e) input.set(e, 4 * random.next_unit() - 2);
  }
  return inputs;
}

}  // namespace brisk::testing
