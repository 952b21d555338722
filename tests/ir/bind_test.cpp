#include <gtest/gtest.h>

#include "brisk/ir/program.h"
#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"
#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

constexpr const char* kNamed = R"(graph "g" {
  %0 = input() {name = "x"} : f32[batch, 3]
  %1 = input() {name = "y"} : f32[rows, 3]
  %2 = constant() {value = f32[] (1.0)} : f32[]
  %3 = broadcast(%2) {shape = shape[batch, 3], axes = []} : f32[batch, 3]
  %4 = call(%0, %3) {kind = "Add", name = "add", config = ""} ({
    %0 = input() {name = "a"} : f32[batch, 3]
    %1 = input() {name = "b"} : f32[batch, 3]
    %2 = add(%0, %1) : f32[batch, 3]
    return %2 as "sum"
  }) : f32[batch, 3]
  return %4 as "z"
}
)";

Graph named_graph() {
  return parse_graph(kNamed, standard_ops()).value();
}

TEST(Bind, NamesItsDimensionsSortedRegionsIncluded) {
  EXPECT_EQ(named_graph().dimensions(), (std::vector<std::string>{"batch", "rows"}));
}

TEST(Bind, ReplacesTypesAttributesAndRegions) {
  const std::string text = print(bind_dimensions(named_graph(), {{"batch", 7}}));
  EXPECT_EQ(text.find("batch"), std::string::npos) << text;
  EXPECT_NE(text.find("shape = shape[7, 3]"), std::string::npos) << text;
  EXPECT_NE(text.find("%2 = add(%0, %1) : f32[7, 3]"), std::string::npos) << text;
  EXPECT_NE(text.find("f32[rows, 3]"), std::string::npos) << "what the binding lacks stays";
  EXPECT_EQ(bind_dimensions(named_graph(), {{"batch", 7}}).dimensions(),
            std::vector<std::string>{"rows"});
}

TEST(Bind, OfNothingOrAnUnknownNameChangesNothing) {
  EXPECT_TRUE(bind_dimensions(named_graph(), {}) == named_graph());
  EXPECT_TRUE(bind_dimensions(named_graph(), {{"width", 3}}) == named_graph());
}

TEST(Bind, ASizeThatDoesNotFitIsRefusedByTheOpThatNotices) {
  const Graph graph = parse_graph(R"(graph "g" {
  %0 = input() {name = "x"} : f32[n]
  %1 = input() {name = "y"} : f32[m]
  %2 = dot_general(%0, %1) {lhs_contract = [], rhs_contract = [], lhs_batch = [], rhs_batch = []} : f32[n, m]
  %3 = dot_general(%2, %0) {lhs_contract = [0], rhs_contract = [0], lhs_batch = [], rhs_batch = []} : f32[m]
  return %3 as "y"
}
)",
                                  standard_ops())
                          .value();
  EXPECT_EQ(refusal([&] { bind_dimensions(graph, {{"n", 4}, {"m", 5}}); }), "");
  const std::string message = refusal([&] { bind_dimensions(graph, {{"n", -1}}); });
  EXPECT_NE(message, "") << "a negative size was bound";
}

TEST(Bind, AProgramsStateIsBoundToo) {
  Program program = parse_program(R"(program "p" {
  state "w" : f32[width] parameter trainable "zeros"
  results 1
  updates []
  %0 = input() {name = "w"} : f32[width]
  return %0 as "y"
}
)",
                                  standard_ops())
                        .value();
  const Program bound = bind_dimensions(program, {{"width", 3}});
  verify(bound);
  EXPECT_EQ(bound.state[0].type, Type(DType::f32, {3}));
  EXPECT_EQ(bound.graph.output_type(0), Type(DType::f32, {3}));
}

}  // namespace
}  // namespace brisk::testing
