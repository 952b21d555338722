// Ops with regions. A region is made for the types of the operands that it is given.

#include "brisk/ops/control/control.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Body = std::function<std::vector<Value>(Builder&, std::span<const Value>)>;

Graph region(const OpSetPtr& ops, std::string name, const std::vector<Type>& inputs,
             const Body& body) {
  Builder builder(ops, std::move(name));
  std::vector<Value> values;
  for (const Type& type : inputs)
    values.push_back(builder.input(fmt::format("in{}", values.size()), type));
  std::vector<Builder::Output> outputs;
  for (const Value& value : body(builder, values))
    outputs.push_back({fmt::format("out{}", outputs.size()), value});
  return builder.finish(outputs);
}

std::vector<Type> types_of(std::span<const Value> values) {
  std::vector<Type> types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

/// Types without their leading extent: one item of a sequence.
std::vector<Type> item_types(std::span<const Value> sequences) {
  std::vector<Type> types;
  for (const Value& value : sequences) {
    const auto& extents = value.shape().extents();
    types.emplace_back(value.dtype(),
                       Shape(std::vector<Extent>(extents.begin() + 1, extents.end())));
  }
  return types;
}

std::vector<Value> build_branch(Builder& builder, std::span<const Value> in) {
  const auto operands = in.subspan(1);
  return branch(
      in[0], operands,
      region(builder.ops(), "then", types_of(operands),
             [](Builder&, std::span<const Value> x) {
               return std::vector{x[0] * x[1], reduce_sum(exp(x[0]))};
             }),
      region(builder.ops(), "else", types_of(operands), [](Builder&, std::span<const Value> x) {
        return std::vector{x[1] - x[0] * 2.0, reduce_sum(square(x[1]))};
      }));
}

/// The count goes up to a limit: x = x * factor + 0.5, `limit` times.
std::vector<Value> build_bounded_loop(Builder& builder, std::span<const Value> in,
                                      int64_t max_trips) {
  const std::vector<Value> state = {builder.scalar(DType::i32, 0), in[0], in[1], in[2]};
  Graph condition =
      region(builder.ops(), "condition", types_of(state),
             [](Builder&, std::span<const Value> x) { return std::vector{less(x[0], x[1])}; });
  Graph body =
      region(builder.ops(), "body", types_of(state), [](Builder&, std::span<const Value> x) {
        return std::vector{x[0] + 1.0, x[1], x[2] * x[3] + 0.5, x[3]};
      });
  const std::vector<Value> results = loop(state, std::move(condition), std::move(body), max_trips);
  return {results[0], results[2]};
}

std::vector<Value> build_loop(Builder& builder, std::span<const Value> in) {
  return build_bounded_loop(builder, in, 5);
}

/// Two carries, two sequences: a = tanh(a + x), b = b * y + a; each step also gives x * y.
std::vector<Value> build_scan_of_pairs(Builder& builder, std::span<const Value> in) {
  std::vector<Type> types = types_of(in.subspan(0, 2));
  for (const Type& type : item_types(in.subspan(2, 2))) types.push_back(type);
  Graph body = region(builder.ops(), "step", types, [](Builder&, std::span<const Value> x) {
    const Value a = tanh(x[0] + x[2]);
    return std::vector{a, x[1] * x[3] + a, x[2] * x[3]};
  });
  return scan(in.subspan(0, 2), in.subspan(2, 2), {}, std::move(body), in[2].shape().size(0));
}

/// carry = tanh(carry * weight + item); each step also gives carry * item.
CaseBuild build_scan(bool reverse) {
  return [reverse](Builder& builder, std::span<const Value> in) {
    std::vector<Type> types = {in[0].type()};
    types.push_back(item_types(in.subspan(1, 1))[0]);
    types.push_back(in[2].type());
    Graph body = region(builder.ops(), "step", types, [](Builder&, std::span<const Value> x) {
      const Value carry = tanh(x[0] * x[2] + x[1]);
      return std::vector{carry, carry * x[1]};
    });
    return scan(in.subspan(0, 1), in.subspan(1, 1), in.subspan(2, 1), std::move(body),
                in[1].shape().size(0), reverse);
  };
}

std::vector<Value> build_call(Builder& builder, std::span<const Value> in) {
  return call(in,
              region(builder.ops(), "layer", types_of(in),
                     [](Builder&, std::span<const Value> x) {
                       return std::vector{tanh(x[0]) * x[1], x[0] + x[1]};
                     }),
              in[0].rank() == 2 ? CallAttributes{"Multiply", "gate", "{\"units\": 3}"}
                                : CallAttributes{"Lambda", "twice", ""});
}

}  // namespace

std::vector<OpCase> control_cases() {
  std::vector<OpCase> cases;
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{3, 65}, {}, {0, 3}, {17}}) {
    const auto add = [&](std::string op, std::string detail, std::vector<CaseOperand> operands,
                         CaseBuild build) {
      cases.push_back({.op = std::move(op),
                       .name = shape_name(sizes) + detail,
                       .operands = std::move(operands),
                       .build = std::move(build),
                       .types = kFloatTypes,
                       .roundings = 4});
    };
    add("branch", "_taken", {flags({}).between(1, 1), values(sizes), values(sizes)}, build_branch);
    add("branch", "_not_taken", {flags({}).between(0, 0), values(sizes), values(sizes)},
        build_branch);
    add("loop", "", {positions({}, 1).between(3, 3), values(sizes), values(sizes)}, build_loop);
    add("loop", "_no_trip", {positions({}, 1).between(0, 0), values(sizes), values(sizes)},
        build_loop);
    add("loop", "_at_its_bound", {positions({}, 1).between(9, 9), values(sizes), values(sizes)},
        build_loop);
    add("loop", "_at_another_bound", {positions({}, 1).between(9, 9), values(sizes), values(sizes)},
        [](Builder& builder, std::span<const Value> in) {
          return build_bounded_loop(builder, in, 2);
        });
    std::vector<int64_t> sequence = {4};
    sequence.insert(sequence.end(), sizes.begin(), sizes.end());
    add("scan", "", {values(sizes), values(sequence), values(sizes)}, build_scan(false));
    add("scan", "_reversed", {values(sizes), values(sequence), values(sizes)}, build_scan(true));
    add("scan", "_of_pairs", {values(sizes), values(sizes), values(sequence), values(sequence)},
        build_scan_of_pairs);
    sequence[0] = 0;
    add("scan", "_no_trip", {values(sizes), values(sequence), values(sizes)}, build_scan(false));
    add("call", "", {values(sizes), values(sizes)}, build_call);
  }
  return cases;
}

}  // namespace brisk::testing
