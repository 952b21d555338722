// The kernels that move elements and that read and write at positions, on the cases of their ops
// and on shapes that reach the blocks and the threads' shares.

#include <gtest/gtest.h>

#include "brisk/backends/cpu/kernels/kernels.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/unpack_integers.h"
#include "brisk/ops/reduce/reduce.h"
#include "tests/support/kernel_case.h"
#include "tests/support/op_cases.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;
using testing::OpCase;

/// Indices below `bound` and two steps beyond it on both sides.
Tensor positions_around(std::vector<int64_t> sizes, int64_t bound, DType type = DType::i32) {
  Tensor tensor(type, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, static_cast<double>(i * 7919 % (bound + 4) - 2));
  return tensor;
}

/// The kernel of an op that has one kernel of brisk's own.
std::string only_kernel(std::string_view op) {
  for (const cpu::OpKernel& row : cpu::own_kernels())
    if (row.op == op) return std::string(row.kernel.name);
  return "";
}

class KernelsOnCases : public ::testing::TestWithParam<OpCase> {};

TEST_P(KernelsOnCases, AgreeWithTheReference) {
  const OpCase& op_case = GetParam();
  for (const DType type : op_case.types) {
    const KernelCase k(op_case, type);
    const bool adds = op_case.op == "scatter_add" || op_case.op == "put_along_axis_add" ||
                      op_case.op == "cumulative_sum";
    expect_agrees(k, only_kernel(op_case.op), adds ? ErrorModel::sum : ErrorModel::single,
                  op_case.roundings);
  }
}

std::vector<OpCase> cases() {
  const std::vector<std::string> ops = {"transpose",     "slice",
                                        "reverse",       "broadcast",
                                        "concatenate",   "pad",
                                        "dynamic_slice", "dynamic_update_slice",
                                        "gather",        "take_along_axis",
                                        "scatter_add",   "put_along_axis_add",
                                        "argmax",        "argmin",
                                        "cumulative_sum"};
  std::vector<OpCase> chosen;
  for (const auto& list : {testing::move_cases(), testing::index_cases(), testing::reduce_cases()})
    for (const OpCase& op_case : list)
      if (std::find(ops.begin(), ops.end(), op_case.op) != ops.end()) chosen.push_back(op_case);
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Cases, KernelsOnCases, ::testing::ValuesIn(cases()));

TEST(KernelsMove, TransposesBeyondABlock) {
  struct Row {
    std::vector<int64_t> sizes, permutation;
  };
  for (const auto& [sizes, permutation] :
       {Row{{67, 131}, {1, 0}}, Row{{5, 33, 18}, {2, 0, 1}}, Row{{3, 40, 4, 24}, {0, 2, 1, 3}},
        Row{{2, 17, 3, 50}, {3, 1, 0, 2}}, Row{{40, 1, 41}, {2, 1, 0}}, Row{{6, 35, 35}, {0, 2, 1}},
        Row{{300, 3}, {1, 0}}})
    for (const DType type : {DType::u8, DType::bf16, DType::f32, DType::f64, DType::boolean}) {
      KernelCase k;
      transpose(k.random(type, sizes), permutation);
      expect_agrees(k, "move", ErrorModel::single, 0);
    }
}

TEST(KernelsMove, LargeCopiesAreDivided) {
  KernelCase concatenated;
  const std::vector<Value> parts = {concatenated.random(DType::f32, {1, 40000}),
                                    concatenated.random(DType::f32, {1, 30001})};
  concatenate(parts, 1);
  expect_agrees(concatenated, "move", ErrorModel::single, 0);

  KernelCase reversed;
  reverse(reversed.random(DType::i16, {70001}), {0});
  expect_agrees(reversed, "move", ErrorModel::single, 0);

  KernelCase padded;
  const Value x = padded.random(DType::f32, {3, 130, 131});
  pad(x, padded.random(DType::f32, {}), {0, 2, -3}, {1, 1, 2}, {1, 0, 2});
  expect_agrees(padded, "move", ErrorModel::single, 0);

  KernelCase spread;
  broadcast(spread.random(DType::f32, {300}), Shape({300, 200}), {0});
  expect_agrees(spread, "move", ErrorModel::single, 0);
}

TEST(KernelsMove, RefusesHalfBytes) {
  KernelCase k;
  reverse(k.input(Tensor(DType::i4, {6})), {0});
  expect_refusal(k, "move", "whole bytes, not i4");
}

TEST(KernelsMove, UnpackHalfBytes) {
  for (const int64_t count : {1, 2, 70001}) {
    KernelCase k;
    unpack_integers(k.random(DType::i4, {count}));
    expect_agrees(k, "move", ErrorModel::single, 0);
  }
}

TEST(KernelsIndex, LargeGathersAndScattersAreDivided) {
  for (const DType type : {DType::f32, DType::bf16, DType::i8}) {
    for (const int64_t width : {1, 3, 80}) {
      KernelCase gathered;
      const Value x = gathered.random(type, {90, width});
      gather(x, gathered.input(positions_around({20000}, 90)));
      expect_agrees(gathered, "gather", ErrorModel::single, 0);

      KernelCase scattered;
      const Value y = scattered.random(type, {90, width});
      const Value at = scattered.input(positions_around({20000}, 90, DType::i64));
      scatter_add(y, at, scattered.random(type, {20000, width}));
      // Two hundred updates to each place, of which f32 rounds every one.
      expect_agrees(scattered, "scatter", ErrorModel::sum, 8);
    }
    KernelCase middle;
    const Value z = middle.random(type, {4, 30, 70});
    const Value at = middle.input(positions_around({4, 50, 70}, 30));
    put_along_axis_add(z, at, middle.random(type, {4, 50, 70}), 1);
    expect_agrees(middle, "scatter", ErrorModel::sum, 4);
  }
}

TEST(KernelsIndex, WalksBeyondAChunk) {
  for (const std::vector<int64_t>& sizes :
       {std::vector<int64_t>{3, 50, 200}, {400, 100}, {130, 70}})
    for (const int64_t axis : {int64_t{0}, int64_t{1}}) {
      for (const DType type : {DType::f32, DType::f16, DType::u8}) {
        KernelCase largest;
        argmax(largest.random(type, sizes), axis);
        expect_agrees(largest, "along_axis", ErrorModel::single, 0);
        KernelCase least;
        argmin(least.random(type, sizes), axis);
        expect_agrees(least, "along_axis", ErrorModel::single, 0);
        KernelCase summed;
        cumulative_sum(summed.random(type, sizes), axis);
        expect_agrees(summed, "along_axis", ErrorModel::sum);
      }
    }
}

TEST(KernelsIndex, RefusesWithTheReason) {
  KernelCase k;
  gather(k.input(Tensor(DType::i4, {6, 2})), k.input(positions_around({3}, 6)));
  expect_refusal(k, "gather", "whole bytes, not i4");
}

}  // namespace
}  // namespace brisk
