// Training steps lowered for a GPU that a file describes: where none is, too.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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

/// A step of ResNet-50 for a described device.
Compilation resnet50(Precision precision, Determinism determinism = Determinism::noted) {
  const auto cuda = *find_backend("cuda");
  StepOptions options;
  options.optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  options.precision = precision;
  options.target = step_target(*cuda, precision);
  options.target.places_through_pointwise = 0;
  CompileOptions compiling;
  compiling.determinism = determinism;
  compiling.tf32 = precision == Precision::tf32;
  compiling.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";
  return compile(make_training_step(zoo::by_name("resnet50"), options, 16), *cuda, compiling);
}

/// Kernels whose names hold `part`.
int64_t kernels_of(const Compilation& compiled, const std::string& part) {
  return std::ranges::count_if(compiled.executable->explain(), [&](const KernelReport& kernel) {
    return kernel.kernel.find(part) != std::string::npos;
  });
}

/// In regions, too: convolutions of ordered filters.
int64_t nodes_of(const Graph& graph, std::string_view op) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    count += node.op->name == op ? 1 : 0;
    for (const Graph& region : node.regions) count += nodes_of(region, op);
  }
  return count;
}
int64_t nodes_of(const Compilation& compiled, std::string_view op) {
  return nodes_of(compiled.lowered.graph, op);
}

/// Why there are no libraries to choose kernels of; empty where there are.
std::string missing_library() {
  for (const LibraryReport& library : (*find_backend("cuda"))->libraries())
    if (library.name.starts_with("cu") && !library.problem.empty()) return library.problem;
  return "";
}

TEST(CudaLowering, ABlocksGradientsAreOneKernelWhereProductsAreRounded) {
  if (const std::string missing = missing_library(); !missing.empty()) GTEST_SKIP() << missing;
  EXPECT_EQ(kernels_of(resnet50(Precision::mixed_float16), "input_gradient_join"), 14);
  EXPECT_EQ(kernels_of(resnet50(Precision::mixed_float16), "pointwise_join"), 3);
  EXPECT_EQ(kernels_of(resnet50(Precision::mixed_float16), "pointwise_pair"), 1);
  const Compilation rounded = resnet50(Precision::tf32);
  EXPECT_EQ(kernels_of(rounded, "input_gradient_join"), 13);
  EXPECT_EQ(kernels_of(rounded, "moments_gradient_scale_shift"), 13);
  EXPECT_EQ(kernels_of(resnet50(Precision::float32), "input_gradient_join"), 0);
}

TEST(CudaLowering, PointwiseConvolutionsGiveTheirSumsInEveryRoundedType) {
  if (const std::string missing = missing_library(); !missing.empty()) GTEST_SKIP() << missing;
  // All of ResNet-50 that batch norm does not go through; in f16 from 256 filters on, in TF32 those
  // of few operations. Those of 3x3 filters have their image's extents in their names, these the
  // number of places.
  const auto own = [](Precision precision) {
    const Compilation step = resnet50(precision);
    return kernels_of(step, "nvrtc/convolution_statistics") -
           kernels_of(step, "nvrtc/convolution_statistics/16x");
  };
  EXPECT_EQ(own(Precision::mixed_bfloat16), 19);
  EXPECT_EQ(own(Precision::mixed_float16), 10);
  EXPECT_EQ(own(Precision::tf32), 14);
  EXPECT_EQ(own(Precision::float32), 0);
}

TEST(CudaLowering, SumsThatVaryAreLeftOutOfADeterministicStep) {
  if (const std::string missing = missing_library(); !missing.empty()) GTEST_SKIP() << missing;
  const Compilation varying = resnet50(Precision::mixed_float16);
  const Compilation equal = resnet50(Precision::mixed_float16, Determinism::full);
  const Compilation other = resnet50(Precision::mixed_bfloat16, Determinism::full);
  for (const char* op : {"convolution_statistics", "input_gradient_scale_shift"}) {
    EXPECT_GT(nodes_of(varying, op), 5) << op;
    // What is left are kernels of our own.
    EXPECT_GT(nodes_of(equal, op), 5) << op;
    EXPECT_LT(nodes_of(equal, op), nodes_of(varying, op)) << op;
    EXPECT_EQ(kernels_of(equal, fmt::format("nvrtc/{}", op)) +
                  (op == std::string("convolution_statistics")
                       ? kernels_of(equal, "nvrtc/narrow_convolution/sums")
                       : 0),
              nodes_of(equal, op))
        << op;
  }
  // Batch norm stays in parts, whatever sums there are in a type.
  for (const char* op : {"gram_matrix", "input_gradient_join", "moments_gradient_scale_shift",
                         "pointwise_join", "pointwise_pair", "scale_shift_max_pool"})
    EXPECT_EQ(nodes_of(equal, op), nodes_of(other, op)) << op;
  EXPECT_GT(nodes_of(equal, "input_gradient_join"), 5);
}

TEST(CudaLowering, HoppersKernelTakesThreeByThreeConvolutionsWithTheirSums) {
  if (const std::string missing = missing_library(); !missing.empty()) GTEST_SKIP() << missing;
  for (const Precision precision : {Precision::mixed_float16, Precision::mixed_bfloat16}) {
    const Compilation step = resnet50(precision);
    for (const char* op : {"convolution_statistics", "input_gradient_scale_shift"})
      EXPECT_GE(kernels_of(step, std::string("nvrtc/") + op), 6) << op;
  }
}

TEST(CudaLowering, TheFirstLayerHasKernelsOfItsOwnWhereProductsAreRounded) {
  for (const Precision precision :
       {Precision::mixed_float16, Precision::mixed_bfloat16, Precision::tf32}) {
    const Compilation step = resnet50(precision);
    EXPECT_EQ(kernels_of(step, "nvrtc/narrow_convolution/sums"), 1);
    EXPECT_EQ(kernels_of(step, "nvrtc/narrow_gradient"), 1);
  }
  EXPECT_EQ(
      kernels_of(resnet50(Precision::mixed_float16, Determinism::full), "nvrtc/narrow_convolution"),
      1);
  EXPECT_EQ(kernels_of(resnet50(Precision::float32), "nvrtc/narrow"), 0);
}

TEST(CudaLowering, AResidualNetworkRunsWithTheLibrariesThatAreThere) {
  EXPECT_GE(kernels_of(resnet50(Precision::mixed_float16), ""), 100);
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
