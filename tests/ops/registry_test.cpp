#include <gtest/gtest.h>

#include <algorithm>

#include "brisk/ops/standard.h"
#include "tests/support/op_cases.h"

// Every op is complete: a missing rule fails here, not in a user's run.

namespace brisk::testing {
namespace {

class Registry : public ::testing::TestWithParam<const Op*> {};

/// Kinds whose ops are evaluated by kernels of their own on every backend.
bool has_kernels(OpKind kind) {
  switch (kind) {
    case OpKind::source:
    case OpKind::reduce:
    case OpKind::move:
    case OpKind::index:
    case OpKind::contract:
    case OpKind::convolve:
    case OpKind::window:
    case OpKind::control:
      return true;
    case OpKind::elementwise:
    case OpKind::composite:
    case OpKind::fused:
      return false;
  }
  return false;
}

TEST_P(Registry, IsDocumentedByASentence) {
  const std::string& doc = GetParam()->doc_text;
  ASSERT_FALSE(doc.empty());
  EXPECT_EQ(doc.back(), '.') << doc;
}

TEST_P(Registry, InfersItsTypes) {
  EXPECT_TRUE(GetParam()->infer_rule);
}

TEST_P(Registry, CanBeEvaluated) {
  const Op& op = *GetParam();
  EXPECT_TRUE(op.expr_rule || op.decompose_rule || has_kernels(op.kind));
  if (op.kind == OpKind::elementwise) {
    EXPECT_TRUE(op.expr_rule);
  }
  if (op.kind == OpKind::composite || op.kind == OpKind::fused) {
    EXPECT_TRUE(op.decompose_rule);
  }
}

TEST_P(Registry, HasAGradientUnlessNoneFlows) {
  const Op& op = *GetParam();
  // A decomposition is differentiated in the op's place.
  EXPECT_TRUE(op.differentiable ? op.vjp_rule || op.decompose_rule : !op.vjp_rule);
}

TEST_P(Registry, HasTheTraitsOfItsKind) {
  const Op& op = *GetParam();
  EXPECT_EQ(op.kind == OpKind::reduce, op.combiner != ScalarOp::input)
      << "reductions, and they alone, have a combiner";
  EXPECT_TRUE(!op.index_map_rule || op.kind == OpKind::move);
  EXPECT_TRUE(!op.commutative || op.max_operands == 2);
  EXPECT_TRUE(op.max_operands == -1 || op.min_operands <= op.max_operands);
}

TEST_P(Registry, HasATestCase) {
  const std::vector<std::string> covered = covered_ops();
  EXPECT_TRUE(std::binary_search(covered.begin(), covered.end(), GetParam()->name))
      << "declare one in tests/support/" << name(GetParam()->kind) << "_cases.cpp";
}

INSTANTIATE_TEST_SUITE_P(, Registry, ::testing::ValuesIn(standard_ops()->all()),
                         [](const auto& info) { return info.param->name; });

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
