#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/loop/stage_source.h"
#include "cuda_loop_cases.h"

// Loops for the device without a device: NVRTC compiles every form, and plans have the widths that
// memory needs.

namespace brisk {
namespace {

using cuda::DeviceProperties;
using cuda::LoopStage;

DeviceProperties h200() {
  return {.name = "NVIDIA H200", .major = 9, .minor = 0, .multiprocessors = 132};
}

#define SKIP_WITHOUT_NVRTC()                                                 \
  if (const auto compiler = cuda::nvrtc(); !compiler) GTEST_SKIP() << compiler.error()

std::vector<cuda::KernelSource> sources_of(const LoopProgram& program) {
  const cuda::DeviceLoopPlan plan = plan_device_loop(program, h200());
  std::vector<cuda::KernelSource> sources;
  for (const LoopStage& stage : plan.stages) sources.push_back(stage_source(program, plan, stage));
  return sources;
}

TEST(CudaLoopSource, EveryFormCompiles) {
  SKIP_WITHOUT_NVRTC();
  std::vector<cuda::KernelSource> sources;
  for (const LoopCase& loop : loop_cases())
    for (cuda::KernelSource& source : sources_of(loop.program)) sources.push_back(std::move(source));
  const auto code = cuda::compile_kernels(sources, {.cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

}  // namespace
}  // namespace brisk
