#include "brisk/runtime/lower/split_preparation.h"

#include <gtest/gtest.h>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

const Type kMatrix(DType::f32, {2, 2}), kVector(DType::f32, {4});

Tensor tensor(const Type& type, std::vector<float> values) {
  return Tensor::of<float>(type.shape().sizes(), values);
}

/// y = x (tanh(w) s), z = reshape(w); `rate` is set by the host.
Program program_of(StateRole role, bool updated = false) {
  Builder builder(standard_ops(), "net");
  const Value w = builder.input("w", kVector), rate = builder.input("rate", Type(DType::f32, {}));
  const Value x = builder.input("x", kMatrix);
  const Value filter = reshape(tanh(w), {2, 2});
  const Value y = matmul(x, filter) * rate;
  Program program{
      .graph = builder.finish({{"y", y}}),
      .state = {{.name = "w", .type = kVector, .role = role},
                {.name = "rate", .type = Type(DType::f32, {}), .role = StateRole::scalar}},
      .num_results = 1};
  if (!updated) return program;
  Builder other(standard_ops(), "net");
  std::vector<Value> inputs = {other.input("w", kVector), other.input("rate", Type(DType::f32, {})),
                               other.input("x", kMatrix)};
  const std::vector<Value> results = other.inline_graph(program.graph, inputs);
  program.graph = other.finish({{"y", results[0]}, {"w", inputs[0] * 0.5}});
  program.updates = {0};
  return program;
}

TEST(SplitPreparation, WhatDependsOnWeightsAloneIsPrepared) {
  const Program program = program_of(StateRole::parameter);
  const std::optional<SplitProgram> split = split_preparation(program);
  ASSERT_TRUE(split.has_value());
  verify(split->program);
  verify(split->preparation);
  ASSERT_EQ(split->preparation.outputs().size(), 1u);
  ASSERT_EQ(split->program.state.size(), 3u);
  EXPECT_EQ(split->program.state[2].type, kVector);  // the reshape is repeated, not prepared
  EXPECT_EQ(split->program.num_batch_inputs(), 1u);
  for (const Node& node : split->program.graph.nodes()) EXPECT_NE(node.op->name, "tanh");

  const std::vector<Tensor> given = {tensor(kVector, {0.1f, 2, -3, 0.4f}),
                                     tensor(Type(DType::f32, {}), {0.5f})};
  const Tensor x = tensor(kMatrix, {1, 2, 3, 4});
  const std::vector<Tensor> prepared = reference::evaluate(split->preparation, given);
  const std::vector<Tensor> expected =
      reference::evaluate(program.graph, {{given[0], given[1], x}});
  const std::vector<Tensor> actual =
      reference::evaluate(split->program.graph, {{given[0], given[1], prepared[0], x}});
  for (int64_t e = 0; e < 4; ++e) EXPECT_EQ(actual[0].get(e), expected[0].get(e));
}

TEST(SplitPreparation, StateThatChangesIsNotPrepared) {
  EXPECT_FALSE(split_preparation(program_of(StateRole::scalar)).has_value());
  EXPECT_FALSE(split_preparation(program_of(StateRole::parameter, true)).has_value());
}

TEST(SplitPreparation, MuchOfLittleIsLeftToTheRuns) {
  Builder builder(standard_ops(), "net");
  const Value w = builder.input("w", kVector);
  const Value x = builder.input("x", Type(DType::f32, {4096, 4}));
  const Value wide = broadcast_to(w, {4096, 4});
  const Program program{.graph = builder.finish({{"y", x + wide}}),
                        .state = {{.name = "w", .type = kVector}},
                        .num_results = 1};
  EXPECT_FALSE(split_preparation(program).has_value());
}

TEST(SplitPreparation, AResultMadeOfWeightsAloneIsPreparedToo) {
  Builder builder(standard_ops(), "net");
  const Value w = builder.input("w", kVector);
  const Program program{.graph = builder.finish({{"y", tanh(w)}, {"z", reshape(w, {2, 2})}}),
                        .state = {{.name = "w", .type = kVector}},
                        .num_results = 2};
  const std::optional<SplitProgram> split = split_preparation(program);
  ASSERT_TRUE(split.has_value());
  verify(split->program);
  EXPECT_EQ(split->preparation.outputs().size(), 1u);
  EXPECT_EQ(split->program.graph.outputs().size(), 2u);
}

}  // namespace
}  // namespace brisk
