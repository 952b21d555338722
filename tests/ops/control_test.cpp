// What the ops with regions compute, and what they refuse; their gradients are in
// tests/autodiff/control_gradient_test.cpp.

#include "brisk/ops/control/control.h"

#include <gtest/gtest.h>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/ir/text.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

const Type kScalar(DType::f32, {});

Graph map(std::string name, const std::function<Value(Value)>& function) {
  Builder builder(standard_ops(), std::move(name));
  const Value x = builder.input("x", kScalar);
  return builder.finish({{"y", function(x)}});
}

/// (sum, x) -> (sum + x, sum * 10 + x).
Graph running_sum() {
  Builder builder(standard_ops(), "step");
  const Value sum = builder.input("sum", kScalar);
  const Value x = builder.input("x", kScalar);
  return builder.finish({{"sum", sum + x}, {"item", sum * 10.0 + x}});
}

TEST(Scan, StacksItemsInIndexOrderBothWays) {
  for (const bool reverse : {false, true}) {
    Builder builder(standard_ops());
    const Value start = builder.input("start", kScalar);
    const Value x = builder.input("x", Type(DType::f32, {3}));
    const auto y = scan({&start, 1}, {&x, 1}, {}, running_sum(), 3, reverse);
    const Graph graph = builder.finish({{"sum", y[0]}, {"items", y[1]}});
    EXPECT_EQ(graph.output_type(1).to_string(), "f32[3]");
    const auto found = reference::evaluate(
        graph, std::vector{Tensor::scalar(DType::f32, 1),
                           Tensor::of<float>({3}, std::vector<float>{2, 3, 4})});
    EXPECT_EQ(found[0].item(), 10);
    const std::vector<double> expected =
        reverse ? std::vector<double>{82, 53, 14} : std::vector<double>{12, 33, 64};
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(found[1].get(i), expected[static_cast<size_t>(i)]);
  }
}

TEST(Control, ReadsBackFromItsText) {
  Builder builder(standard_ops());
  const Value start = builder.input("start", kScalar);
  const Value x = builder.input("x", Type(DType::f32, {3}));
  const Value sum = scan({&start, 1}, {&x, 1}, {}, running_sum(), 3, true)[0];
  const Graph go_on = [] {
    Builder condition(standard_ops(), "condition");
    const Value value = condition.input("x", kScalar);
    return condition.finish({{"y", less(value, condition.scalar(DType::f32, 100))}});
  }();
  const Graph twice = map("twice", [](Value v) { return v * 2.0; });
  const Value grown = loop({&sum, 1}, go_on, twice, 20)[0];
  const Value positive = greater(grown, builder.scalar(DType::f32, 0));
  const Value y = branch(positive, {&grown, 1}, twice, map("same", [](Value v) { return v; }))[0];
  const Value z = call({&y, 1}, twice, {"Lambda", "double", "{\"a\": \"b\"}"})[0];
  const Graph graph = builder.finish({{"z", z}});
  const std::string text = print(graph);
  const auto again = parse_graph(text, standard_ops());
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_TRUE(*again == graph);
  EXPECT_EQ(print(*again), text);
  const auto found =
      reference::evaluate(graph, std::vector{Tensor::scalar(DType::f32, 1),
                                             Tensor::of<float>({3}, std::vector<float>{2, 3, 4})});
  EXPECT_EQ(found[0].item(), 640);  // 10, doubled to 160, then twice more
}

TEST(ControlRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", kScalar);
  const Value v = builder.input("v", Type(DType::f32, {3}));
  const Value p = builder.input("p", Type(DType::boolean, {}));
  const Graph same = map("same", [](Value a) { return a; });
  const Graph whole = map("whole", [](Value a) { return cast(a, DType::i32); });
  EXPECT_EQ(refusal([&] {
              branch(x, {&x, 1}, same, same);
            }),
            "[branch] the predicate must be bool[], but is f32[]");
  EXPECT_EQ(refusal([&] {
              branch(p, {&v, 1}, same, same);
            }),
            "[branch] input 'x' of then 'same' is f32[], but gets f32[3]");
  EXPECT_EQ(refusal([&] {
              branch(p, {&x, 1}, same, whole);
            }),
            "[branch] output 'y' of else 'whole' is i32[], but f32[] is expected");
  EXPECT_EQ(refusal([&] {
              loop({&x, 1}, same, same);
            }),
            "[loop] output 'y' of condition 'same' is f32[], but bool[] is expected");
  EXPECT_EQ(refusal([&] {
              scan({&x, 1}, {&v, 1}, {}, running_sum(), 4);
            }),
            "[scan] sequence 0 is f32[3], but the leading extent must be the 4 trips");
  EXPECT_EQ(refusal([&] {
              scan({&x, 1}, {}, {}, whole, 4);
            }),
            "[scan] carry 0 is f32[], but body 'whole' returns i32[]");
  EXPECT_EQ(refusal([&] {
              scan({&x, 1}, {}, {}, running_sum(), 4);
            }),
            "[scan] body 'step' takes 2 inputs, but gets 1");
  EXPECT_EQ(refusal([&] {
              call({&v, 1}, same, {});
            }),
            "[call] input 'x' of body 'same' is f32[], but gets f32[3]");
}

}  // namespace
}  // namespace brisk::testing
