// What is said of a library that is absent, too old or another: on machines with and without a GPU.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "brisk/backends/cuda/api/cudnn.h"
#include "brisk/backends/cuda/api/entry_points.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/missing_libraries.h"
#include "tests/support/child_process.h"

namespace brisk {
namespace {

/// Runs in a child, since a process opens its libraries once.
TEST(CudnnOnFakeLibrary, SaysWhatIsWrong) {
  const char* expected = std::getenv("FAKE_CUDNN_EXPECT");
  if (expected == nullptr) GTEST_SKIP() << "needs a sentence to expect";
  const auto library = cuda::cudnn::library();
  ASSERT_FALSE(library.ok());
  EXPECT_NE(library.error().find(expected), std::string::npos) << library.error();
  EXPECT_NE(library.error().find("nvidia-cudnn-cu13"), std::string::npos) << library.error();
  // A convolution that it would run is left to plain loops on the device, and says so.
  Builder builder(standard_ops(), "g");
  const Value image = builder.input("image", Type(DType::f32, {1, 8, 8, 4})),
              filter = builder.input("filter", Type(DType::f32, {3, 3, 4, 4}));
  const Value y = convolution(image, filter, {{1, 1}, {1, 1}, {1, 1}, {1, 1}});
  const Program program{.graph = builder.finish({{"y", y}}), .num_results = 1};
  CompileOptions options;
  options.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";
  const Compilation compiled = compile(program, *find_backend("cuda").value(), options);
  const std::vector<KernelReport> kernels = compiled.executable->explain();
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_TRUE(kernels[0].kernel.starts_with("nvrtc/plain")) << kernels[0].kernel;
  EXPECT_TRUE(std::ranges::any_of(kernels[0].refusals, [&](const KernelReport::Refusal& refusal) {
    return refusal.reason.find(expected) != std::string::npos;
  }));
  // Whoever runs it is told beforehand what that costs.
  const std::vector<std::string> warnings =
      missing_library_warnings(*find_backend("cuda").value(), *compiled.executable);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with(
      "without cuDNN, 1 of 1 kernels (fused_convolution) run on nvrtc/plain"))
      << warnings[0];
  EXPECT_NE(warnings[0].find(expected), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("nvidia-cudnn-cu13"), std::string::npos) << warnings[0];
}

TEST(MissingLibraries, AProgramThatNeedsNoneIsNotWarnedOf) {
  Builder builder(standard_ops(), "g");
  const Value x = builder.input("x", Type(DType::f32, {8}));
  const Program program{.graph = builder.finish({{"y", x + x}}), .num_results = 1};
  CompileOptions options;
  options.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";
  const auto backend = find_backend("cuda").value();
  EXPECT_TRUE(
      missing_library_warnings(*backend, *compile(program, *backend, options).executable).empty());
}

void expect_sentence(const std::string& folder, const std::string& version,
                     const std::string& sentence) {
  const test::ChildResult child = test::run_child(
      {BRISK_BINARY_DIR "/tests/test_backends", "--gtest_filter=CudnnOnFakeLibrary.*"},
      {.environment = {"BRISK_CUDA_PATH=" BRISK_BINARY_DIR "/tests/" + folder,
                       "BRISK_CUDA_SEARCH=0", "FAKE_CUDNN_VERSION=" + version,
                       "FAKE_CUDNN_EXPECT=" + sentence}});
  EXPECT_EQ(child.code, 0) << child.out << child.err;
  EXPECT_NE(child.out.find("[  PASSED  ] 1 test."), std::string::npos) << child.out << child.err;
}

TEST(VendorLibraries, ACudnnThatIsTooOldIsNamedWithTheVersionWanted) {
  expect_sentence("fake_cudnn", "90100",
                  "fake_cudnn/libcudnn.so.9 is cuDNN 9.1.0, but 9.11.0 or newer is needed");
}

TEST(VendorLibraries, ACudnnWithoutTheBackendInterfaceIsNamed) {
  expect_sentence("fake_cudnn_bare", "7605",
                  "libcudnn.so.9 is no cuDNN 9: it lacks cudnnCreate of the backend interface");
}

TEST(VendorLibraries, AnAbsentCudnnIsNamedWithHowToGetIt) {
  expect_sentence("fake_driver", "", "libcudnn.so.9 was not found in BRISK_CUDA_PATH");
}

TEST(VendorLibraries, AnAbsentOneIsNamedWithWhereItWasSoughtAndHowToGetIt) {
  const auto absent = cuda::VendorLibrary::open({"libbrisk_has_no_such.so.1"}, "get it there");
  ASSERT_FALSE(absent.ok());
  for (const char* part : {"libbrisk_has_no_such.so.1", "BRISK_CUDA_PATH", "get it there"})
    EXPECT_NE(absent.error().find(part), std::string::npos) << absent.error();
}

}  // namespace
}  // namespace brisk
