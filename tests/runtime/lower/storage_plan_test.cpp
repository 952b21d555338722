#include "brisk/runtime/lower/storage_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

using Place = StoragePlan::Place;

const Type kRow(DType::f32, {64});

bool always(size_t, size_t, size_t) {
  return true;
}
bool never(size_t, size_t, size_t) {
  return false;
}

StoragePlan planned(const Graph& graph, const StoragePlan::InPlace& in_place, int64_t scratch = 0) {
  StoragePlan plan(graph);
  plan.plan_arena(std::vector<int64_t>(plan.steps().size(), scratch), in_place);
  return plan;
}

/// tanh of tanh ... of x, `count` times.
Graph chain(int count) {
  Builder builder(standard_ops(), "chain");
  Value x = builder.input("x", kRow);
  for (int i = 0; i < count; ++i) x = tanh(x);
  return builder.finish({{"y", x}});
}

TEST(StoragePlan, AChainNeedsTwoBuffersOrOneInPlace) {
  EXPECT_EQ(planned(chain(6), never).arena_bytes(), 2 * 256);
  EXPECT_EQ(planned(chain(6), always).arena_bytes(), 256);
  EXPECT_EQ(planned(chain(1), never).arena_bytes(), 0);  // written to the output directly
}

TEST(StoragePlan, ScratchLivesForItsStepAlone) {
  const StoragePlan plan = planned(chain(6), always, 1000);
  EXPECT_EQ(plan.arena_bytes(), 256 + 1024);
  std::set<size_t> buffers;
  for (const StoragePlan::Step& step : plan.steps()) buffers.insert(step.scratch_buffer);
  EXPECT_EQ(buffers.size(), 6u);
}

TEST(StoragePlan, AReshapeSharesItsOperandsStorage) {
  Builder builder(standard_ops(), "aliases");
  const Value x = builder.input("x", kRow);
  const Value y = tanh(x);
  const Graph graph = builder.finish({{"y", reshape(y, {8, 8})}, {"z", y}});
  const StoragePlan plan = planned(graph, never);
  ASSERT_EQ(plan.steps().size(), 1u);
  EXPECT_EQ(plan.storage(plan.steps()[0].results[0]).place, Place::output);
  ASSERT_EQ(plan.copies().size(), 1u);  // the second output is the first one's value
  EXPECT_EQ(plan.copies()[0].output, 1u);
  EXPECT_EQ(plan.copies()[0].bytes, 256);
}

TEST(StoragePlan, AnUpdateOverwritesItsInputOnlyWhereNobodyReadsItAfter) {
  Builder builder(standard_ops(), "update");
  const Value weight = builder.input("weight", kRow), x = builder.input("x", kRow);
  const Value updated = weight - x;
  const Value after =
      reduce_sum(weight * updated);  // reads the old value when the new one is there
  const Graph late = builder.finish({{"loss", after}, {"weight", updated}});
  EXPECT_FALSE(planned(late, always).output_may_overwrite(1, 0, always));

  Builder other(standard_ops(), "update");
  const Value w = other.input("weight", kRow), g = other.input("x", kRow);
  const Value loss = reduce_sum(w * g);
  const Graph early = other.finish({{"loss", loss}, {"weight", w - g}});
  const StoragePlan plan = planned(early, always);
  EXPECT_TRUE(plan.output_may_overwrite(1, 0, always));
  EXPECT_FALSE(plan.output_may_overwrite(1, 0, never));
}

TEST(StoragePlan, InputsMarkedConstantAndConstantsAreConstant) {
  Builder builder(standard_ops(), "constants");
  const Value x = builder.input("x", kRow), y = builder.input("y", kRow);
  const Graph graph = builder.finish({{"sum", x + y}});
  const StoragePlan plan = planned(graph, never);
  const Node& node = graph.node(plan.steps()[0].node);
  EXPECT_TRUE(plan.is_constant(node.operands[0], {true}));
  EXPECT_FALSE(plan.is_constant(node.operands[1], {true}));
  EXPECT_FALSE(plan.is_constant(node.operands[0], {}));
}

}  // namespace
}  // namespace brisk
