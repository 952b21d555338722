#include <algorithm>

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/formats/onnx_round_trip.h"

// Single ops on their way out and back: those that ONNX lacks come back from their formulas, and
// what an import adds to an op's meaning is not added again.

namespace brisk::onnx {
namespace {

/// A program of inputs only.
Model model_of(const std::vector<Type>& inputs, Value (*make)(std::span<const Value> x)) {
  Builder builder(standard_ops(), "tested");
  std::vector<Value> x;
  for (const Type& type : inputs) x.push_back(builder.input(fmt::format("x{}", x.size()), type));
  const Value y = make(x);
  Model model;
  model.name = "tested";
  model.program.graph = builder.finish({{"y", y}});
  model.program.num_results = 1;
  return model;
}

int64_t count(const Model& model, std::string_view op) {
  const auto nodes = model.program.graph.nodes();
  return std::count_if(nodes.begin(), nodes.end(),
                       [&](const Node& node) { return node.op->name == op; });
}

Tensor in_type(DType type, const Tensor& values) {
  return type == values.dtype() ? values : values.cast(type);
}

struct WrittenOp {
  const char* op;
  size_t num_operands;
  Value (*make)(std::span<const Value> x);
};
constexpr WrittenOp kWritten[] = {
    {"log1p", 1, [](std::span<const Value> x) { return log1p(square(x[0])); }},
    {"expm1", 1, [](std::span<const Value> x) { return expm1(x[0]); }},
    {"silu", 1, [](std::span<const Value> x) { return silu(x[0]); }},
    {"mish", 1, [](std::span<const Value> x) { return mish(x[0]); }},
    {"gelu", 1, [](std::span<const Value> x) { return gelu(x[0], false); }},
    {"gelu", 1, [](std::span<const Value> x) { return gelu(x[0], true); }},
    {"atan2", 2, [](std::span<const Value> x) { return atan2(x[0], x[1]); }},
    {"is_finite", 1, [](std::span<const Value> x) { return is_finite(x[0]); }},
    {"rsqrt", 1, [](std::span<const Value> x) { return rsqrt(square(x[0]) + 1.0); }},
    {"not_equal", 2, [](std::span<const Value> x) { return not_equal(x[0], x[1]); }},
};

TEST(OnnxWrittenOps, ComeBackAsTheyWere) {
  for (const WrittenOp& each : kWritten)
    for (const DType type : {DType::f32, DType::f16})
      for (const int opset : {17, 18, 20, 25}) {
        SCOPED_TRACE(fmt::format("{} in {}, opset {}", each.op, name(type), opset));
        const std::vector<Type> types(each.num_operands, Type(type, {3, 5}));
        const Inputs inputs = {in_type(type, ramp({3, 5})), in_type(type, ramp({3, 5}, 0.81))};
        const Model read = expect_round_trip(
            model_of(types, each.make),
            {inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(each.num_operands)}, opset);
        if (each.op == std::string_view("rsqrt") && type == DType::f16) continue;
        EXPECT_EQ(count(read, each.op), 1) << print(read.program);
      }
}

TEST(OnnxWrittenOps, ANumberThatIsNoneOfAFormulaStays) {
  const Model read = again(model_of({Type(DType::f32, {3})}, [](std::span<const Value> x) {
    return exp(x[0]) - 2.0 + log(square(x[0]) + 3.0);
  }));
  EXPECT_EQ(count(read, "expm1") + count(read, "log1p"), 0);
}

TEST(OnnxWrittenOps, AttentionIsOneNodeSinceOpset23) {
  const Model model =
      model_of({Type(DType::f32, {2, 4, 3, 8}), Type(DType::f32, {2, 6, 3, 8}),
                Type(DType::f32, {2, 6, 3, 5}), Type(DType::f32, {1, 3, 4, 6})},
               [](std::span<const Value> x) {
                 return dot_product_attention(x[0], x[1], x[2], x[3], {.scale = 0.25}).y;
               });
  const Inputs inputs = {ramp({2, 4, 3, 8}), ramp({2, 6, 3, 8}, 0.7), ramp({2, 6, 3, 5}, 0.2),
                         ramp({1, 3, 4, 6})};
  expect_round_trip(model, inputs);
  EXPECT_EQ(count(expect_round_trip(model, inputs, 23), "dot_product_attention"), 1);
}

TEST(OnnxWrittenOps, PositionsThatCannotBeNegativeAreReadAsTheyAre) {
  const Model read = expect_round_trip(
      model_of(
          {Type(DType::f32, {4, 5}), Type(DType::f32, {7})},
          [](std::span<const Value> x) {
            const Value at = cast(clamp(abs(x[1]) * 2.0, 0, 3), DType::i64);
            return gather(x[0], at, 0) + broadcast_to(cast(argmax(x[0], 0), DType::f32), {7, 5});
          }),
      {ramp({4, 5}), ramp({7})});
  EXPECT_EQ(count(read, "select"), 0) << print(read.program);
  EXPECT_EQ(count(read, "gather"), 1);
}

TEST(OnnxWrittenOps, PositionsThatMayBeNegativeAreCountedOnce) {
  const ModelDef file = make_model(
      {{"x", tensor_type(ElementType::f32, {4, 5})}, {"i", tensor_type(ElementType::i64, {3})}},
      {make_node("Gather", {"x", "i"}, {"y"})}, {{"y", {}}});
  const Model read = loaded(file);
  EXPECT_EQ(count(read, "select"), 1);
  expect_same_text(read, {ramp({4, 5}), Tensor::of<int64_t>({3}, std::vector<int64_t>{-1, 0, 2})});
}

TEST(OnnxWrittenOps, BroadcastsHaveOneForm) {
  const Model read = expect_round_trip(
      model_of({Type(DType::f32, {1}), Type(DType::f32, {3, 1, 5}), Type(DType::f32, {2, 3, 4, 5})},
               [](std::span<const Value> x) {
                 const Value one = broadcast(x[0], {2, 3, 4, 5}, {0});
                 return one + x[2] * broadcast(x[1], {2, 3, 4, 5}, {1, 2, 3});
               }),
      {ramp({1}), ramp({3, 1, 5}), ramp({2, 3, 4, 5})});
  EXPECT_NE(print(read.program).find("axes = [3]"), std::string::npos) << print(read.program);
}

TEST(OnnxWrittenOps, WhatOnnxLacksIsMadeOfOtherOps) {
  const Type matrix(DType::f32, {4, 5}), image(DType::f32, {2, 6, 6, 3});
  const Tensor x = ramp({4, 5}), y = ramp({2, 6, 6, 3});
  const auto i32 = [](std::vector<int64_t> sizes, std::vector<int32_t> values) {
    return Tensor::of<int32_t>(std::move(sizes), values);
  };
  const Type place(DType::i32, Shape());
  const Tensor one = i32({}, {1}), four = i32({}, {4});
  expect_round_trip(model_of({matrix},
                             [](std::span<const Value> v) {
                               return slice_axis(v[0], 0, 1, 3);  // the other axis to its end
                             }),
                    {x});
  expect_round_trip(model_of({matrix, place, place},
                             [](std::span<const Value> v) {
                               return dynamic_slice(v[0], v.subspan(1), {2, 3});
                             }),
                    {x, one, four});
  expect_round_trip(model_of({matrix, Type(DType::f32, {2, 3}), place, place},
                             [](std::span<const Value> v) {
                               return dynamic_update_slice(v[0], v[1], v.subspan(2));
                             }),
                    {x, ramp({2, 3}, 0.9), one, four});
  expect_round_trip(
      model_of({matrix},
               [](std::span<const Value> v) {
                 return pad(v[0], v[0].builder->scalar(DType::f32, 7), {1, -1}, {0, 2}, {2, 1});
               }),
      {x});
  expect_round_trip(
      model_of({image, Type(DType::f32, {3, 3, 3, 2})},
               [](std::span<const Value> v) {
                 return convolution(v[0], v[1], {{1, 2}, {-1, 1}, {0, -2}, {1, 1}, 1});
               }),
      {y, ramp({3, 3, 3, 2}, 0.21)});
  expect_round_trip(model_of({image, Type(DType::f32, {2, 3, 3, 6})},
                             [](std::span<const Value> v) {
                               return convolution_filter_gradient(
                                   v[0], v[1], {3, 3, 1, 6}, {{2, 2}, {0, 1}, {1, 0}, {1, 1}, 3});
                             }),
                    {y, ramp({2, 3, 3, 6}, 0.21)});
  const Tensor numbers = i32({5}, {-8, -1, 0, 7, 1 << 30}), by = i32({5}, {1, 40, 3, 0, 31});
  for (const std::string_view shift : {"shift_left", "shift_right"}) {
    Builder builder(standard_ops(), "tested");
    const Value a = builder.input("x0", Type(DType::i32, {5})),
                b = builder.input("x1", Type(DType::i32, {5}));
    Model model;
    model.name = "tested";
    model.program.graph = builder.finish({{"y", builder.emit_one(shift, {a, b})}});
    model.program.num_results = 1;
    expect_round_trip(model, {numbers, by});
  }
}

TEST(OnnxWrittenOps, ConvolutionsOfIntegersAreThoseOfBytes) {
  ModelDef file = make_model(
      {{"x", tensor_type(ElementType::u8, {1, 2, 5, 4})}, {"p", tensor_type(ElementType::u8, {})}},
      {make_node("ConvInteger", {"x", "w", "p", "q"}, {"y"})}, {{"y", {}}});
  Tensor filter(DType::i8, {3, 2, 2, 2}), points(DType::i8, {3});
  for (int64_t i = 0; i < 24; ++i) filter.set(i, static_cast<double>(i * 7 % 17 - 8));
  for (int64_t i = 0; i < 3; ++i) points.set(i, static_cast<double>(i - 1));
  file.graph.initializers = {{"w", HostTensor(filter)}, {"q", HostTensor(points)}};
  const Model read = loaded(file);
  Tensor image(DType::u8, {1, 2, 5, 4});
  for (int64_t i = 0; i < 40; ++i) image.set(i, static_cast<double>(i * 13 % 256));
  expect_same_text(read, {image, Tensor::scalar(DType::u8, 100)});
  const ModelDef written = to_onnx(read, {}).value();
  EXPECT_TRUE(std::any_of(written.graph.nodes.begin(), written.graph.nodes.end(),
                          [](const NodeDef& node) { return node.op == "ConvInteger"; }));
}

TEST(OnnxWrittenOps, CapturesOfALoopHaveAnOrder) {
  Builder condition(standard_ops(), "condition"), body(standard_ops(), "body");
  const Type number(DType::f32, Shape());
  std::vector<Value> c, b;
  for (int i = 0; i < 4; ++i) {
    c.push_back(condition.input(fmt::format("c{}", i), number));
    b.push_back(body.input(fmt::format("b{}", i), number));
  }
  // x, step, limit, factor: while (x < limit) x = x * factor + step
  Graph test = condition.finish({{"holds", less(c[0], c[2])}});
  const Value next = b[0] * b[3] + b[1];
  Graph step = body.finish({{"x", next}, {"step", b[1]}, {"limit", b[2]}, {"factor", b[3]}});
  Builder builder(standard_ops(), "tested");
  std::vector<Value> x;
  for (int i = 0; i < 4; ++i) x.push_back(builder.input(fmt::format("x{}", i), number));
  Model model;
  model.name = "tested";
  model.program.graph = builder.finish({{"y", loop(x, std::move(test), std::move(step), 50)[0]}});
  model.program.num_results = 1;
  const auto scalar = [](double value) { return Tensor::scalar(DType::f32, value); };
  expect_round_trip(model, {scalar(1), scalar(0.5), scalar(9), scalar(1.5)});
}

TEST(OnnxWrittenOps, EmptyTensorsKeepTheirShape) {
  expect_round_trip(model_of({Type(DType::f32, {2, 6})},
                             [](std::span<const Value> x) {
                               const Value none = slice_axis(x[0], 1, 4, 4);
                               return reshape(none, {0, 2, 3});
                             }),
                    {ramp({2, 6})});
}

TEST(OnnxWrittenOps, UpdatesThatAreSmallerThanWhatTheyChange) {
  for (const char* reduction : {"none", "add", "max"}) {
    AttributeDef how;
    how.name = "reduction";
    how.kind = AttributeDef::Kind::text;
    how.text = reduction;
    ModelDef file = make_model(
        {{"x", tensor_type(ElementType::f32, {3, 4})},
         {"u", tensor_type(ElementType::f32, {2, 3})}},
        {make_node("ScatterElements", {"x", "i", "u"}, {"y"}, {integer_attribute("axis", 1), how})},
        {{"y", {}}}, {{"i", i64({2, 3}, {3, 0, 1, 2, -1, 0})}});
    file.opsets[""] = 18;
    const Model read = loaded(file);
    const Tensor x = ramp({3, 4}), u = ramp({2, 3}, 0.9);
    expect_same_text(read, {x, u}, 18);
    // Each update meets one element; the last row and what no index names stay.
    Tensor wanted = x.clone();
    const std::vector<int64_t> at = {3, 0, 1, 6, 7, 4};
    for (int64_t i = 0; i < 6; ++i) {
      const int64_t place = at[static_cast<size_t>(i)];
      const double old = x.get(place), given = u.get(i);
      wanted.set(place, reduction == std::string_view("none")  ? given
                        : reduction == std::string_view("add") ? old + given
                                                               : std::max(old, given));
    }
    expect_near(run(read, {x, u}), {wanted});
  }
}

TEST(OnnxWrittenOps, EightBitFloatsSaturateOrNot) {
  for (const int64_t saturate : {0, 1}) {
    ModelDef file =
        make_model({{"x", tensor_type(ElementType::f32, {5})}},
                   {make_node("Cast", {"x"}, {"e"},
                              {integer_attribute("to", static_cast<int64_t>(ElementType::f8e4m3fn)),
                               integer_attribute("saturate", saturate)}),
                    make_node("Cast", {"e"}, {"y"},
                              {integer_attribute("to", static_cast<int64_t>(ElementType::f32))})},
                   {{"y", {}}});
    file.opsets[""] = 19;
    const Model read = loaded(file);
    const float infinity = std::numeric_limits<float>::infinity();
    // 9.5 lies between 9 and 10, the even one of which is 10 (ten eighths); 460 rounds to 448.
    const Tensor x = Tensor::of<float>({5}, std::vector<float>{9.5F, 460, 1000, -infinity, 0.001F});
    const std::vector<Tensor> found = run(read, {x});
    EXPECT_EQ(found[0].get(0), 10);
    EXPECT_EQ(found[0].get(1), 448);
    EXPECT_EQ(found[0].get(4), 0.001953125);  // 2^-9, the smallest
    for (const int64_t i : {2, 3}) {
      if (saturate != 0)
        EXPECT_EQ(found[0].get(i), i == 2 ? 448 : -448);
      else
        EXPECT_TRUE(std::isnan(found[0].get(i)));
    }
    EXPECT_EQ(print(again(read, 19).program), print(read.program));
    EXPECT_FALSE(to_onnx(read, {.version = 17}).ok());
  }
}

/// x [2, 3, 4] through a BatchNormalization in training mode; its statistics as `initializers` or
/// inputs.
ModelDef normalizing_by_batch(bool initialized) {
  std::vector<ValueDef> inputs = {{"x", tensor_type(ElementType::f32, {2, 3, 4})}};
  std::vector<InitializerDef> weights = {{"scale", f32({3}, {1, 2, 3})},
                                         {"bias", f32({3}, {0, 1, 0})}};
  for (const char* name : {"mean", "variance"}) {
    if (initialized)
      weights.push_back({name, f32({3}, {0.5F, 1, 2})});
    else
      inputs.push_back({name, tensor_type(ElementType::f32, {3})});
  }
  return make_model(
      std::move(inputs),
      {make_node("BatchNormalization", {"x", "scale", "bias", "mean", "variance"},
                 {"y", "next_mean", "next_variance"}, {integer_attribute("training_mode", 1)})},
      {{"y", {}}, {"next_mean", {}}}, std::move(weights));
}

TEST(OnnxWrittenOps, StatisticsOfTheBatchStayOnes) {
  const Model read = loaded(normalizing_by_batch(false));
  const Tensor x = ramp({2, 3, 4}), statistic = ramp({3}, 0.4);
  expect_same_text(read, {x, statistic, statistic});
  const std::vector<Tensor> found = run(read, {x, statistic, statistic});
  for (int64_t channel = 0; channel < 3; ++channel) {
    double mean = 0;
    for (const int64_t sample : {0, 1})
      for (int64_t i = 0; i < 4; ++i) mean += x.get((sample * 3 + channel) * 4 + i) / 8;
    EXPECT_NEAR(found[1].get(channel), 0.9 * statistic.get(channel) + 0.1 * mean, 1e-6);
  }
}

TEST(OnnxWrittenOps, StatisticsThatAreWeightsAreALayers) {
  const Model read = loaded(normalizing_by_batch(true));
  EXPECT_EQ(count(read, "batch_norm"), 1);
  EXPECT_EQ(read.program.updates.size(), 2U);
  expect_same_text(read, {ramp({2, 3, 4})});
}

}  // namespace
}  // namespace brisk::onnx
