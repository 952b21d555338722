#include "brisk/ops/move/move.h"

#include <gtest/gtest.h>

#include <numeric>

#include "brisk/ir/program.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "tests/ops/computed.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

using Doubles = std::vector<double>;
using Sizes = std::vector<int64_t>;

/// 0, 1, 2, ... in a shape.
Tensor counting(Sizes sizes) {
  Tensor tensor(DType::f64, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i) tensor.set(i, static_cast<double>(i));
  return tensor;
}

Doubles moved_elements(const Tensor& x, const std::function<Value(Value)>& f) {
  return as_doubles(computed({x}, [&](Builder&, auto in) { return f(in[0]); }));
}

/// The gradient of sum(f(x) * weights 1, 2, 3, ...) with respect to x.
Doubles weighted_gradient(const Tensor& x, const std::function<Value(Value)>& f) {
  return as_doubles(gradients({x}, [&](Builder& builder, auto in) {
    const Value y = f(in[0]);
    Tensor weights(DType::f64, y.shape().sizes());
    for (int64_t i = 0; i < weights.num_elements(); ++i) weights.set(i, static_cast<double>(i + 1));
    return y * builder.constant(weights);
  })[0]);
}

struct Symbols {
  Builder builder{standard_ops()};
  Extent batch{"batch"};
  Value x = builder.input("x", Type(DType::f32, {batch, 6, 4}));
};

