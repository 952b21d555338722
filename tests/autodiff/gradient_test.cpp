#include "brisk/autodiff/gradient.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/ir/program.h"
#include "brisk/ir/text.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/support/derivative_check.h"

namespace brisk {
namespace {

using testing::random_values;

double evaluate_scalar(Builder& builder, Value value, double at) {
  const Tensor x = Tensor::scalar(DType::f64, at);
  return reference::evaluate(builder.finish({{"result", value}}), {&x, 1})[0].item();
}

template <typename Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

int count(const Graph& graph, std::string_view op) {
  int found = 0;
  for (const Node& node : graph.nodes()) found += node.op->name == op;
  return found;
}

const Type kScalar(DType::f64, {});

TEST(Gradient, UsesAreSummed) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value d = gradient(x * x * x + 2.0 * x, {&x, 1})[0];
  EXPECT_DOUBLE_EQ(evaluate_scalar(builder, d, 3), 29);
}

TEST(Gradient, ValuesWithoutInfluenceGetZeros) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value unused = builder.input("unused", Type(DType::f32, {Extent("rows"), 3}));
  const Value later = tanh(x);
  const std::vector<Value> wrt = {unused, x, later};
  const auto d = gradient(x * x, wrt);
  EXPECT_EQ(d[0].type(), unused.type());
  const Graph graph =
      bind_dimensions(builder.finish({{"unused", d[0]}, {"later", d[2]}}), {{"rows", 2}});
  const auto found = reference::evaluate(
      graph, std::vector{Tensor::scalar(DType::f64, 3), Tensor::zeros(DType::f32, {2, 3})});
  EXPECT_TRUE(bit_equal(found[0], Tensor::zeros(DType::f32, {2, 3})));
  EXPECT_EQ(found[1].item(), 0);
}

TEST(Gradient, WithRespectToValuesOnTheWay) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value y = x * x;
  const std::vector<Value> wrt = {x, y};
  const auto d = gradient(y * y + x, wrt);
  const auto found = reference::evaluate(builder.finish({{"x", d[0]}, {"y", d[1]}}),
                                         std::vector{Tensor::scalar(DType::f64, 3)});
  EXPECT_DOUBLE_EQ(found[0].item(), 4 * 27 + 1);
  EXPECT_DOUBLE_EQ(found[1].item(), 18);
}

TEST(Gradient, OfTheLossItselfIsOne) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value y = x * 2.0;
  EXPECT_EQ(evaluate_scalar(builder, gradient(y, {&y, 1})[0], 3), 1);
}

TEST(Gradient, StopsWhereItIsToldTo) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value d = gradient(stop_gradient(x * x) * x, {&x, 1})[0];
  EXPECT_DOUBLE_EQ(evaluate_scalar(builder, d, 3), 9);
}

TEST(Gradient, PassesBesideIntegersAndConditions) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f64, {4, 2}));
  const Value rows = builder.input("rows", Type(DType::i32, {3}));
  const Value picked = gather(x, rows, 0);
  const Value y = select(greater(picked, builder.scalar(DType::f64, 0)), picked * picked, picked);
  const Graph graph = builder.finish({{"y", y}});
  const std::vector<Tensor> inputs = {random_values({4, 2}, 5),
                                      Tensor::of<int32_t>({3}, std::vector<int32_t>{2, 0, 2})};
  EXPECT_EQ(testing::derivative_difference(graph, inputs, {0}), "");
}

TEST(Gradient, TanhToTheFourthOrder) {
  const auto derivative = [](double at, int order) {
    Builder builder(standard_ops());
    const Value x = builder.input("x", kScalar);
    Value y = tanh(x);
    for (int i = 0; i < order; ++i) y = gradient(y, {&x, 1})[0];
    return evaluate_scalar(builder, y, at);
  };
  const double t = std::tanh(0.7), s = 1 - t * t;
  EXPECT_NEAR(derivative(0.7, 1), s, 1e-14);
  EXPECT_NEAR(derivative(0.7, 2), -2 * t * s, 1e-14);
  EXPECT_NEAR(derivative(0.7, 3), s * (6 * t * t - 2), 1e-13);
  EXPECT_NEAR(derivative(0.7, 4), t * s * (16 - 24 * t * t), 1e-13);
}

TEST(Gradient, IsTheSameGraphEachTime) {
  const auto text = [] {
    Builder builder(standard_ops());
    const Value x = builder.input("x", Type(DType::f64, {3}));
    const Value w = builder.input("w", Type(DType::f64, {3}));
    const Value h = tanh(x * w) + x;
    const std::vector<Value> wrt = {w, x};
    const auto d = gradient(reduce_sum(h * h * w), wrt);
    return print(builder.finish({{"w", d[0]}, {"x", d[1]}}));
  };
  EXPECT_EQ(text(), text());
}

