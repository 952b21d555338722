// Training steps lowered for a GPU that a file describes: where none is, too.

#include <gtest/gtest.h>

#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

class StepOnADescribedDevice : public ::testing::TestWithParam<Precision> {};

TEST_P(StepOnADescribedDevice, EveryNodeOfAStepFindsAKernel) {
  for (const bool regularised : {false, true}) {
    StepOptions options;
    options.optimizer = adam({.learning_rate = 0.01});
    options.precision = GetParam();
    options.accumulate = regularised ? 1 : 2;
    const Program program = make_training_step(tiny_cnn(regularised), options, 16);
    const Compilation compiled =
        compile(program, **find_backend("cuda"),
                {.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json"});
    const std::vector<KernelReport> kernels = compiled.executable->explain();
    EXPECT_GT(kernels.size(), 0u);
    for (const KernelReport& kernel : kernels) EXPECT_FALSE(kernel.kernel.empty()) << kernel.op;
  }
}

INSTANTIATE_TEST_SUITE_P(CudaLowering, StepOnADescribedDevice,
                         ::testing::Values(Precision::float32, Precision::mixed_float16,
                                           Precision::mixed_bfloat16));

}  // namespace
}  // namespace brisk::test
