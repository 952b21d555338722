// Gradients of ops with regions, against finite differences to the second order.

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/ir/program.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/support/derivative_check.h"

namespace brisk {
namespace {

using testing::derivative_difference;
using testing::random_values;

const Type kScalar(DType::f64, {});
const Type kVector(DType::f64, {3});

Type f64(Shape shape) {
  return Type(DType::f64, std::move(shape));
}
Tensor scalar(double value) {
  return Tensor::scalar(DType::f64, value);
}

/// A simple recurrent layer: h = tanh(h u + x w + b), from all states and the last one.
Graph recurrent_step() {
  Builder body(standard_ops(), "step");
  const Value h = body.input("h", f64({2, 3}));
  const Value x = body.input("x", f64({2, 4}));
  const Value u = body.input("u", f64({3, 3}));
  const Value w = body.input("w", f64({4, 3}));
  const Value b = body.input("b", kVector);
  const Value next = tanh(matmul(h, u) + matmul(x, w) + b);
  return body.finish({{"h", next}, {"y", next * next}});
}

Graph recurrent_layer(bool reverse) {
  Builder builder(standard_ops());
  const Value h = builder.input("h", f64({2, 3}));
  const Value x = builder.input("x", f64({5, 2, 4}));
  const std::vector<Value> weights = {builder.input("u", f64({3, 3})),
                                      builder.input("w", f64({4, 3})), builder.input("b", kVector)};
  const auto y = scan({&h, 1}, {&x, 1}, weights, recurrent_step(), 5, reverse);
  return builder.finish({{"last", y[0]}, {"all", y[1]}});
}

std::vector<Tensor> recurrent_values() {
  return {random_values({2, 3}, 1), random_values({5, 2, 4}, 2), random_values({3, 3}, 3),
          random_values({4, 3}, 4), random_values({3}, 5)};
}

TEST(ScanGradient, OfARecurrentLayer) {
  EXPECT_EQ(derivative_difference(recurrent_layer(false), recurrent_values(), {0, 1, 2, 3, 4}), "");
}

TEST(ScanGradient, OfARecurrentLayerBackwards) {
  EXPECT_EQ(derivative_difference(recurrent_layer(true), recurrent_values(), {0, 1, 2, 3, 4}), "");
}

TEST(ScanGradient, OfOneOperandAtATime) {
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(derivative_difference(recurrent_layer(false), recurrent_values(), {i}), "") << i;
}

TEST(ScanGradient, EqualsThatOfTheUnrolledSteps) {
  const Graph scanned = recurrent_layer(false);
  Builder builder(standard_ops());
  std::vector<Value> inputs;
  for (size_t i = 0; i < 5; ++i)
    inputs.push_back(builder.input(scanned.input_name(i), scanned.input_type(i)));
  Value h = inputs[0];
  std::vector<Value> items;
  for (int64_t t = 0; t < 5; ++t) {
    const Value x = squeeze(slice_axis(inputs[1], 0, t, t + 1), 0);
    const auto y =
        builder.inline_graph(recurrent_step(), std::vector{h, x, inputs[2], inputs[3], inputs[4]});
    h = y[0];
    items.push_back(expand_dims(y[1], 0));
  }
  const Value all = concatenate(items, 0);
  const Graph unrolled = builder.finish({{"loss", reduce_sum(all * all) + reduce_sum(h)}});

  Builder other(standard_ops());
  inputs.clear();
  for (size_t i = 0; i < 5; ++i)
    inputs.push_back(other.input(scanned.input_name(i), scanned.input_type(i)));
  const auto y = other.inline_graph(scanned, inputs);
  const Graph looped = other.finish({{"loss", reduce_sum(y[1] * y[1]) + reduce_sum(y[0])}});
  const std::vector<size_t> wrt = {0, 1, 2, 3, 4};
  const auto expected =
      reference::evaluate(testing::gradients_only(unrolled, wrt), recurrent_values());
  const auto found = reference::evaluate(testing::gradients_only(looped, wrt), recurrent_values());
  for (size_t i = 0; i < expected.size(); ++i)
    for (int64_t e = 0; e < expected[i].num_elements(); ++e)
      EXPECT_NEAR(found[i].get(e), expected[i].get(e), 1e-12) << "operand " << i;
}

/// Carries that take no part (a counter, a value nobody differentiates), one that joins only by way
/// of another (b feeds a feeds b), integer sequences and items.
TEST(ScanGradient, OfMixedCarries) {
  Builder body(standard_ops(), "step");
  const Value counter = body.input("counter", Type(DType::i32, {}));
  const Value a = body.input("a", kScalar);
  const Value b = body.input("b", kScalar);
  const Value idle = body.input("idle", kScalar);
  const Value n = body.input("n", Type(DType::i32, {}));
  const Value next_counter = counter + n;
  const Graph step = body.finish({{"counter", next_counter},
                                  {"a", sin(a) + b * idle},
                                  {"b", a * 0.5 * cast(counter, DType::f64)},
                                  {"idle", idle * 0.9},
                                  {"counts", next_counter},
                                  {"a_item", a * a}});
  Builder builder(standard_ops());
  const std::vector<Value> carries = {builder.input("counter", Type(DType::i32, {})),
                                      builder.input("a", kScalar), builder.input("b", kScalar),
                                      builder.input("idle", kScalar)};
  const Value sequence = builder.input("n", Type(DType::i32, {4}));
  const auto y = scan(carries, {&sequence, 1}, {}, step, 4);
  const Graph graph = builder.finish({{"a", y[1]}, {"b", y[2]}, {"items", y[5]}});
  const std::vector<Tensor> values = {Tensor::scalar(DType::i32, 1), scalar(0.4), scalar(0.3),
                                      scalar(0.8),
                                      Tensor::of<int32_t>({4}, std::vector<int32_t>{1, 0, 2, 1})};
  EXPECT_EQ(derivative_difference(graph, values, {1, 2}), "");
  EXPECT_EQ(derivative_difference(graph, values, {2}), "");
  EXPECT_EQ(derivative_difference(graph, values, {3}), "");
}

TEST(ScanGradient, OfNoTripsIsTheIdentity) {
  Builder body(standard_ops());
  const Value x = body.input("x", kScalar);
  const Graph step = body.finish({{"x", x * x}});
  Builder builder(standard_ops());
  const Value start = builder.input("x", kScalar);
  const Value y = scan({&start, 1}, {}, {}, step, 0)[0];
  EXPECT_EQ(derivative_difference(builder.finish({{"y", y}}), {scalar(3)}, {0}, 1), "");
}

TEST(ScanGradient, SumsConstantsOfShortTypesInF32) {
  // 600 steps of 1/256 each: a bf16 sum would stick at 1 after 256 of them.
  Builder body(standard_ops());
  const Value x = body.input("x", Type(DType::bf16, {}));
  const Value w = body.input("w", Type(DType::bf16, {}));
  const Graph step = body.finish({{"y", x * w}});
  Builder builder(standard_ops());
  const Value xs = builder.input("x", Type(DType::bf16, {600}));
  const Value weight = builder.input("w", Type(DType::bf16, {}));
  const auto y = scan({}, {&xs, 1}, {&weight, 1}, step, 600);
  const Value loss = reduce_sum(cast(y[0], DType::f32));
  const Value d = gradient(loss, {&weight, 1})[0];
  Tensor values(DType::bf16, {600});
  for (int64_t i = 0; i < 600; ++i) values.set(i, 1.0 / 256);
  const auto found = reference::evaluate(builder.finish({{"d", d}}),
                                         std::vector{values, Tensor::scalar(DType::bf16, 1)});
  EXPECT_NEAR(found[0].item(), 600.0 / 256, 0.01);
}

TEST(ScanGradient, DoesNotStackCarriesThatTheDerivativeDoesNotRead) {
  Builder body(standard_ops());
  const Value sum = body.input("sum", kVector);
  const Value x = body.input("x", kVector);
  const Graph step = body.finish({{"sum", sum + x}});
  Builder builder(standard_ops());
  const Value start = builder.input("sum", kVector);
  const Value xs = builder.input("x", f64({7, 3}));
  const Value loss = reduce_sum(scan({&start, 1}, {&xs, 1}, {}, step, 7)[0]);
  const Value d = gradient(loss, {&xs, 1})[0];
  const Graph graph = builder.finish({{"d", d}});
  int scans = 0;
  for (const Node& node : graph.nodes()) scans += node.op->name == "scan";
  EXPECT_EQ(scans, 1);
  const auto found =
      reference::evaluate(graph, std::vector{random_values({3}, 1), random_values({7, 3}, 2)});
  for (int64_t i = 0; i < 21; ++i) EXPECT_EQ(found[0].get(i), 1);
}

/// x^n by repeated multiplication, n an integer operand.
Graph power_loop(int64_t max_trips) {
  const Type integer(DType::i32, {});
  Builder condition(standard_ops(), "condition");
  const Value left = condition.input("left", integer);
  condition.input("product", kScalar);
  condition.input("x", kScalar);
  const Graph go_on = condition.finish({{"go_on", greater(left, condition.scalar(DType::i32, 0))}});
  Builder body(standard_ops(), "body");
  const Value n = body.input("left", integer);
  const Value product = body.input("product", kScalar);
  const Value x = body.input("x", kScalar);
  const Graph multiply_once =
      body.finish({{"left", n - body.scalar(DType::i32, 1)}, {"product", product * x}, {"x", x}});
  Builder builder(standard_ops());
  const Value base = builder.input("x", kScalar);
  const Value exponent = builder.input("n", integer);
  const std::vector<Value> state = {exponent, builder.scalar(DType::f64, 1), base};
  return builder.finish({{"power", loop(state, go_on, multiply_once, max_trips)[1]}});
}

TEST(LoopGradient, OfAPower) {
  const Graph graph = power_loop(8);
  for (const int n : {0, 1, 5, 8}) {
    const std::vector<Tensor> values = {scalar(1.3), Tensor::scalar(DType::i32, n)};
    const auto d = reference::evaluate(testing::gradients_only(graph, {0}), values);
    EXPECT_NEAR(d[0].item(), n * std::pow(1.3, n - 1), 1e-12) << n;
    EXPECT_EQ(derivative_difference(graph, values, {0}), "") << n;
  }
}

TEST(LoopGradient, EndsAtTheBound) {
  const std::vector<Tensor> values = {scalar(1.3), Tensor::scalar(DType::i32, 20)};
  EXPECT_NEAR(reference::evaluate(power_loop(3), values)[0].item(), std::pow(1.3, 3), 1e-12);
  const auto d = reference::evaluate(testing::gradients_only(power_loop(3), {0}), values);
  EXPECT_NEAR(d[0].item(), 3 * 1.3 * 1.3, 1e-12);
}

TEST(LoopGradient, NeedsABound) {
  const std::vector<size_t> wrt = {0};
  EXPECT_THROW(
      {
        try {
          gradient(power_loop(0), 0, wrt);
        } catch (const UserError& error) {
          EXPECT_NE(std::string(error.what()).find("[loop]"), std::string::npos);
          EXPECT_NE(std::string(error.what()).find("max_trips"), std::string::npos);
          throw;
        }
      },
      UserError);
}

/// predicate ? sin(x) * w : sum over a scan of x * h.
Graph branching() {
  Builder then_builder(standard_ops(), "then");
  Value x = then_builder.input("x", kVector);
  Value w = then_builder.input("w", kVector);
  then_builder.input("n", Type(DType::i32, {}));
  const Graph then_graph = then_builder.finish({{"y", sin(x) * w}, {"z", x}});

  Builder step_builder(standard_ops(), "step");
  const Value h = step_builder.input("h", kVector);
  const Value factor = step_builder.input("factor", kVector);
  const Graph step = step_builder.finish({{"h", h * factor + h}, {"item", tanh(h)}});

  Builder else_builder(standard_ops(), "else");
  x = else_builder.input("x", kVector);
  w = else_builder.input("w", kVector);
  else_builder.input("n", Type(DType::i32, {}));
  const auto scanned = scan({&x, 1}, {}, {&w, 1}, step, 3);
  const Graph else_graph =
      else_builder.finish({{"y", scanned[0]}, {"z", reduce_sum(scanned[1], {0})}});

  Builder builder(standard_ops());
  const Value predicate = builder.input("predicate", Type(DType::boolean, {}));
  const std::vector<Value> operands = {builder.input("x", kVector), builder.input("w", kVector),
                                       builder.input("n", Type(DType::i32, {}))};
  const auto y = branch(predicate, operands, then_graph, else_graph);
  return builder.finish({{"y", y[0]}, {"z", y[1]}});
}

TEST(BranchGradient, BothWaysAndThroughANestedScan) {
  for (const int predicate : {1, 0}) {
    const std::vector<Tensor> values = {Tensor::scalar(DType::boolean, predicate),
                                        random_values({3}, 1), random_values({3}, 2),
                                        Tensor::scalar(DType::i32, 0)};
    EXPECT_EQ(derivative_difference(branching(), values, {1, 2}), "") << predicate;
    EXPECT_EQ(derivative_difference(branching(), values, {2}), "") << predicate;
  }
}

TEST(BranchGradient, IsABranchOnceMore) {
  const Graph both = testing::gradients_only(
      [] {
        const Graph graph = branching();
        Builder builder(standard_ops());
        std::vector<Value> inputs;
        for (size_t i = 0; i < 4; ++i)
          inputs.push_back(builder.input(graph.input_name(i), graph.input_type(i)));
        return builder.finish({{"loss", reduce_sum(builder.inline_graph(graph, inputs)[0])}});
      }(),
      {1});
  verify(both);
  int branches = 0;
  for (const Node& node : both.nodes()) branches += node.op->name == "branch";
  EXPECT_EQ(branches, 1);  // the forward one is not needed: the derivative computes it again
}

TEST(CallGradient, IsThatOfTheBody) {
  Builder body(standard_ops(), "dense");
  const Value x = body.input("x", f64({2, 3}));
  const Value w = body.input("w", f64({3, 3}));
  const Graph dense = body.finish({{"y", tanh(matmul(x, w))}});
  Builder builder(standard_ops());
  const std::vector<Value> operands = {builder.input("x", f64({2, 3})),
                                       builder.input("w", f64({3, 3}))};
  const Value y = call(operands, dense, {"Dense", "dense", "{}"})[0];
  const Value twice = call(std::vector{y, operands[1]}, dense, {"Dense", "dense", "{}"})[0];
  EXPECT_EQ(derivative_difference(builder.finish({{"y", twice}}),
                                  {random_values({2, 3}, 1), random_values({3, 3}, 2)}, {0, 1}),
            "");
}

}  // namespace
}  // namespace brisk
