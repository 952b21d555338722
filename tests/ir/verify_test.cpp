// What verify refuses: graphs and programs that no builder makes, put together by hand.

#include <gtest/gtest.h>

#include "brisk/ir/builder.h"
#include "brisk/ir/program.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

/// %0 = input x, %1 = input y, %2 = add(x, y), %3 = tanh(%2), all f32[2].
struct Parts {
  std::vector<Node> nodes;
  std::vector<NodeId> inputs;
  std::vector<NamedValue> outputs;

  Graph graph() const { return Graph(standard_ops(), "g", nodes, inputs, outputs); }
};

Parts sound_parts() {
  Builder builder(standard_ops(), "g");
  const Value x = builder.input("x", Type(DType::f32, {2})),
              y = builder.input("y", Type(DType::f32, {2}));
  const Graph graph = builder.finish({{"z", tanh(x + y)}});
  return {{graph.nodes().begin(), graph.nodes().end()},
          {graph.inputs().begin(), graph.inputs().end()},
          {graph.outputs().begin(), graph.outputs().end()}};
}

std::string defect(const auto& checked) {
  try {
    verify(checked);
  } catch (const InternalError& error) {
    return error.what();
  }
  return "";
}

struct BrokenGraph {
  std::string name;
  std::function<void(Parts&)> change;
  std::string message;
};

class VerifyGraph : public ::testing::TestWithParam<BrokenGraph> {};

TEST_P(VerifyGraph, NamesTheNode) {
  Parts parts = sound_parts();
  EXPECT_EQ(defect(parts.graph()), "");
  GetParam().change(parts);
  EXPECT_NE(defect(parts.graph()).find(GetParam().message), std::string::npos)
      << defect(parts.graph());
}

INSTANTIATE_TEST_SUITE_P(
    , VerifyGraph,
    ::testing::Values(BrokenGraph{"OperandOfALaterNode",
                                  [](Parts& p) {
                                    p.nodes[2].operands[0] = {3, 0};
                                  },
                                  "node 2 (add) uses node 3, which does not come before it"},
                      BrokenGraph{"OperandOfItself",
                                  [](Parts& p) {
                                    p.nodes[3].operands[0] = {3, 0};
                                  },
                                  "node 3 (tanh) uses node 3, which does not come before it"},
                      BrokenGraph{"UndefinedOperand", [](Parts& p) { p.nodes[2].operands[1] = {}; },
                                  "node 2 (add) uses node -1, which does not come before it"},
                      BrokenGraph{"NoSuchResult",
                                  [](Parts& p) {
                                    p.nodes[3].operands[0] = {2, 1};
                                  },
                                  "node 2 (add) has no result 1"},
                      BrokenGraph{"OtherType",
                                  [](Parts& p) { p.nodes[2].results[0] = Type(DType::f32, {3}); },
                                  "node 2 (add) states other result types than its rule infers"},
                      BrokenGraph{"UnlistedInput", [](Parts& p) { p.inputs.pop_back(); },
                                  "graph 'g' has 2 input nodes, but lists 1"},
                      BrokenGraph{"InputThatIsNone", [](Parts& p) { p.inputs[1] = 2; },
                                  "input 2 of graph 'g' is a add"},
                      BrokenGraph{"OutputOfNoNode",
                                  [](Parts& p) {
                                    p.outputs[0].value = {9, 0};
                                  },
                                  "graph 'g' has no node 9"}),
    [](const auto& info) { return info.param.name; });

TEST(VerifyRegions, AreLookedInto) {
  Parts broken = sound_parts();
  broken.nodes[2].operands[0] = {3, 0};
  Parts outer = sound_parts();
  outer.nodes[3].regions.push_back(broken.graph());
  EXPECT_NE(defect(outer.graph()).find("node 2 (add) uses node 3"), std::string::npos);
}

struct BrokenProgram {
  std::string name;
  std::function<void(Program&)> change;
  std::string message;
};

class VerifyProgram : public ::testing::TestWithParam<BrokenProgram> {};

TEST_P(VerifyProgram, NamesTheEntry) {
  Program program{.graph = sound_parts().graph(),
                  .state = {{.name = "x", .type = Type(DType::f32, {2})}},
                  .num_results = 0,
                  .updates = {0}};
  EXPECT_EQ(defect(program), "");
  GetParam().change(program);
  EXPECT_NE(defect(program).find(GetParam().message), std::string::npos) << defect(program);
}

INSTANTIATE_TEST_SUITE_P(
    , VerifyProgram,
    ::testing::Values(BrokenProgram{"MoreStateThanInputs",
                                    [](Program& p) { p.state.resize(3, p.state[0]); },
                                    "a program with 3 state entries has only 2 inputs"},
                      BrokenProgram{"TypeOfState",
                                    [](Program& p) { p.state[0].type = Type(DType::f64, {2}); },
                                    "state 'x' is f64[2], but its input is f32[2]"},
                      BrokenProgram{"ResultsAndUpdates", [](Program& p) { p.num_results = 1; },
                                    "a program with 1 results and 1 updates has 1 outputs"},
                      BrokenProgram{"UpdateOfNoState", [](Program& p) { p.updates = {1}; },
                                    "update 0 names state 1, out of order or of range"},
                      BrokenProgram{"NegativeUpdate", [](Program& p) { p.updates = {-1}; },
                                    "update 0 names state -1, out of order or of range"}),
    [](const auto& info) { return info.param.name; });

TEST(VerifyUpdates, MustAscend) {
  Parts parts = sound_parts();
  parts.outputs.push_back(parts.outputs[0]);
  Program program{.graph = parts.graph(),
                  .state = {{.name = "x", .type = Type(DType::f32, {2})},
                            {.name = "y", .type = Type(DType::f32, {2})}},
                  .num_results = 0,
                  .updates = {0, 1}};
  EXPECT_EQ(defect(program), "");
  program.updates = {1, 0};
  EXPECT_NE(defect(program).find("update 1 names state 0, out of order"), std::string::npos);
  program.updates = {0, 0};
  EXPECT_NE(defect(program).find("update 1 names state 0, out of order"), std::string::npos);
}

}  // namespace
}  // namespace brisk::testing
