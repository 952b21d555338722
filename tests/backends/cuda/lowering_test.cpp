// What needs no device: kernels are chosen for one that a file describes.

#include <gtest/gtest.h>

#include <fstream>

#include "brisk/backends/cuda/device_description.h"
#include "brisk/backends/cuda/kernel.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/support/temporary_directory.h"

namespace brisk::cuda {
namespace {

const std::string kH200 = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Program copy_program() {
  Builder builder(standard_ops(), "copy");
  const Value x = builder.input("x", Type(DType::f32, {4}));
  return {.graph = builder.finish({{"x", x}}), .num_results = 1};
}

TEST(DeviceDescription, IsReadAndWrittenBack) {
  const DeviceProperties properties = read_device_description(kH200).value();
  EXPECT_EQ(properties.name, "NVIDIA H200");
  EXPECT_EQ(properties.architecture(), "sm_90a");
  EXPECT_EQ(properties.multiprocessors, 132);
  const test::TemporaryDirectory directory;
  std::ofstream(directory / "again.json") << device_description(properties);
  EXPECT_EQ(read_device_description(directory / "again.json").value().cache_key(),
            properties.cache_key());
}

TEST(DeviceDescription, SaysWhatIsWrong) {
  const test::TemporaryDirectory directory;
  const auto error_of = [&](const std::string& text) {
    std::ofstream(directory / "device.json") << text;
    return read_device_description(directory / "device.json").error();
  };
  EXPECT_TRUE(mentions(error_of("[]"), "one JSON object"));
  EXPECT_TRUE(mentions(error_of("{\"name\": 3}"), "'name' must be a text"));
  EXPECT_TRUE(
      mentions(error_of(R"({"name": "x", "major": 7})"), "'major' is 7, but must be in [8, 99]"));
  EXPECT_TRUE(
      mentions(error_of(R"({"name": "x", "major": 9.5})"), "'major' must be a whole number"));
  EXPECT_TRUE(mentions(error_of("{"), "device.json"));
}

TEST(CudaLowering, ADescribedDeviceIsExplainedAndDoesNotRun) {
  const auto backend = find_backend("cuda").value();
  const auto executable =
      compile(copy_program(), *backend, {.device_description = kH200}).executable;
  EXPECT_TRUE(executable->explain().empty());  // the one output is a copy
  EXPECT_GT(executable->peak_bytes(), 0);
  EXPECT_TRUE(mentions(message_of([&] { executable->run({}); }),
                       "lowered for a description of NVIDIA H200"));
}

TEST(CudaLowering, OtherBackendsTakeNoDescription) {
  const std::string message = message_of(
      [] { compile(copy_program(), **find_backend("cpu"), {.device_description = kH200}); });
  EXPECT_TRUE(mentions(message, "descriptions of devices are for cuda")) << message;
}

TEST(CudaKernels, ARefusalNamesTheNodeItsLayerAndEveryReason) {
  Op op;
  op.name = "made_up";
  Node node;
  node.op = &op;
  node.label = "dense_3";
  node.results = {Type(DType::f32, {2})};
  const std::vector<Type> operands = {Type(DType::f16, {2, 2})};
  const std::vector<bool> constant = {false};
  const DeviceProperties device = read_device_description(kH200).value();
  CodeLibrary code;
  const std::string message = message_of([&] {
    choose_kernel({node, operands, constant, true, device}, PrepareContext{code, nullptr, nullptr});
  });
  EXPECT_EQ(message,
            "no kernel for made_up (f16[2, 2]) -> f32[2] of layer dense_3; the cuda backend has "
            "none for this op");
}

TEST(CudaBackend, WithoutADeviceSaysWhyWhenSomethingIsCompiled) {
  const auto backend = find_backend("cuda").value();
  if (const Status here = backend->available(); !here) {
    EXPECT_EQ(message_of([&] { compile(copy_program(), *backend); }), here.error());
    EXPECT_TRUE(mentions(here.error(), "CUDA")) << here.error();
  }
  EXPECT_TRUE(backend->supports_fast(DType::f16).ok());
  EXPECT_TRUE(backend->supports_fast(DType::bf16).ok());
  EXPECT_FALSE(backend->supports_fast(DType::f8e4m3).ok());
}

TEST(CudaBackend, ReportsEachLibrary) {
  const std::vector<LibraryReport> reports = find_backend("cuda").value()->libraries();
  ASSERT_EQ(reports.size(), 5u);
  const std::vector<std::string> names = {"CUDA driver", "NVRTC", "cuDNN", "cuBLASLt", "CUPTI"};
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(reports[i].name, names[i]);
    EXPECT_EQ(reports[i].optional, names[i] == "CUPTI");
    EXPECT_FALSE(reports[i].wanted.empty());
    if (reports[i].path.empty())
      EXPECT_TRUE(mentions(reports[i].problem, "was not found by the loader"));
    else
      EXPECT_FALSE(reports[i].version.empty());
  }
}

}  // namespace
}  // namespace brisk::cuda
