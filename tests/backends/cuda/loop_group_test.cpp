// Groups of loops for a device that is described: what one kernel takes, that NVRTC takes it, and
// that training steps have few launches for their parameters.

#include "brisk/backends/cuda/loop/loop_group.h"

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/loop/make_loop_program.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

const std::string kH200 = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";

/// p - rate cast(g); the gradient is short.
Graph update(const Shape& shape) {
  Builder body(standard_ops(), "loop");
  const Value p = body.input("p", Type(DType::f32, shape)),
              g = body.input("g", Type(DType::f16, shape));
  const Value rate = body.input("rate", Type(DType::f32, {}));
  return body.finish({{"p", p - cast(g, DType::f32) * broadcast_to(rate, shape)}});
}

Result<cuda::LoopGroup> group_of(const std::vector<Shape>& shapes) {
  std::vector<LoopProgram> programs;
  for (const Shape& shape : shapes) programs.push_back(make_loop_program(update(shape)).value());
  return cuda::make_loop_group(
      std::move(programs), {.name = "NVIDIA H200", .major = 9, .minor = 0, .multiprocessors = 132});
}

TEST(CudaLoopGroup, LoopsOfAllRanksAndSizesAreOneKernel) {
  const auto group = group_of({{1, 1, 64, 256}, {1000}, {2048, 1000}, {7, 7, 3, 64}});
  ASSERT_TRUE(group.ok()) << group.error();
  EXPECT_EQ(group->elements, (std::vector<int64_t>{16384, 1000, 2048000, 9408}));
  EXPECT_EQ(group->stage.lanes, 8);
  EXPECT_EQ(group->capacity(), 84);
  int64_t blocks = 0;
  for (size_t i = 0; i < group->elements.size(); ++i) blocks += group->blocks_of(i);
  EXPECT_GT(blocks, 132);
  if (const auto compiler = cuda::nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  const auto code = cuda::compile_kernels({group_source(*group)}, {.cache = false});
  EXPECT_TRUE(code.ok()) << code.error();
}

TEST(CudaLoopGroup, ShortAndAlignedOnesCompileToo) {
  if (const auto compiler = cuda::nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  for (const std::vector<Shape>& shapes :
       {std::vector<Shape>{{2}, {3}}, {{8}, {4096}}, {{1 << 22}, {5}}}) {
    const auto group = group_of(shapes);
    ASSERT_TRUE(group.ok()) << group.error();
    const auto code = cuda::compile_kernels({group_source(*group)}, {.cache = false});
    EXPECT_TRUE(code.ok()) << code.error();
  }
}

TEST(CudaLoopGroup, FoldsOfWholeTensorsAreOneKernel) {
  std::vector<LoopProgram> programs;
  for (const Shape& shape : {Shape{1, 1, 64, 256}, Shape{1000}, Shape{7, 7, 3, 64}}) {
    Builder body(standard_ops(), "loop");
    const Value g = body.input("g", Type(DType::f16, shape));
    const Value scale = body.input("scale", Type(DType::f32, {}));
    const Value wide = cast(g, DType::f32) * broadcast_to(scale, shape);
    programs.push_back(
        make_loop_program(body.finish({{"finite", reduce_all(is_finite(wide))},
                                       {"norm", sqrt(reduce_sum(square(wide)) + scale)}}))
            .value());
  }
  const auto group = cuda::make_loop_group(
      std::move(programs), {.name = "NVIDIA H200", .major = 9, .minor = 0, .multiprocessors = 132});
  ASSERT_TRUE(group.ok()) << group.error();
  EXPECT_TRUE(group->folds());
  EXPECT_EQ(group->stage.lanes, 8);
  if (const auto compiler = cuda::nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  const auto code = cuda::compile_kernels({group_source(*group)}, {.cache = false});
  EXPECT_TRUE(code.ok()) << code.error() << group_source(*group).text;
}

TEST(CudaLoopGroup, ANodeOfLoopsIsOneStep) {
  Builder builder(standard_ops(), "updates");
  std::vector<Value> operands;
  std::vector<Graph> members;
  const Value rate = builder.input("rate", Type(DType::f32, {}));
  for (const Shape& shape : {Shape{3, 3, 64, 64}, Shape{64}, Shape{1000}}) {
    operands.push_back(builder.input(fmt::format("p{}", members.size()), Type(DType::f32, shape)));
    operands.push_back(builder.input(fmt::format("g{}", members.size()), Type(DType::f16, shape)));
    operands.push_back(rate);
    members.push_back(update(shape));
  }
  const std::vector<Value> results = loop_group(operands, std::move(members));
  const Program program{
      .graph = builder.finish({{"a", results[0]}, {"b", results[1]}, {"c", results[2]}}),
      .num_results = 3};
  const auto compiled =
      compile(program, **find_backend("cuda"), {.device_description = kH200}).executable;
  ASSERT_EQ(compiled->explain().size(), 1u);
  EXPECT_EQ(compiled->explain()[0].kernel, "loop/group of 3");
}

TEST(CudaLoopGroup, LoopsThatDifferRunOneByOne) {
  Builder builder(standard_ops(), "different");
  const Value x = builder.input("x", Type(DType::f32, {64})),
              y = builder.input("y", Type(DType::f32, {32}));
  Builder one(standard_ops(), "loop"), other(standard_ops(), "loop");
  std::vector<Graph> members;
  members.push_back(one.finish({{"y", tanh(one.input("x", x.type()))}}));
  members.push_back(other.finish({{"y", sin(other.input("x", y.type()))}}));
  const std::vector<Value> results = loop_group(std::vector{x, y}, std::move(members));
  const Program program{.graph = builder.finish({{"a", results[0]}, {"b", results[1]}}),
                        .num_results = 2};
  const auto compiled =
      compile(program, **find_backend("cuda"), {.device_description = kH200}).executable;
  ASSERT_EQ(compiled->explain().size(), 1u);
  EXPECT_EQ(compiled->explain()[0].kernel, "loop/2 one by one");
  ASSERT_EQ(compiled->explain()[0].refusals.size(), 1u);
}

}  // namespace
}  // namespace brisk