TEST(Gradient, LeavesAloneWhatIsNotAskedFor) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f64, {3}));
  const Value w = builder.input("w", Type(DType::f64, {3}));
  const Value d = gradient(reduce_sum(exp(x) * w), {&w, 1})[0];
  // Only the forward exponential: the way down to x is not walked.
  EXPECT_EQ(count(builder.finish({{"d", d}}), "multiply"), 1);
}

TEST(Gradient, LabelsAreThoseOfTheForwardNodes) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  builder.set_label("layer");
  const Value y = exp(x);
  builder.set_label("");
  const Value d = gradient(y * 3.0, {&x, 1})[0];
  EXPECT_EQ(builder.node(d.id.node).label, "layer");
}

TEST(Gradient, OfAGraph) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value w = builder.input("w", kScalar);
  const Graph graph = builder.finish({{"other", x + w}, {"loss", x * w}});
  const std::vector<size_t> wrt = {1};
  const Graph both = gradient(graph, 1, wrt);
  ASSERT_EQ(both.outputs().size(), 3u);
  EXPECT_EQ(both.outputs()[2].name, "gradient:w");
  verify(both);
  const auto found = reference::evaluate(
      both, std::vector{Tensor::scalar(DType::f64, 5), Tensor::scalar(DType::f64, 7)});
  EXPECT_EQ(found[0].item(), 12);
  EXPECT_EQ(found[1].item(), 35);
  EXPECT_EQ(found[2].item(), 5);
}

TEST(Gradient, VjpGraphTakesCotangentsOfFloatingOutputs) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value n = builder.input("n", Type(DType::i32, {}));
  const Graph graph = builder.finish({{"twice", n + n}, {"square", x * x}, {"x", x}});
  const std::vector<size_t> wrt = {0};
  const Graph derivative = vjp_graph(graph, wrt);
  ASSERT_EQ(derivative.inputs().size(), 4u);
  EXPECT_EQ(derivative.input_name(2), "cotangent:square");
  const auto found = reference::evaluate(
      derivative, std::vector{Tensor::scalar(DType::f64, 3), Tensor::scalar(DType::i32, 1),
                              Tensor::scalar(DType::f64, 10), Tensor::scalar(DType::f64, 1)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].item(), 61);
}

/// The standard ops, with "opaque" (no gradient) and "product" (by decomposition only).
OpSetPtr extended_ops() {
  auto ops = std::make_shared<OpSet>(*standard_ops());
  const auto first_type = [](const InferContext& c) { return std::vector<Type>{c.operands[0]}; };
  ops->add(Op{.name = "opaque"}.operands(1).infer(first_type));
  ops->add(
      Op{.name = "product"}.operands(2).infer(first_type).decompose([](const DecomposeContext& c) {
        return std::vector<Value>{c.in(0) * c.in(1)};
      }));
  return ops;
}

TEST(Gradient, GoesThroughADecomposition) {
  Builder builder(extended_ops());
  const Value x = builder.input("x", kScalar);
  // An operand twice, and operands that depend on each other: x^2 + x * x^2 = x^2 + x^3.
  const Value square = builder.emit_one("product", {x, x});
  const Value cube = builder.emit_one("product", {x, square});
  const Value d = gradient(square + cube, {&x, 1})[0];
  const Value dd = gradient(d, {&x, 1})[0];
  const auto found = reference::evaluate(builder.finish({{"d", d}, {"dd", dd}}),
                                         std::vector{Tensor::scalar(DType::f64, 3)});
  EXPECT_DOUBLE_EQ(found[0].item(), 6 + 27);
  EXPECT_DOUBLE_EQ(found[1].item(), 2 + 18);
}

TEST(Gradient, RefusesAnOpWithoutARuleByName) {
  Builder builder(extended_ops());
  const Value x = builder.input("x", kScalar);
  const Value beside = builder.input("beside", kScalar);
  const Value y = builder.emit_one("opaque", {x}) * beside;
  EXPECT_EQ(gradient(y, {&beside, 1})[0].type(), kScalar);
  EXPECT_NE(message_of([&] {
              gradient(y, {&x, 1});
            }).find("[opaque] has no gradient rule"),
            std::string::npos);
}

TEST(Gradient, RefusesWhatHasNone) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f64, {2}));
  const Value n = builder.input("n", Type(DType::i32, {}));
  EXPECT_NE(message_of([&] { gradient(x, {&x, 1}); }).find("f64[2]"), std::string::npos);
  EXPECT_NE(message_of([&] { gradient(n, {&x, 1}); }).find("i32[]"), std::string::npos);
  const std::vector<Value> wrt = {x, n};
  EXPECT_NE(message_of([&] { gradient(reduce_sum(x), wrt); }).find("value 1"), std::string::npos);
  const Value short_cotangent = builder.scalar(DType::f32, 1);
  EXPECT_NE(message_of([&] {
              vector_jacobian_product({&x, 1}, {&short_cotangent, 1}, {&x, 1});
            }).find("its cotangent is f32[]"),
            std::string::npos);
}

}  // namespace
}  // namespace brisk
