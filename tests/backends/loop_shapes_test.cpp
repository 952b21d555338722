#include "loop_running.h"

// Iteration spaces, access patterns and reductions of every shape.

namespace brisk {
namespace {

constexpr DType kF32 = DType::f32;

TEST(LoopShapes, PointwiseOfEverySmallSize) {
  for (int64_t size = 1; size <= 70; ++size) {
    LoopWriter w({{size, false}}, 2, 1);
    const int32_t a = w.load(0, kF32, {0, {1}}), b = w.load(1, kF32, {0, {1}});
    w.store(w.op(ScalarOp::multiply, kF32, {w.op(ScalarOp::add, kF32, {a, b, -1}), b, -1}), 2, kF32,
            {0, {1}});
    expect_as_interpreted(
        w.program,
        {random_tensor(kF32, {size}, 1), random_tensor(kF32, {size}, 2), Tensor(kF32, {size})},
        1e-6);
  }
}

TEST(LoopShapes, BroadcastTransposedSlicedAndReversedLoads) {
  const int64_t rows = 37, columns = 53;
  LoopWriter w({{rows, false}, {columns, false}}, 5, 1);
  int32_t sum = w.load(0, kF32, {0, {columns, 1}});
  for (const int32_t line : {w.load(1, kF32, {0, {0, 1}}),            // a row for all rows
                             w.load(2, kF32, {0, {1, 0}}),            // a column
                             w.load(3, kF32, {0, {1, rows}}),         // transposed
                             w.load(4, kF32, {3, {2 * columns, 2}}),  // every second
                             w.load(0, kF32, {rows * columns - 1, {-columns, -1}})})  // reversed
    sum = w.op(ScalarOp::add, kF32, {sum, line, -1});
  w.store(sum, 5, kF32, {0, {columns, 1}});
  expect_as_interpreted(
      w.program,
      {random_tensor(kF32, {rows, columns}, 1), random_tensor(kF32, {columns}, 2),
       random_tensor(kF32, {rows}, 3), random_tensor(kF32, {columns, rows}, 4),
       random_tensor(kF32, {2 * rows, columns + 4}, 5), Tensor(kF32, {rows, columns})},
      1e-6);
}

TEST(LoopShapes, LargePointwiseIsSharedInBlocks) {
  const int64_t size = 300'017;
  LoopWriter w({{size, false}}, 1, 1);
  const int32_t a = w.load(0, kF32, {0, {1}});
  w.store(w.op(ScalarOp::maximum, kF32, {a, w.constant(kF32, 0), -1}), 1, kF32, {0, {1}});
  expect_as_interpreted(w.program, {random_tensor(kF32, {size}, 1), Tensor(kF32, {size})}, 0);
}

TEST(LoopShapes, HugeResultsAreStreamed) {  // rows of whole vectors, and rows that end in a tail
  for (const int64_t columns : {64, 70}) {
    const int64_t rows = 9'000'000 / columns;
    LoopWriter w({{rows, false}, {columns, false}}, 2, 1);
    const int32_t a = w.load(0, kF32, {0, {columns, 1}}), b = w.load(1, kF32, {0, {0, 1}});
    w.store(w.op(ScalarOp::add, kF32, {a, b, -1}), 2, kF32, {0, {columns, 1}});
    const Tensor x = random_tensor(kF32, {rows, columns}, 1), y = random_tensor(kF32, {columns}, 2);
    for (const VectorIsa isa : testable_isas()) {
      std::vector<Tensor> buffers{x, y, Tensor(kF32, {rows, columns})};
      run_compiled(w.program, buffers, {.planned_threads = 2, .threads = 2, .isa = isa});
      const auto actual = buffers[2].data<float>(), left = buffers[0].data<float>(),
                 right = buffers[1].data<float>();
      for (int64_t i = 0; i < rows * columns; ++i)
        ASSERT_EQ(actual[static_cast<size_t>(i)],
                  left[static_cast<size_t>(i)] + right[static_cast<size_t>(i % columns)])
            << i;
    }
  }
}

/// sum, maximum and a product of (a + b[inner]) over the reduced axes, then an average.
LoopProgram reductions_over(std::vector<LoopAxis> axes) {
  LoopWriter w(axes, 2, 3);
  AffineIndex dense{0, std::vector<int64_t>(axes.size())}, kept = dense, inner = dense;
  int64_t all = 1, rest = 1, folded = 1;
  for (size_t a = axes.size(); a-- > 0;) {
    dense.strides[a] = all;
    all *= axes[a].size;
    if (axes[a].reduced)
      folded *= axes[a].size;
    else
      kept.strides[a] = rest, rest *= axes[a].size;
  }
  inner.strides.back() = 1;
  const int32_t x = w.op(ScalarOp::add, kF32, {w.load(0, kF32, dense), w.load(1, kF32, inner), -1});
  const int32_t sum = w.fold(ScalarOp::add, x, 0);
  const int32_t most = w.fold(ScalarOp::maximum, x, -std::numeric_limits<double>::infinity());
  const int32_t square = w.fold(ScalarOp::add, w.op(ScalarOp::multiply, kF32, {x, x, -1}), 0);
  const int32_t count = w.constant(kF32, static_cast<double>(folded), 0, true);
  w.store(w.op(ScalarOp::divide, kF32, {sum, count, -1}, true), 2, kF32, kept);
  w.store(most, 3, kF32, kept);
  w.store(w.op(ScalarOp::square_root, kF32, {square, -1, -1}, true), 4, kF32, kept);
  return w.program;
}

void expect_reductions(std::vector<LoopAxis> axes) {
  const LoopProgram program = reductions_over(axes);
  int64_t all = 1, kept = 1;
  for (const LoopAxis& axis : axes) all *= axis.size, kept *= axis.reduced ? 1 : axis.size;
  expect_as_interpreted(program,
                        {random_tensor(kF32, {all}, 1), random_tensor(kF32, {axes.back().size}, 2),
                         Tensor(kF32, {kept}), Tensor(kF32, {kept}), Tensor(kF32, {kept})},
                        2e-6);
}

TEST(LoopShapes, RowReductions) {
  for (const int64_t columns : {1, 3, 8, 15, 16, 17, 33, 64, 70, 500})
    expect_reductions({{7, false}, {columns, true}});
}
TEST(LoopShapes, ColumnReductions) {
  for (const int64_t columns : {1, 3, 8, 15, 16, 17, 33, 64, 70, 500})
    expect_reductions({{11, true}, {columns, false}});
}
TEST(LoopShapes, FullReductions) {
  for (const int64_t size : {1, 5, 64, 1000, 200'003}) expect_reductions({{size, true}});
}
TEST(LoopShapes, MiddleAxisAndSeveralReducedAxes) {
  expect_reductions({{5, false}, {9, true}, {21, false}});
  expect_reductions({{40, false}, {9, true}, {4, true}, {21, false}});
  expect_reductions({{6, false}, {3, true}, {50, true}});
  expect_reductions({{2, false}, {3, false}, {5, true}, {4, true}, {19, true}});
}
TEST(LoopShapes, SplitReductions) {  // few kept indices, much to fold: partial results
  expect_reductions({{3, false}, {70'001, true}});
  expect_reductions({{5'003, true}, {67, false}});
  expect_reductions({{2, false}, {3'001, true}, {33, false}});
  expect_reductions({{900, true}, {5, true}, {40, false}});
  expect_reductions({{300, true}, {1000, true}});
}
TEST(LoopShapes, EmptyFoldGivesTheIdentity) {
  LoopWriter w({{3, false}, {0, true}}, 1, 1);
  w.store(w.fold(ScalarOp::add, w.load(0, kF32, {0, {0, 1}}), 0), 1, kF32, {0, {1, 0}});
  expect_as_interpreted(w.program, {Tensor(kF32, {0}), Tensor(kF32, {3})}, 0);
}

/// exp(x - max) / sum, x of [rows, columns] with the given axes' order and strides.
LoopProgram softmax(std::vector<LoopAxis> axes, AffineIndex dense) {
  LoopWriter w(std::move(axes), 1, 1);
  const int32_t x = w.load(0, kF32, dense);
  const int32_t most = w.fold(ScalarOp::maximum, x, -std::numeric_limits<double>::infinity());
  const int32_t e =
      w.op(ScalarOp::exponential, kF32, {w.op(ScalarOp::subtract, kF32, {x, most, -1}), -1, -1});
  const int32_t sum = w.fold(ScalarOp::add, e, 0);
  w.store(w.op(ScalarOp::divide, kF32, {e, sum, -1}), 1, kF32, dense);
  return w.program;
}

TEST(LoopShapes, PhasesReadReductionsBack) {
  expect_as_interpreted(softmax({{9, false}, {45, true}}, {0, {45, 1}}),
                        {random_tensor(kF32, {9, 45}, 1), Tensor(kF32, {9, 45})}, 1e-6);
  expect_as_interpreted(softmax({{45, true}, {9, false}}, {0, {9, 1}}),
                        {random_tensor(kF32, {45, 9}, 1), Tensor(kF32, {45, 9})}, 1e-6);
  expect_as_interpreted(softmax({{30, false}, {45, true}, {35, false}}, {0, {45 * 35, 35, 1}}),
                        {random_tensor(kF32, {30, 45, 35}, 1), Tensor(kF32, {30, 45, 35})}, 1e-6);
}
TEST(LoopShapes, PhasesOverSplitReductions) {
  expect_as_interpreted(softmax({{2, false}, {30'011, true}}, {0, {30'011, 1}}),
                        {random_tensor(kF32, {2, 30'011}, 1), Tensor(kF32, {2, 30'011})}, 1e-6);
  expect_as_interpreted(softmax({{4'003, true}, {21, false}}, {0, {21, 1}}),
                        {random_tensor(kF32, {4'003, 21}, 1), Tensor(kF32, {4'003, 21})}, 1e-6);
}

TEST(LoopShapes, RunsAreBitEqual) {
  const LoopProgram program = reductions_over({{4'001, true}, {67, false}});
  std::vector<Tensor> first{random_tensor(kF32, {4'001 * 67}, 1), random_tensor(kF32, {67}, 2),
                            Tensor(kF32, {67}), Tensor(kF32, {67}), Tensor(kF32, {67})};
  std::vector<Tensor> second = clones(first);
  const LoopRun how{.planned_threads = 2, .threads = 2, .isa = testable_isas().back()};
  run_compiled(program, first, how);
  for (int i = 0; i < 5; ++i) {
    run_compiled(program, second, how);
    for (size_t b = 2; b < first.size(); ++b) ASSERT_TRUE(bit_equal(first[b], second[b]));
  }
}

}  // namespace
}  // namespace brisk
