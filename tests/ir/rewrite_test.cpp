#include "brisk/ir/rewrite.h"

#include <gtest/gtest.h>

#include "brisk/ir/program.h"
#include "brisk/ir/text.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "tests/support/random_graph.h"

namespace brisk::testing {
namespace {

using Replacement = std::optional<std::vector<Value>>;

Replacement copy(Builder&, const Node&, NodeId, std::span<const Value>) {
  return std::nullopt;
}

Replacement sine_to_cosine(Builder&, const Node& node, NodeId, std::span<const Value> operands) {
  if (node.op->name != "sin") return std::nullopt;
  return std::vector{cos(operands[0])};
}

Graph parsed(std::string_view text) {
  return parse_graph(text, standard_ops()).value();
}

constexpr const char* kNested = R"(graph "g" {
  %0 = input() {name = "x"} : f32[2]
  %1 = sin(%0) : f32[2] @"outer"
  %2 = call(%1) {kind = "K", name = "n", config = ""} ({
    %0 = input() {name = "in"} : f32[2]
    %1 = sin(%0) : f32[2] @"inner"
    return %1 as "out"
  }) : f32[2]
  return %2 as "y"
}
)";

TEST(Rewrite, CopyingChangesNothing) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = random_graph(seed, {.num_nodes = 12, .depth = 2});
    const Graph copied = rewrite(graph, copy);
    EXPECT_TRUE(copied == graph);
    EXPECT_EQ(print(copied), print(graph)) << "labels stay, too";
    verify(copied);
  }
}

TEST(Rewrite, GoesIntoRegionsAndKeepsLabels) {
  EXPECT_EQ(print(rewrite(parsed(kNested), sine_to_cosine)), R"(graph "g" {
  %0 = input() {name = "x"} : f32[2]
  %1 = cos(%0) : f32[2] @"outer"
  %2 = call(%1) {kind = "K", name = "n", config = ""} ({
    %0 = input() {name = "in"} : f32[2]
    %1 = cos(%0) : f32[2] @"inner"
    return %1 as "out"
  }) : f32[2]
  return %2 as "y"
}
)");
}

TEST(Rewrite, LeavesRegionsAloneWhereAsked) {
  const std::string text = print(rewrite(parsed(kNested), sine_to_cosine, false));
  EXPECT_NE(text.find("%1 = cos(%0) : f32[2] @\"outer\""), std::string::npos) << text;
  EXPECT_NE(text.find("%1 = sin(%0) : f32[2] @\"inner\""), std::string::npos) << text;
}

TEST(Rewrite, WhatIsNoLongerUsedFallsAwayAndInputsStay) {
  const auto first_operand = [](Builder&, const Node& node, NodeId,
                                std::span<const Value> operands) -> Replacement {
    if (node.op->name != "add") return std::nullopt;
    return std::vector{operands[0]};
  };
  const Graph graph = parsed(R"(graph "g" {
  %0 = input() {name = "x"} : f32[2]
  %1 = input() {name = "y"} : f32[2]
  %2 = sin(%1) : f32[2]
  %3 = add(%0, %2) : f32[2]
  return %3 as "z"
}
)");
  EXPECT_EQ(print(rewrite(graph, first_operand)), R"(graph "g" {
  %0 = input() {name = "x"} : f32[2]
  %1 = input() {name = "y"} : f32[2]
  return %0 as "z"
}
)");
}

TEST(Rewrite, AReplacementOfAnotherCountIsADefect) {
  const auto two = [](Builder&, const Node& node, NodeId,
                      std::span<const Value> operands) -> Replacement {
    if (node.op->name != "sin") return std::nullopt;
    return std::vector{operands[0], operands[0]};
  };
  EXPECT_THROW(rewrite(parsed(kNested), two), InternalError);
}

TEST(MapRegions, ChangesRegionsAlone) {
  const Graph mapped = map_regions(
      parsed(kNested), [](const Graph& region) { return rewrite(region, sine_to_cosine); });
  const std::string text = print(mapped);
  EXPECT_NE(text.find("%1 = sin(%0) : f32[2] @\"outer\""), std::string::npos) << text;
  EXPECT_NE(text.find("%1 = cos(%0) : f32[2] @\"inner\""), std::string::npos) << text;
}

}  // namespace
}  // namespace brisk::testing
