// Random graphs: lowering changes no result beyond the table. (Their text: tests/ir/text_test.cpp.)

#include "tests/support/random_graph.h"
#include "tests/support/tested_backends.h"

#include <gtest/gtest.h>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/support/tolerances.h"

namespace brisk::testing {
namespace {

constexpr uint64_t kSeeds = 60;
/// Steps of a chain may be rounded in another order.
constexpr double kRoundings = 50;

void expect_agree(const Graph& graph, std::span<const Tensor> inputs,
                  std::span<const Tensor> actual, uint64_t seed) {
  const std::vector<Tensor> expected = reference::evaluate(graph, inputs);
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(difference(expected[i], actual[i], ErrorModel::sum, kRoundings), "")
        << "seed " << seed << "\n"
        << print(graph);
}

TEST(RandomGraph, SameSeedSameGraph) {
  EXPECT_TRUE(random_graph(7) == random_graph(7));
  EXPECT_FALSE(random_graph(7) == random_graph(8));
}

TEST(RandomGraph, LoweredForFusedLoopsComputesTheSame) {
  const PassContext context{
      .target = {
          .name = "fused", .fused_loops = true, .longest_fused_row = 32768, .fused_dot = true}};
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Graph graph = random_graph(seed, {.depth = static_cast<int>(seed % 3)});
    const auto num_results = static_cast<int64_t>(graph.outputs().size());
    const std::vector<Pass> passes = lowering_pipeline();
    const Program lowered =
        run_pipeline({.graph = graph, .num_results = num_results}, passes, context);
    const std::vector<Tensor> inputs = random_inputs(graph, seed);
    expect_agree(graph, inputs, reference::evaluate(lowered.graph, inputs), seed);
  }
}

TEST(RandomGraph, EveryBackendComputesTheSame) {
  for (const auto& backend : tested_backends()) {
    for (uint64_t seed = 0; seed < kSeeds / 2; ++seed) {
      const Graph graph = random_graph(
          seed, {.num_nodes = 20, .type = DType::f32, .depth = static_cast<int>(seed % 3)});
      const auto num_results = static_cast<int64_t>(graph.outputs().size());
      const Compilation compiled =
          compile({.graph = graph, .num_results = num_results}, *backend, {.verify = true});
      const std::vector<Tensor> inputs = random_inputs(graph, seed);
      expect_agree(graph, inputs, compiled.executable->run(inputs), seed);
    }
  }
}

}  // namespace
}  // namespace brisk::testing
