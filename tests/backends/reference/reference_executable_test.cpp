#include <gtest/gtest.h>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

const Type kPair(DType::f32, {2});

Tensor pair(float a, float b) {
  return Tensor::of<float>({2}, std::vector{a, b});
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

std::unique_ptr<Executable> compiled(const Program& program) {
  return compile(program, **find_backend("reference")).executable;
}

/// weight -= rate * x; the result is sum(weight * x) before the update.
Program step_program() {
  Builder builder(standard_ops(), "step");
  const Value weight = builder.input("weight", kPair);
  const Value rate = builder.input("rate", Type(DType::f32, {}));
  const Value x = builder.input("x", kPair);
  const Value loss = reduce_sum(weight * x);
  const Value updated = weight - broadcast_to(rate, x.shape()) * x;
  return {.graph = builder.finish({{"loss", loss}, {"weight", updated}}),
          .state = {{.name = "weight", .type = kPair},
                    {.name = "rate", .type = Type(DType::f32, {}), .role = StateRole::scalar}},
          .num_results = 1,
          .updates = {0}};
}

TEST(ReferenceExecutable, UpdatesItsStateAndLeavesTheCallersTensorsAlone) {
  const auto executable = compiled(step_program());
  const Tensor weight = pair(1, 2), x = pair(3, 4);
  executable->bind_state(std::vector{weight, Tensor::scalar(DType::f32, 0.5)});
  EXPECT_EQ(executable->run({&x, 1})[0].item(), 11);
  EXPECT_TRUE(bit_equal(executable->state(0), pair(-0.5, 0)));
  EXPECT_EQ(executable->run({&x, 1})[0].item(), -1.5);
  EXPECT_TRUE(bit_equal(executable->state()[0], pair(-2, -2)));
  EXPECT_TRUE(bit_equal(weight, pair(1, 2)));
}

TEST(ReferenceExecutable, SetStateChangesOneEntry) {
  const auto executable = compiled(step_program());
  const Tensor x = pair(3, 4);
  executable->bind_state(std::vector{pair(1, 2), Tensor::scalar(DType::f32, 0.5)});
  executable->set_state(1, Tensor::scalar(DType::f32, 0));
  executable->run({&x, 1});
  EXPECT_TRUE(bit_equal(executable->state(0), pair(1, 2)));
}

TEST(ReferenceExecutable, StateCopiesAreIndependent) {
  const auto executable = compiled(step_program());
  executable->bind_state(std::vector{pair(1, 2), Tensor::scalar(DType::f32, 0.5)});
  Tensor copy = executable->state(0);
  copy.set(0, 99);
  EXPECT_TRUE(bit_equal(executable->state(0), pair(1, 2)));
}

/// Both new values are old ones of the other entry: no order of copying in place is right.
TEST(ReferenceExecutable, EntriesMayTradePlaces) {
  Builder builder(standard_ops(), "swap");
  const Value a = builder.input("a", kPair), b = builder.input("b", kPair);
  const Program program{.graph = builder.finish({{"a", b}, {"b", a}}),
                        .state = {{.name = "a", .type = kPair}, {.name = "b", .type = kPair}},
                        .num_results = 0,
                        .updates = {0, 1}};
  const auto executable = compiled(program);
  executable->bind_state(std::vector{pair(1, 2), pair(3, 4)});
  executable->run({});
  EXPECT_TRUE(bit_equal(executable->state(0), pair(3, 4)));
  EXPECT_TRUE(bit_equal(executable->state(1), pair(1, 2)));
}

TEST(ReferenceExecutable, StateDoesNotFollowTheBatchBuffer) {
  Builder builder(standard_ops(), "keep");
  builder.input("kept", kPair);
  const Value x = builder.input("x", kPair);
  const Program program{.graph = builder.finish({{"x", x}, {"kept", x}}),
                        .state = {{.name = "kept", .type = kPair}},
                        .num_results = 1,
                        .updates = {0}};
  const auto executable = compiled(program);
  executable->bind_state(std::vector{pair(0, 0)});
  Tensor x_buffer = pair(1, 2);
  const Tensor result = executable->run({&x_buffer, 1})[0];
  x_buffer.set(0, 99);
  EXPECT_TRUE(bit_equal(executable->state(0), pair(1, 2)));
  EXPECT_TRUE(bit_equal(result, pair(1, 2)));
}

TEST(ReferenceExecutable, RefusesWhatDoesNotFitNamingBothTypes) {
  const auto executable = compiled(step_program());
  const Tensor x = pair(3, 4), wrong = Tensor::zeros(DType::f32, {3});
  EXPECT_NE(message_of([&] { executable->run({&x, 1}); }).find("bind_state"), std::string::npos);
  EXPECT_NE(message_of([&] { executable->state(0); }).find("'weight'"), std::string::npos);
  const std::string state = message_of([&] {
    executable->bind_state(std::vector{wrong, Tensor::scalar(DType::f32, 0.5)});
  });
  EXPECT_EQ(state, "state 'weight' is f32[2], but f32[3] is given");
  EXPECT_EQ(message_of([&] { executable->bind_state({}); }),
            "the program has 2 state entries, but 0 tensors are given");
  executable->bind_state(std::vector{x, Tensor::scalar(DType::f32, 0.5)});
  EXPECT_EQ(message_of([&] {
              executable->run({&wrong, 1});
            }),
            "input 'x' is f32[2], but f32[3] is given");
  EXPECT_EQ(message_of([&] { executable->run({}); }),
            "the program takes 1 batch inputs, but 0 are given");
  EXPECT_EQ(message_of([&] { executable->set_state(1, x); }),
            "state 'rate' is f32[], but f32[2] is given");
  EXPECT_EQ(message_of([&] { executable->state(2); }),
            "the program has 2 state entries, but entry 2 is asked for");
}

TEST(ReferenceExecutable, ProfilesEveryNodeItRuns) {
  const auto executable = compiled(step_program());
  const Tensor x = pair(3, 4);
  executable->bind_state(std::vector{pair(1, 2), Tensor::scalar(DType::f32, 0.5)});
  const auto reports = executable->profile({&x, 1}, 3).kernels;
  ASSERT_EQ(reports.size(), executable->explain().size());
  double total = 0;
  for (const KernelReport& report : reports) {
    EXPECT_EQ(report.kernel, "reference");
    EXPECT_TRUE(report.is_fallback);
    EXPECT_NE(report.op, "input");
    EXPECT_GT(report.bytes, 0);
    total += report.milliseconds;
  }
  EXPECT_GT(total, 0);
  EXPECT_GE(executable->peak_bytes(), 2 * 8 + 4 + 8);
}

}  // namespace
}  // namespace brisk
