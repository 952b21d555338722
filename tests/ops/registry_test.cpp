#include <gtest/gtest.h>

#include "brisk/ops/standard.h"
#include "tests/support/op_cases.h"
#include "tests/support/registry_faults.h"

// Every op is complete: a missing rule fails here, not in a user's run.

namespace brisk::testing {
namespace {

class Registry : public ::testing::TestWithParam<const Op*> {};

TEST_P(Registry, HasEveryRuleADocumentAndATest) {
  EXPECT_EQ(registry_faults(*GetParam(), covered_ops()), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(, Registry, ::testing::ValuesIn(standard_ops()->all()),
                         [](const auto& info) { return info.param->name; });

/// A complete op with one thing taken away or added.
struct BrokenOp {
  std::string name;
  std::string op;  ///< that is broken
  void (*change)(Op&);
  std::string fault;
};

class RegistryFaults : public ::testing::TestWithParam<BrokenOp> {};

TEST_P(RegistryFaults, AreSeen) {
  Op op = standard_ops()->at(GetParam().op);
  ASSERT_TRUE(registry_faults(op, covered_ops()).empty());
  GetParam().change(op);
  const std::vector<std::string> faults = registry_faults(op, covered_ops());
  ASSERT_FALSE(faults.empty());
  EXPECT_NE(faults[0].find(GetParam().fault), std::string::npos) << faults[0];
}

INSTANTIATE_TEST_SUITE_P(
    , RegistryFaults,
    ::testing::Values(
        BrokenOp{"NoDocument", "tanh", [](Op& op) { op.doc_text = ""; }, "not documented"},
        BrokenOp{"NoSentence", "tanh", [](Op& op) { op.doc_text = "The tangent"; },
                 "not documented by a sentence"},
        BrokenOp{"NoTypes", "tanh", [](Op& op) { op.infer_rule = nullptr; },
                 "does not infer its types"},
        BrokenOp{"NoExpression", "tanh", [](Op& op) { op.expr_rule = nullptr; },
                 "needs a scalar expression"},
        BrokenOp{"NoGradient", "tanh", [](Op& op) { op.vjp_rule = nullptr; }, "has no gradient"},
        BrokenOp{"NoGradientOfAMove", "transpose", [](Op& op) { op.vjp_rule = nullptr; },
                 "has no gradient"},
        BrokenOp{"GradientOfNothing", "tanh", [](Op& op) { op.differentiable = false; },
                 "nothing flows through"},
        BrokenOp{"NoDecomposition", "softmax", [](Op& op) { op.decompose_rule = nullptr; },
                 "needs a decomposition"},
        BrokenOp{"NoCombiner", "reduce_sum", [](Op& op) { op.combiner = ScalarOp::input; },
                 "have a combiner"},
        BrokenOp{"CombinerOfNoReduction", "tanh", [](Op& op) { op.combiner = ScalarOp::add; },
                 "have a combiner"},
        BrokenOp{"NoTest", "tanh", [](Op& op) { op.name = "untested"; },
                 "declare a case in tests/support/elementwise_cases.cpp"}),
    [](const auto& info) { return info.param.name; });

TEST(StandardOps, AreBuiltOnceAndCanBeExtended) {
  EXPECT_EQ(standard_ops(), standard_ops());
  OpSet mine = *standard_ops();
  Op op;
  op.name = "mine";
  mine.add(op);
  EXPECT_NE(mine.find("mine"), nullptr);
  EXPECT_EQ(standard_ops()->find("mine"), nullptr);
  EXPECT_THROW(mine.add(op), UserError);
}

}  // namespace
}  // namespace brisk::testing
