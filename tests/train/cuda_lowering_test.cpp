// Training steps lowered for a GPU that a file describes: where none is, too.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "brisk/ir/text.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/step_target.h"
#include "tests/support/child_process.h"
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
                {.tf32 = GetParam() == Precision::tf32,
                 .device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json"});
    const std::vector<KernelReport> kernels = compiled.executable->explain();
    EXPECT_GT(kernels.size(), 0u);
    for (const KernelReport& kernel : kernels) EXPECT_FALSE(kernel.kernel.empty()) << kernel.op;
  }
}

INSTANTIATE_TEST_SUITE_P(CudaLowering, StepOnADescribedDevice,
                         ::testing::Values(Precision::float32, Precision::mixed_float16,
                                           Precision::mixed_bfloat16, Precision::tf32));

/// Kernels of a step of ResNet-50 on a described device whose names hold `part`.
int64_t kernels_of_resnet50(Precision precision, const std::string& part) {
  const auto cuda = *find_backend("cuda");
  StepOptions options;
  options.optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  options.precision = precision;
  options.target = step_target(*cuda, precision);
  options.target.places_through_pointwise = 0;
  CompileOptions compiling;
  compiling.tf32 = precision == Precision::tf32;
  compiling.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";
  const Program step = make_training_step(zoo::by_name("resnet50"), options, 16);
  const std::vector<KernelReport> kernels = compile(step, *cuda, compiling).executable->explain();
  return std::ranges::count_if(kernels, [&](const KernelReport& kernel) {
    return kernel.kernel.find(part) != std::string::npos;
  });
}

TEST(CudaLowering, ABlocksGradientsAreOneKernelWhereProductsAreRounded) {
  for (const LibraryReport& library : (*find_backend("cuda"))->libraries())
    if (library.name.starts_with("cu") && !library.problem.empty()) GTEST_SKIP() << library.problem;
  EXPECT_EQ(kernels_of_resnet50(Precision::mixed_float16, "input_gradient_join"), 14);
  EXPECT_EQ(kernels_of_resnet50(Precision::tf32, "input_gradient_join"), 11);
  EXPECT_EQ(kernels_of_resnet50(Precision::tf32, "moments_gradient_scale_shift"), 3);
  EXPECT_EQ(kernels_of_resnet50(Precision::float32, "input_gradient_join"), 0);
}

/// Of ResNet-50's training step.
Program step_of_resnet50(Precision precision, bool deterministic,
                         std::set<std::string, std::less<>> disabled = {}) {
  StepOptions options;
  options.optimizer = sgd({.learning_rate = 0.1});
  options.precision = precision;
  options.target = step_target(**find_backend("cuda"), precision, deterministic);
  options.disabled_passes = std::move(disabled);
  return make_training_step(zoo::by_name("resnet50"), options, 16);
}

TEST(CudaLowering, SumsThatVaryAreLeftOutOfADeterministicStep) {
  const auto varying = [](const Program& step) {
    return std::ranges::count_if(step.graph.nodes(), [](const Node& node) {
      return node.op->name == "convolution_statistics" ||
             node.op->name == "input_gradient_scale_shift";
    });
  };
  const Program deterministic = step_of_resnet50(Precision::mixed_float16, true);
  EXPECT_GT(varying(step_of_resnet50(Precision::mixed_float16, false)), 20);
  EXPECT_EQ(varying(deterministic), 0);
  EXPECT_EQ(print(deterministic.graph),
            print(step_of_resnet50(Precision::mixed_float16, false, {"fuse_batch_norm"}).graph));
  EXPECT_EQ(print(step_of_resnet50(Precision::mixed_bfloat16, true).graph),
            print(step_of_resnet50(Precision::mixed_bfloat16, false).graph))
      << "sums by loops of our own do not vary";
}

TEST(CudaLowering, AResidualNetworkRunsWithTheLibrariesThatAreThere) {
  EXPECT_GE(kernels_of_resnet50(Precision::mixed_float16, ""), 100);
}

TEST(CudaLowering, AResidualNetworkRunsOnPlainKernelsWithoutLibraries) {
  const ChildResult child =
      run_child({BRISK_BINARY_DIR "/tests/test_train",
                 "--gtest_filter=CudaLowering.*WithTheLibrariesThatAreThere"},
                {.environment = {"BRISK_CUDA_PATH=/nowhere", "BRISK_CUDA_SEARCH=0"}});
  EXPECT_EQ(child.code, 0) << child.out << child.err;
  EXPECT_NE(child.out.find("[  PASSED  ] 1 test."), std::string::npos) << child.out << child.err;
}

TEST(CudaLowering, Tf32IsRefusedWhereThereIsNone) {
  EXPECT_THROW(step_target(**find_backend("cpu"), Precision::tf32), UserError);
}

}  // namespace
}  // namespace brisk::test
