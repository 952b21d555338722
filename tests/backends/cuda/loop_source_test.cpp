#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/loop/stage_source.h"
#include "tests/backends/cuda/loop_cases.h"

// Loops for the device without a device: NVRTC compiles every form, and plans have the widths that
// memory needs.

namespace brisk {
namespace {

using cuda::DeviceProperties;
using cuda::LoopStage;

DeviceProperties h200() {
  return {.name = "NVIDIA H200", .major = 9, .minor = 0, .multiprocessors = 132};
}

#define SKIP_WITHOUT_NVRTC() \
  if (const auto compiler = cuda::nvrtc(); !compiler) GTEST_SKIP() << compiler.error()

std::vector<cuda::KernelSource> sources_of(const LoopProgram& written) {
  const LoopProgram program = device_loop_program(written, h200());
  const cuda::DeviceLoopPlan plan = plan_device_loop(program, h200());
  std::vector<cuda::KernelSource> sources;
  for (const LoopStage& stage : plan.stages) sources.push_back(stage_source(program, plan, stage));
  return sources;
}

TEST(CudaLoopSource, EveryFormCompiles) {
  SKIP_WITHOUT_NVRTC();
  std::vector<cuda::KernelSource> sources;
  for (const LoopCase& loop : loop_cases())
    for (cuda::KernelSource& source : sources_of(loop.program))
      sources.push_back(std::move(source));
  const auto code = cuda::compile_kernels(sources, {.cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

TEST(CudaLoopSource, VectorsAreAsWideAsMemoryTakes) {
  const auto stages = [](const LoopProgram& program) {
    return plan_device_loop(program, h200()).stages;
  };
  const auto plain = stages(
      pointwise_case({{802'816, false}, {256, false}}, DType::f16, DType::f32, false).program);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].lanes, 8);
  EXPECT_EQ(plain[0].inner_threads, 32);  // 256 channels: each thread keeps its eight
  EXPECT_EQ(stages(pointwise_case({{1000, false}, {12, false}}, DType::f32).program)[0].lanes, 4);
  EXPECT_EQ(stages(pointwise_case({{1000, false}, {3, false}}, DType::f16).program)[0].lanes, 1);
  EXPECT_EQ(stages(pointwise_case({{1000, false}, {20, false}}, DType::f16).program)[0].lanes, 4);
  EXPECT_EQ(stages(moves_case(64, 32).program)[0].lanes, 1);
}

TEST(CudaLoopSource, BatchNormReadsItsInputTwice) {
  const LoopProgram program =
      batch_norm_case({{802'816, true}, {64, false}}, DType::f16, false).program;
  const auto plan = plan_device_loop(device_loop_program(program, h200()), h200());
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_EQ(plan.stages[0].form, LoopStage::Form::column_fold);
  EXPECT_EQ(plan.stages[1].form, LoopStage::Form::pointwise);
  EXPECT_GE(plan.stages[0].grid(), 132);
  EXPECT_EQ(plan_device_loop(program, h200()).stages.size(), 3u);
}

TEST(CudaLoopSource, RowsStayInRegisters) {
  const auto plan = plan_device_loop(
      softmax_case({{4096, false}, {1024, true}}, DType::f16, false).program, h200());
  ASSERT_EQ(plan.stages.size(), 1u);
  EXPECT_EQ(plan.stages[0].form, LoopStage::Form::row);
  EXPECT_EQ(plan.stages[0].registers, 4);
  EXPECT_EQ(plan.stages[0].inner_threads, 32);
  EXPECT_EQ(plan.workspace_bytes, 0);
}

}  // namespace
}  // namespace brisk
