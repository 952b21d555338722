#include "brisk/backends/loop/make_loop_program.h"

#include "brisk/backends/reference/evaluate.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"
#include "loop_running.h"

// Regions of ops, compiled, against the reference evaluator.

namespace brisk {
namespace {

using Make = std::function<std::vector<Value>(Builder&, std::vector<Value>)>;

Graph region_of(std::vector<Type> operands, const Make& make) {
  Builder builder(standard_ops(), "loop");
  std::vector<Value> inputs;
  for (const Type& type : operands)
    inputs.push_back(builder.input(fmt::format("operand{}", inputs.size()), type));
  std::vector<Builder::Output> outputs;
  for (const Value& value : make(builder, inputs))
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  return builder.finish(outputs);
}

void expect_like_reference(std::vector<Type> operands, double tolerance, const Make& make) {
  const Graph region = region_of(operands, make);
  const auto program = make_loop_program(region);
  ASSERT_TRUE(program.ok()) << program.error();
  std::vector<Tensor> buffers;
  for (const Type& type : operands)
    buffers.push_back(random_tensor(type.dtype(), type.shape().sizes(), buffers.size() + 1));
  const std::vector<Tensor> expected = reference::evaluate(region, buffers);
  for (const Tensor& result : expected) buffers.emplace_back(result.dtype(), result.sizes());
  for (const VectorIsa isa : testable_isas()) {
    for (const int threads : {1, 2}) {
      std::vector<Tensor> actual = clones(buffers);
      run_compiled(*program, actual, {.planned_threads = threads, .threads = threads, .isa = isa});
      for (size_t i = 0; i < expected.size(); ++i)
        expect_close(actual[operands.size() + i], expected[i], tolerance,
                     fmt::format("{}, {} threads, result {} of\n{}", name(isa), threads, i,
                                 to_text(*program)));
    }
  }
}

Type f32(Shape shape) {
  return Type(DType::f32, std::move(shape));
}

TEST(LoopRegion, ScaleShiftRelu) {
  expect_like_reference(
      {f32({4, 5, 6, 24}), f32({24}), f32({24})}, 1e-6,
      [](Builder&, std::vector<Value> in) { return std::vector{relu(in[0] * in[1] + in[2])}; });
}

TEST(LoopRegion, ScalarsAndConstants) {
  expect_like_reference({f32({33}), f32({})}, 1e-6, [](Builder& b, std::vector<Value> in) {
    return std::vector{in[0] * 2.0 - in[1] + broadcast_to(b.scalar(DType::f32, 0.5), {33})};
  });
  expect_like_reference({f32({})}, 1e-6,
                        [](Builder&, std::vector<Value> in) { return std::vector{exp(in[0])}; });
}

TEST(LoopRegion, MovesBecomeStrides) {
  expect_like_reference(
      {f32({6, 7, 20}), f32({20, 6}), f32({10, 30})}, 1e-6, [](Builder&, std::vector<Value> in) {
        const Value turned = broadcast(transpose(in[1], {1, 0}), {6, 7, 20}, {0, 2});
        const Value cut =
            broadcast(reverse(slice(in[2], {1, 2}, {8, 22}), {0}), {6, 7, 20}, {1, 2});
        return std::vector{in[0] + turned * cut, in[0] - cut};
      });
  expect_like_reference({f32({8, 9, 10})}, 0, [](Builder&, std::vector<Value> in) {
    return std::vector{transpose(in[0], {2, 0, 1})};
  });
}

TEST(LoopRegion, Gradients) {  // of a bias and an activation: stored and folded in one pass
  expect_like_reference(
      {f32({3, 8, 8, 33}), f32({3, 8, 8, 33})}, 2e-6, [](Builder&, std::vector<Value> in) {
        const Value gradient = select(greater(in[1], in[1] * 0.0), in[0], in[0] * 0.0);
        return std::vector{gradient, reduce_sum(gradient, {0, 1, 2}),
                           reduce_sum(gradient * in[1], {0, 1, 2})};
      });
}

TEST(LoopRegion, StatisticsWithLinesAfterTheFold) {
  expect_like_reference({f32({2, 8, 8, 19}), f32({19})}, 2e-6, [](Builder&, std::vector<Value> in) {
    const Value mean = reduce_sum(in[0], {0, 1, 2}) * (1.0 / 128);
    const Value square = reduce_sum(in[0] * in[0], {0, 1, 2}) * (1.0 / 128);
    return std::vector{mean, square - mean * mean, in[1] * 0.9 + mean * 0.1};
  });
  expect_like_reference({f32({5, 6, 40})}, 2e-6, [](Builder&, std::vector<Value> in) {
    return std::vector{reduce_max(in[0], {2}, true), reduce_sum(in[0], {2}, true) * 0.025};
  });
  expect_like_reference({f32({5, 6, 4})}, 2e-6,
                        [](Builder&, std::vector<Value> in) {  // channels first
                          return std::vector{reduce_sum(in[0], {0, 2})};
                        });
}

TEST(LoopRegion, SoftmaxAndLayerNormalization) {
  expect_like_reference({f32({12, 50})}, 2e-6, [](Builder&, std::vector<Value> in) {
    const Value e = exp(in[0] - broadcast_to(reduce_max(in[0], {1}, true), {12, 50}));
    return std::vector{e / broadcast_to(reduce_sum(e, {1}, true), {12, 50})};
  });
  expect_like_reference(
      {f32({12, 50}), f32({50}), f32({50})}, 2e-6, [](Builder&, std::vector<Value> in) {
        const auto spread = [](Value x) { return broadcast_to(x, {12, 50}); };
        const Value centred = in[0] - spread(reduce_sum(in[0], {1}, true) * 0.02);
        const Value variance = reduce_sum(centred * centred, {1}, true) * 0.02;
        return std::vector{centred * spread(rsqrt(variance + 1e-3)) * in[1] + in[2]};
      });
}

TEST(LoopRegion, BatchNormalizationReadsColumnsBack) {
  expect_like_reference({f32({1000, 24}), f32({24})}, 2e-6, [](Builder&, std::vector<Value> in) {
    const auto spread = [](Value x) { return broadcast_to(x, {1000, 24}); };
    const Value mean = reduce_sum(in[0], {0}) * 1e-3;
    const Value centred = in[0] - spread(mean);
    const Value variance = reduce_sum(centred * centred, {0}) * 1e-3;
    return std::vector{centred * spread(rsqrt(variance + 1e-3) * in[1]), mean, variance};
  });
}

TEST(LoopRegion, ShortFloats) {
  for (const DType type : {DType::bf16, DType::f16})
    expect_like_reference({Type(type, {7, 45}), f32({45})}, 2e-2,
                          [type](Builder&, std::vector<Value> in) {
                            const Value sum = cast(in[0], DType::f32) + in[1];
                            return std::vector{cast(sum, type), cast(cast(sum, type), DType::f32),
                                               reduce_sum(in[0], {0})};
                          });
}

TEST(LoopRegion, IntegersAndBool) {
  expect_like_reference({Type(DType::i32, {3, 40}), Type(DType::u8, {3, 40})}, 0,
                        [](Builder&, std::vector<Value> in) {
                          const Value wide = cast(in[1], DType::i32);
                          const Value below = less(in[0], wide);
                          return std::vector{reduce_max(in[0], {1}),
                                             reduce_min(wide, {1}),
                                             reduce_any(below, {1}),
                                             reduce_all(below, {1}),
                                             reduce_prod(in[0], {1}),
                                             select(below, in[0], wide),
                                             below};
                        });
}

TEST(LoopRegion, IotaAndRandomNumbers) {
  expect_like_reference(
      {Type(DType::u32, {2}), f32({6, 50})}, 0, [](Builder& b, std::vector<Value> in) {
        const Value uniform = random_uniform(in[0], {6, 50});
        const Value kept = less(uniform, uniform * 0.0 + 0.75);
        return std::vector{select(kept, in[1], in[1] * 0.0), random_bits(in[0], {6, 50}),
                           iota(b, DType::i32, {6, 50}, 0) + iota(b, DType::i32, {6, 50}, 1)};
      });
}

TEST(LoopRegion, RefusesWithReasons) {
  const auto reason = [](std::vector<Type> operands, const Make& make) {
    const auto program = make_loop_program(region_of(std::move(operands), make));
    return program.ok() ? std::string("compiled") : program.error();
  };
  EXPECT_EQ(reason({f32({4, 6})},
                   [](Builder&, std::vector<Value> in) {
                     return std::vector{relu(reshape(in[0], {24}))};
                   }),
            "reshape is no affine move");
  EXPECT_EQ(reason({f32({4}), f32({5})},
                   [](Builder&, std::vector<Value> in) {
                     return std::vector{relu(in[0]), relu(in[1])};
                   }),
            "result f32[5] has another shape than the iteration space");
  EXPECT_EQ(reason({f32({4, 4})},
                   [](Builder&, std::vector<Value> in) {
                     return std::vector{reduce_sum(in[0], {0}), reduce_sum(in[0], {1})};
                   }),
            "folds of reduce_sum over different spaces or axes");
}

}  // namespace
}  // namespace brisk
