#include "tests/support/random_graph.h"

#include <array>
#include <functional>

#include "brisk/base/philox.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

/// Products of shapes with themselves must not grow without end.
constexpr int64_t kLargest = 20000;

/// Grows a graph by one drawn op at a time from values that are there.
class Grower {
 public:
  Grower(Builder& builder, PhiloxSequence& random, DType type, int depth)
      : builder_(builder), random_(random), type_(type), depth_(depth) {}

  void add_inputs() {
    const std::array<Shape, 5> shapes = {Shape{}, Shape{17}, Shape{3, 17}, Shape{2, 3, 17},
                                         Shape{3, 1}};
    const uint64_t count = 2 + below(3);
    for (uint64_t i = 0; i < count; ++i)
      values_.push_back(
          builder_.input(fmt::format("x{}", i), Type(type_, shapes[below(shapes.size())])));
  }

  void grow(int num_nodes) {
    for (int i = 0; i < num_nodes; ++i) {
      grow();
      if (values_.back().shape().num_elements() > kLargest) values_.pop_back();
    }
  }

  std::vector<Value>& values() { return values_; }

 private:
  void grow() {
    const Value x = any();
    switch (below(depth_ > 0 ? 10 : 8)) {
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
      case 8:
        return keep(called(x, any()));
      case 9:
        return keep(below(3) == 0 ? branched(x, any()) : below(2) == 0 ? looped(x) : scanned(x));
      default:
        return keep(contracted(x));
    }
  }

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

  static Value mean(const Value& x) { return x.rank() == 0 ? x : reduce_mean(x); }

  using Finish = std::function<std::vector<Value>(std::span<const Value> inputs, Value grown)>;
  /// A region with inputs of these types: three ops are grown from the last of them, and `finish`
  /// makes the outputs.
  Graph region(const std::vector<Type>& types, const Finish& finish) {
    Builder builder(builder_.ops(), "region");
    std::vector<Value> inputs;
    for (const Type& type : types)
      inputs.push_back(builder.input(fmt::format("in{}", inputs.size()), type));
    Grower inner(builder, random_, type_, depth_ - 1);
    inner.keep(inputs.back());
    inner.grow(3);
    std::vector<Builder::Output> outputs;
    for (const Value& value : finish(inputs, inner.values_.back()))
      outputs.push_back({fmt::format("out{}", outputs.size()), value});
    return builder.finish(outputs);
  }

  Value called(const Value& a, const Value& b) {
    Graph body = region({a.type(), b.type()}, [](std::span<const Value> in, Value grown) {
      return std::vector{grown, tanh(in[0])};
    });
    const CallAttributes attributes = {"Lambda", "layer \"quoted\"", "{\"seed\": 1}\n"};
    return call(std::vector{a, b}, std::move(body), attributes)[below(2)];
  }

  Value branched(const Value& x, const Value& judge) {
    const Value predicate = less(mean(judge), builder_.scalar(type_, 0.1));
    Graph then_graph = region({x.type()}, [](std::span<const Value> in, Value grown) {
      return std::vector{tanh(in[0] + mean(grown))};
    });
    Graph else_graph = region({x.type()}, [](std::span<const Value> in, Value grown) {
      return std::vector{in[0] * tanh(mean(grown))};
    });
    return branch(predicate, std::vector{x}, std::move(then_graph), std::move(else_graph))[0];
  }

  Value looped(const Value& x) {
    const std::vector<Value> state = {builder_.scalar(DType::i32, 0), x};
    const std::vector<Type> types = {state[0].type(), x.type()};
    Graph condition = region(types, [](std::span<const Value> in, Value) {
      return std::vector{less(in[0], in[0].builder->scalar(DType::i32, 2))};
    });
    Graph body = region(types, [](std::span<const Value> in, Value grown) {
      return std::vector{in[0] + 1.0, tanh(in[1] * mean(grown) + 0.25)};
    });
    return loop(state, std::move(condition), std::move(body), 5)[1];
  }

  Value scanned(const Value& x) {
    if (x.rank() == 0) return called(x, x);
    const auto& extents = x.shape().extents();
    const Type item(type_, Shape(std::vector<Extent>(extents.begin() + 1, extents.end())));
    const Value carry = builder_.scalar(type_, 0.5);
    Graph body = region({carry.type(), item}, [](std::span<const Value> in, Value grown) {
      const Value next = tanh(in[0] + mean(grown));
      return std::vector{next, in[1] * next};
    });
    const bool reverse = below(2) == 0;
    return scan(std::vector{carry}, std::vector{x}, {}, std::move(body), x.shape().size(0),
                reverse)[below(2)];
  }

  Builder& builder_;
  PhiloxSequence& random_;
  DType type_;
  int depth_;
  std::vector<Value> values_;
};

}  // namespace

Graph random_graph(uint64_t seed, const RandomGraphOptions& options) {
  PhiloxSequence random(fold_key(seed, 0x67726170));
  Builder builder(standard_ops(), fmt::format("random{}", seed));
  Grower grower(builder, random, options.type, options.depth);
  grower.add_inputs();
  grower.grow(options.num_nodes);
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
