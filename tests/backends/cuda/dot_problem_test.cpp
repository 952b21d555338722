#include "brisk/backends/cuda/cublaslt/dot_problem.h"

#include <gtest/gtest.h>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/standard.h"

namespace brisk::cuda::cublaslt {
namespace {

/// The problem of the graph's last node, made of the inputs.
Result<DotProblem> problem_of(const std::vector<Type>& types,
                              const std::function<Value(std::span<const Value>)>& build) {
  Builder builder(standard_ops(), "dot");
  std::vector<Value> inputs;
  for (size_t i = 0; i < types.size(); ++i)
    inputs.push_back(builder.input(fmt::format("x{}", i), types[i]));
  const Value result = build(inputs);
  const Node node = builder.node(result.id.node);
  const std::vector<bool> constant(types.size(), false);
  const DeviceProperties device;
  return dot_problem({node, types, constant, true, device});
}

DotProblem dot(const std::vector<int64_t>& lhs, const std::vector<int64_t>& rhs,
               const DotAttributes& axes, DType type = DType::f32) {
  const auto shape = [](const std::vector<int64_t>& sizes) {
    Shape result;
    for (const int64_t size : sizes) result.push_back(size);
    return result;
  };
  auto problem =
      problem_of({Type(type, shape(lhs)), Type(type, shape(rhs))},
                 [&](std::span<const Value> in) { return dot_general(in[0], in[1], axes); });
  return problem.value();
}

/// The element [i, j] of the column-major matrix that cuBLASLt reads, as an offset in memory.
int64_t offset(const OperandView& view, int64_t i, int64_t j) {
  return view.transpose ? i * view.stride + j : j * view.stride + i;
}

TEST(DotProblem, ReadsEveryOrientation) {
  const int64_t m = 3, n = 5, k = 7;
  for (const bool transpose_lhs : {false, true})
    for (const bool transpose_rhs : {false, true}) {
      const std::vector<int64_t> lhs = transpose_lhs ? std::vector{k, m} : std::vector{m, k};
      const std::vector<int64_t> rhs = transpose_rhs ? std::vector{n, k} : std::vector{k, n};
      const DotProblem problem =
          dot(lhs, rhs, {{transpose_lhs ? 0 : 1}, {transpose_rhs ? 1 : 0}, {}, {}});
      EXPECT_EQ(problem.m, m);
      EXPECT_EQ(problem.n, n);
      EXPECT_EQ(problem.k, k);
      EXPECT_EQ(problem.batch, 1);
      // Its left factor is our right operand as [n, k], its right one our left one as [k, m].
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < k; ++j)
          EXPECT_EQ(offset(problem.rhs, i, j), transpose_rhs ? i * k + j : j * n + i);
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < m; ++j)
          EXPECT_EQ(offset(problem.lhs, i, j), transpose_lhs ? i * m + j : j * k + i);
    }
}

TEST(DotProblem, TakesUnitExtents) {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 5, 7}, {3, 1, 7}, {3, 5, 1}, {1, 1, 1}}) {
    const DotProblem problem = dot({m, k}, {k, n}, {{1}, {0}, {}, {}});
    EXPECT_GE(problem.lhs.stride, problem.lhs.rows);
    EXPECT_GE(problem.rhs.stride, problem.rhs.rows);
    for (int64_t j = 0; j < k; ++j) EXPECT_EQ(offset(problem.lhs, j, 0), j);
  }
}

TEST(DotProblem, WalksAttentionHeadsInTwoSteps) {
  // [batch, sequence, heads, size] twice, over size, for every batch and head.
  const DotProblem problem =
      dot({4, 10, 3, 8}, {4, 12, 3, 8}, {{3}, {3}, {0, 2}, {0, 2}}, DType::f16);
  EXPECT_EQ(problem.outer, 4);
  EXPECT_EQ(problem.batch, 3);
  EXPECT_EQ(problem.m, 10);
  EXPECT_EQ(problem.n, 12);
  EXPECT_EQ(problem.lhs.outer_stride, 10 * 3 * 8);
  EXPECT_EQ(problem.lhs.batch_stride, 8);
  EXPECT_EQ(problem.lhs.stride, 3 * 8);
}

TEST(DotProblem, KeepsAGramMatrixLong) {
  const auto problem = problem_of({Type(DType::bf16, {2, 3, 8})},
                                  [](std::span<const Value> in) { return gram_matrix(in[0]); });
  ASSERT_TRUE(problem) << problem.error();
  EXPECT_EQ(problem->type, DType::bf16);
  EXPECT_EQ(problem->result_type, DType::f32);
  EXPECT_EQ(problem->k, 6);
  EXPECT_TRUE(problem->lhs.transpose);
  EXPECT_FALSE(problem->rhs.transpose);
}

TEST(DotProblem, RefusesWithReasons) {
  const auto integers = problem_of({Type(DType::i32, {3, 4}), Type(DType::i32, {4, 5})},
                                   [](std::span<const Value> in) { return matmul(in[0], in[1]); });
  ASSERT_FALSE(integers);
  EXPECT_NE(integers.error().find("element type i32"), std::string::npos);
  // Free axes 0 and 2 around the contracted one can't be walked with one stride.
  const auto apart = problem_of({Type(DType::f32, {3, 4, 5}), Type(DType::f32, {4, 6})},
                                [](std::span<const Value> in) {
                                  return dot_general(in[0], in[1], {{1}, {0}, {}, {}});
                                });
  ASSERT_FALSE(apart);
  EXPECT_NE(apart.error().find("behind one another"), std::string::npos);
}

}  // namespace
}  // namespace brisk::cuda::cublaslt