TEST(Move, BroadcastRepeatsAndItsGradientSums) {
  const auto rows = [](Value x) { return broadcast(x, {2, 3}, {1}); };
  EXPECT_EQ(moved_elements(counting({3}), rows), (Doubles{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(weighted_gradient(counting({3}), rows), (Doubles{5, 7, 9}));
  const auto columns = [](Value x) { return broadcast(x, {2, 2, 3}, {0, 2}); };
  EXPECT_EQ(moved_elements(counting({2, 1}), columns),
            (Doubles{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(weighted_gradient(counting({2, 1}), columns), (Doubles{21, 57}));
}

TEST(Move, BroadcastRefusals) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {2, 3}));
  EXPECT_EQ(refusal([&] {
              broadcast_to(x, {2, 4});
            }),
            "[broadcast] axis 1 of f32[2, 3] does not fit axis 1 of the result [2, 4]");
  EXPECT_EQ(refusal([&] { broadcast_to(x, {3}); }), "[broadcast] f32[2, 3] has more axes than [3]");
  EXPECT_EQ(refusal([&] {
              broadcast(x, {3, 2}, {1, 0});
            }),
            "[broadcast] axes [1, 0] are not strictly ascending");
  EXPECT_EQ(refusal([&] {
              broadcast(x, {2, 3}, {0});
            }),
            "[broadcast] 1 axes are given for the 2 axes of f32[2, 3]");
  EXPECT_EQ(broadcast_to(x, {2, 3}), x);
}

TEST(Move, ReshapeKeepsRowMajorOrder) {
  EXPECT_EQ(moved_elements(counting({2, 3}),
                           [](Value x) {
                             return reshape(x, {3, 2});
                           }),
            (Doubles{0, 1, 2, 3, 4, 5}));
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {2, 3, 4}));
  EXPECT_EQ(reshape(x, {Extent(-1), 4}).shape(), (Shape{6, 4}));
  EXPECT_EQ(reshape(x, {2, 3, 4}), x);
  EXPECT_EQ(expand_dims(x, -1).shape(), (Shape{2, 3, 4, 1}));
  EXPECT_EQ(squeeze(expand_dims(x, 1), 1).shape(), x.shape());
  EXPECT_EQ(refusal([&] {
              reshape(x, {5, 5});
            }),
            "[reshape] shape [2, 3, 4] cannot be read as [5, 5]: the numbers of elements differ");
  EXPECT_EQ(refusal([&] {
              reshape(x, {Extent(-1), 7});
            }),
            "[reshape] shape [2, 3, 4] cannot be read as [-1, 7]: the numbers of elements differ");
  EXPECT_EQ(refusal([&] {
              reshape(x, {Extent(-1), Extent(-1)});
            }),
            "[reshape] shape [-1, -1] has more than one -1");
  EXPECT_EQ(refusal([&] { squeeze(x, 0); }), "[squeeze] axis 0 of f32[2, 3, 4] is not 1");
}

TEST(Move, ReshapeKeepsNamedExtentsThatAppearOnBothSides) {
  Symbols s;
  EXPECT_EQ(reshape(s.x, {s.batch, 24}).shape(), (Shape{s.batch, 24}));
  EXPECT_EQ(reshape(s.x, {s.batch, Extent(-1)}).shape(), (Shape{s.batch, 24}));
  EXPECT_EQ(reshape(s.x, {Extent(-1), 24}).shape(), (Shape{s.batch, 24}));
  EXPECT_EQ(reshape(s.x, {Extent(-1), 2, 12}).shape(), (Shape{s.batch, 2, 12}));
  EXPECT_NE(refusal([&] { reshape(s.x, {24}); }), "");
  EXPECT_NE(refusal([&] { reshape(s.x, {Extent("time"), 24}); }), "");
  EXPECT_NE(refusal([&] { reshape(s.x, {Extent(-1), 12}); }), "");
}

TEST(Move, TransposeAndItsInverseGradient) {
  const auto turn = [](Value x) { return transpose(x, {2, 0, 1}); };
  EXPECT_EQ(moved_elements(counting({2, 1, 3}), turn), (Doubles{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(weighted_gradient(counting({2, 1, 3}), turn), (Doubles{1, 3, 5, 2, 4, 6}));
  Symbols s;
  EXPECT_EQ(transpose(s.x, {2, 0, 1}).shape(), (Shape{4, s.batch, 6}));
  EXPECT_EQ(transpose(s.x, {0, 1, 2}), s.x);
  EXPECT_EQ(refusal([&] {
              transpose(s.x, {0, 0, 1});
            }),
            "[transpose] [0, 0, 1] is not a permutation of the axes of f32[batch, 6, 4]");
}

TEST(Move, SliceReadsEveryStepAndItsGradientPutsBack) {
  const auto odd = [](Value x) { return slice(x, {1}, {7}, {3}); };
  EXPECT_EQ(moved_elements(counting({8}), odd), (Doubles{1, 4}));
  EXPECT_EQ(weighted_gradient(counting({8}), odd), (Doubles{0, 1, 0, 0, 2, 0, 0, 0}));
  const auto none = [](Value x) { return slice(x, {3}, {3}); };
  EXPECT_EQ(moved_elements(counting({4}), none), Doubles{});
  EXPECT_EQ(weighted_gradient(counting({4}), none), (Doubles{0, 0, 0, 0}));
  EXPECT_EQ(moved_elements(counting({4}), [](Value x) { return slice(x, {1}, {-1}); }),
            (Doubles{1, 2, 3}));
}

TEST(Move, SliceTakesNamedAxesOnlyWhole) {
  Symbols s;
  EXPECT_EQ(slice_axis(s.x, 1, 2, 5).shape(), (Shape{s.batch, 3, 4}));
  EXPECT_EQ(slice_axis(s.x, -1, 0, 2).shape(), (Shape{s.batch, 6, 2}));
  EXPECT_EQ(refusal([&] { slice_axis(s.x, 0, 0, 1); }),
            "[slice] axis 0 of shape [batch, 6, 4] has no size yet; take it whole (0:-1) or bind "
            "'batch' first");
  EXPECT_EQ(refusal([&] { slice_axis(s.x, 1, 3, 9); }),
            "[slice] range 3:9 of axis 1 does not fit shape [batch, 6, 4]");
  EXPECT_EQ(refusal([&] {
              slice(s.x, {0, 0, 0}, {-1, 6, 4}, {1, 0, 1});
            }),
            "[slice] step 0 of axis 1 is below 1");
  // The limit -1 still means the end once the dimension has a size.
  const Graph graph = s.builder.finish({{"y", slice_axis(s.x, 1, 2, 5)}});
  EXPECT_EQ(bind_dimensions(graph, {{"batch", 7}}).output_type(0).shape(), (Shape{7, 3, 4}));
}

Value padded(Value x, Sizes low, Sizes high, Sizes interior = {}) {
  return pad(x, x.builder->scalar(DType::f64, 9), low, high, interior);
}

TEST(Move, PadGrowsSpreadsAndCrops) {
  EXPECT_EQ(moved_elements(counting({3}), [](Value x) { return padded(x, {1}, {2}); }),
            (Doubles{9, 0, 1, 2, 9, 9}));
  EXPECT_EQ(moved_elements(counting({3}), [](Value x) { return padded(x, {0}, {0}, {1}); }),
            (Doubles{0, 9, 1, 9, 2}));
  EXPECT_EQ(moved_elements(counting({4}), [](Value x) { return padded(x, {-1}, {-2}); }),
            (Doubles{1}));
  EXPECT_EQ(moved_elements(counting({3}), [](Value x) { return padded(x, {-1}, {1}, {1}); }),
            (Doubles{9, 1, 9, 2, 9}));
}

TEST(Move, GradientsOfPadSeeCroppedElementsAsLost) {
  EXPECT_EQ(weighted_gradient(counting({3}), [](Value x) { return padded(x, {1}, {2}); }),
            (Doubles{2, 3, 4}));
  EXPECT_EQ(weighted_gradient(counting({4}), [](Value x) { return padded(x, {-1}, {-2}); }),
            (Doubles{0, 1, 0, 0}));
  EXPECT_EQ(weighted_gradient(counting({3}), [](Value x) { return padded(x, {-1}, {1}, {1}); }),
            (Doubles{0, 2, 4}));
  // Towards the padding value: the weights at the places that it fills.
  const auto g = gradients({f64s({5, 6}), Tensor::scalar(DType::f64, 9)}, [](Builder& b, auto in) {
    const Value y = pad(in[0], in[1], {1}, {-1}, {2});
    return y * b.constant(f64s({1, 10, 100, 1000}));
  });
  EXPECT_EQ(as_doubles(g[0]), (Doubles{10, 0}));
  EXPECT_EQ(as_doubles(g[1]), (Doubles{1101}));
}

TEST(Move, PadRefusals) {
  Symbols s;
  const Value zero = s.builder.scalar(DType::f32, 0);
  EXPECT_EQ(pad(s.x, zero, {0, 1, 0}, {0, 1, 0}).shape(), (Shape{s.batch, 8, 4}));
  EXPECT_EQ(refusal([&] {
              pad(s.x, zero, {1, 0, 0}, {0, 0, 0});
            }),
            "[pad] axis 0 of f32[batch, 6, 4] has no size yet; bind 'batch' first");
  EXPECT_EQ(refusal([&] {
              pad(s.x, zero, {0, -4, 0}, {0, -3, 0});
            }),
            "[pad] edges -4 and -3 crop more than axis 1 of f32[batch, 6, 4] has");
  EXPECT_EQ(refusal([&] {
              pad(s.x, s.builder.scalar(DType::i32, 0), {0, 0, 0}, {0, 0, 0});
            }),
            "[pad] the padding value is i32[], but f32[batch, 6, 4] needs a scalar of its element "
            "type");
}

TEST(Move, ConcatenateAndItsGradient) {
  const Tensor a = counting({2, 1}), b = counting({2, 2});
  const auto join = [](Builder&, std::span<const Value> in) { return concatenate(in, 1); };
  EXPECT_EQ(as_doubles(computed({a, b}, join)), (Doubles{0, 0, 1, 1, 2, 3}));
  const auto g = gradients({a, b}, [](Builder& builder, auto in) {
    return concatenate(in, -1) * builder.constant(counting({2, 3}));
  });
  EXPECT_EQ(as_doubles(g[0]), (Doubles{0, 3}));
  EXPECT_EQ(as_doubles(g[1]), (Doubles{1, 2, 4, 5}));
}

TEST(Move, ConcatenateRefusals) {
  Symbols s;
  const Value other = s.builder.input("other", Type(DType::f32, {s.batch, 5, 4}));
  const Value ints = s.builder.input("ints", Type(DType::i32, {s.batch, 5, 4}));
  const auto join = [](std::vector<Value> parts, int64_t axis) { return concatenate(parts, axis); };
  EXPECT_EQ(join({s.x, other}, 1).shape(), (Shape{s.batch, 11, 4}));
  EXPECT_EQ(refusal([&] {
              join({s.x, other}, 2);
            }),
            "[concatenate] operand 1 is f32[batch, 5, 4], which does not continue f32[batch, 6, 4] "
            "along axis 2");
  EXPECT_NE(refusal([&] { join({s.x, ints}, 1); }), "");
  EXPECT_EQ(refusal([&] {
              join({s.x, s.x}, 0);
            }),
            "[concatenate] axis 0 of operand 0 (f32[batch, 6, 4]) has no size yet; bind 'batch' "
            "first");
  EXPECT_EQ(join({s.x}, 1), s.x);
  EXPECT_EQ(refusal([&] { join({}, 0); }), "[concatenate] there are no parts");
}

TEST(Move, ReverseTurnsAroundAndBack) {
  const auto turn = [](Value x) { return reverse(x, {-1}); };
  EXPECT_EQ(moved_elements(counting({2, 3}), turn), (Doubles{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(weighted_gradient(counting({2, 3}), turn), (Doubles{3, 2, 1, 6, 5, 4}));
}

TEST(Move, DynamicWindowsAreMovedInside) {
  const auto window = [](int start) {
    return moved_elements(counting({5}), [start](Value x) {
      const Value at = x.builder->scalar(DType::i32, start);
      return dynamic_slice(x, std::vector{at}, {2});
    });
  };
  EXPECT_EQ(window(1), (Doubles{1, 2}));
  EXPECT_EQ(window(9), (Doubles{3, 4}));
  EXPECT_EQ(window(-3), (Doubles{0, 1}));
  const auto updated = [](Builder& builder, std::span<const Value> in) {
    const Value at = builder.scalar(DType::i32, 7);
    return dynamic_update_slice(in[0], in[1], std::vector{at});
  };
  EXPECT_EQ(as_doubles(computed({counting({4}), f64s({8, 9})}, updated)), (Doubles{0, 1, 8, 9}));
}

TEST(Move, GradientsOfDynamicWindows) {
  const auto g = gradients({counting({4}), f64s({8, 9})}, [](Builder& builder, auto in) {
    const std::vector at = {builder.scalar(DType::i32, 7)};
    return dynamic_update_slice(in[0], in[1], at) * builder.constant(f64s({1, 10, 100, 1000}));
  });
  EXPECT_EQ(as_doubles(g[0]), (Doubles{1, 10, 0, 0}));
  EXPECT_EQ(as_doubles(g[1]), (Doubles{100, 1000}));
  EXPECT_EQ(weighted_gradient(counting({4}),
                              [](Value x) {
                                const Value at = x.builder->scalar(DType::i32, 2);
                                return dynamic_slice(x, std::vector{at}, {2});
                              }),
            (Doubles{0, 0, 1, 2}));
}

TEST(Move, DynamicWindowsOverNamedAxesAreWhole) {
  Symbols s;
  const Value zero = s.builder.scalar(DType::i32, 0);
  const std::vector starts = {zero, zero, zero};
  const Value window = dynamic_slice(s.x, starts, {-1, 2, 4});
  EXPECT_EQ(window.shape(), (Shape{s.batch, 2, 4}));
  EXPECT_EQ(dynamic_update_slice(s.x, window, starts).shape(), s.x.shape());
  EXPECT_EQ(refusal([&] {
              dynamic_slice(s.x, starts, {1, 2, 4});
            }),
            "[dynamic_slice] a window of 1 does not fit axis 0 of f32[batch, 6, 4]");
  EXPECT_EQ(refusal([&] {
              dynamic_slice(s.x, std::vector{zero}, {-1, 2, 4});
            }),
            "[dynamic_slice] 1 starts are given for the 3 axes of f32[batch, 6, 4]");
  const Value real = s.builder.scalar(DType::f32, 0);
  EXPECT_EQ(refusal([&] {
              dynamic_slice(s.x, std::vector{zero, real, zero}, {-1, 2, 4});
            }),
            "[dynamic_slice] start 1 is f32[], not i32[]");
  const Value large = s.builder.input("large", Type(DType::f32, {s.batch, 7, 4}));
  EXPECT_EQ(
      refusal([&] { dynamic_update_slice(s.x, large, starts); }),
      "[dynamic_update_slice] the update f32[batch, 7, 4] does not fit into f32[batch, 6, 4]");
}

TEST(Move, TensorQuantizationStaysAndAxisQuantizationIsRefused) {
  Builder builder(standard_ops());
  const Value whole = builder.input("w", TensorType{DType::i8, {2, 3}, Quantization{{0.5}, {0}}});
  EXPECT_TRUE(transpose(whole, {1, 0}).type().tensor().quantization.has_value());
  const Value by_axis =
      builder.input("a", TensorType{DType::i8, {2, 3}, Quantization{{0.5, 1}, {0, 0}, 0}});
  EXPECT_NE(refusal([&] { transpose(by_axis, {1, 0}); }).find("[transpose]"), std::string::npos);
}

std::optional<IndexMap> map_of(const Value& result) {
  const Node& node = result.builder->node(result.id.node);
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands)
    operands.push_back(Value{result.builder, operand}.type());
  return node.op->index_map_rule({*node.op, operands, node.attributes, {}}, result.type());
}

TEST(Move, IndexMaps) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {2, 1, 4}));
  const auto strides = [](const Value& v) { return map_of(v)->stride; };
  using Strides = std::vector<Sizes>;
  EXPECT_EQ(strides(broadcast(x, {2, 5, 3, 4}, {0, 2, 3})),
            (Strides{{1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 1}}));
  EXPECT_EQ(strides(transpose(x, {2, 0, 1})), (Strides{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}));
  const Value even = slice(x, {0, 0, 1}, {2, 1, 4}, {1, 1, 2});
  EXPECT_EQ(map_of(even)->offset, (Sizes{0, 0, 1}));
  EXPECT_EQ(strides(even), (Strides{{1, 0, 0}, {0, 1, 0}, {0, 0, 2}}));
  EXPECT_EQ(map_of(reverse(x, {2}))->offset, (Sizes{0, 0, 3}));
  EXPECT_EQ(strides(reverse(x, {2})), (Strides{{1, 0, 0}, {0, 1, 0}, {0, 0, -1}}));
  EXPECT_EQ(strides(reshape(x, {1, 2, 4, 1})), (Strides{{0, 1, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 0}}));
  EXPECT_FALSE(map_of(reshape(x, {8})).has_value());
  EXPECT_FALSE(map_of(reshape(x, {4, 2})).has_value());
}

}  // namespace
}  // namespace brisk::testing
