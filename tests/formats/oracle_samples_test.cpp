// The C++ half of tests/oracle/{safetensors,tensorboard}.py: writes files for the real readers and
// reads what they wrote. The scripts name a folder in BRISK_ORACLE_FOLDER; without it there is
// nothing to do here.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "brisk/formats/safetensors/safetensors.h"
#include "brisk/formats/tfevents/event_writer.h"
#include "brisk/formats/tfrecord/tfrecord.h"

namespace brisk {
namespace {

class OracleSamples : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("BRISK_ORACLE_FOLDER");
    if (folder == nullptr) GTEST_SKIP() << "run by tests/oracle/*.py";
    folder_ = folder;
  }
  std::filesystem::path folder_;
};

const DType kTypes[] = {DType::f64,    DType::f32, DType::f16, DType::bf16, DType::f8e4m3,
                        DType::f8e5m2, DType::i64, DType::i32, DType::i16,  DType::i8,
                        DType::u64,    DType::u32, DType::u16, DType::u8,   DType::boolean};

/// Element i of every sample: exact in all types.
double sample_value(DType type, int64_t i) {
  if (type == DType::boolean) return static_cast<double>(i % 2);
  return is_signed(type) || is_floating(type) ? static_cast<double>(i - 3) : static_cast<double>(i);
}

Tensor sample(DType type) {
  Tensor tensor(type, {2, 4});
  for (int64_t i = 0; i < 8; ++i) tensor.set(i, sample_value(type, i));
  return tensor;
}

TEST_F(OracleSamples, WriteSafetensors) {
  std::vector<NamedTensor> tensors;
  for (DType type : kTypes) tensors.push_back({std::string(name(type)), sample(type)});
  tensors.push_back({"empty", Tensor(DType::f32, {0, 3})});
  tensors.push_back({"scalar", Tensor::scalar(DType::f32, 0.5)});
  tensors.push_back({"größe/\"x\"", Tensor::scalar(DType::i32, 7)});
  ASSERT_TRUE(write_safetensors(folder_ / "brisk.safetensors", tensors, {{"step", "12"}}).ok());
}

TEST_F(OracleSamples, ReadSafetensors) {
  const SafetensorsFile file = read_safetensors(folder_ / "python.safetensors").value();
  EXPECT_EQ(file.metadata.at("author"), "safetensors");
  for (DType type : kTypes) EXPECT_TRUE(bit_equal(file.at(name(type)), sample(type))) << name(type);
  EXPECT_EQ(file.at("empty").sizes(), (std::vector<int64_t>{0, 3}));
}

TEST_F(OracleSamples, WriteEvents) {
  EventWriter first = EventWriter::create(folder_ / "run").value();
  const std::vector<tfevents::GraphNode> nodes = {
      {"input", "Placeholder", {}},
      {"dense/kernel", "Parameter", {}},
      {"dense/matmul", "MatMul", {"input", "dense/kernel"}},
      {"relu", "Relu", {"dense/matmul"}}};
  ASSERT_TRUE(first.add_graph(nodes).ok());
  ASSERT_TRUE(first.add_text("recipe", 0, "# Recipe\n\n| a | b |\n|---|---|\n| 1 | ü |").ok());
  for (int64_t step = 0; step < 8; ++step) {
    ASSERT_TRUE(first.add_scalar("loss", step, 1.0 / static_cast<double>(step + 1)).ok());
    ASSERT_TRUE(first.add_scalar("constant", step, 0.25).ok());
  }
  ASSERT_TRUE(first.add_histogram("kernel", 3, Tensor::of<float>({5}, {0, 1, 2, 3, 3}), 3).ok());
  ASSERT_TRUE(first.add_image("picture", 2, 1, 1, "not really PNG").ok());
  ASSERT_TRUE(first.flush().ok());
  // Continued from step 5 by a second process: steps 5, 6 and 7 are computed again.
  EventWriter second = EventWriter::create(folder_ / "run", 5).value();
  for (int64_t step = 5; step < 10; ++step) {
    ASSERT_TRUE(second.add_scalar("loss", step, -static_cast<double>(step)).ok());
  }
  ASSERT_TRUE(second.finish().ok());
}

TEST_F(OracleSamples, WriteRecords) {
  TfrecordWriter writer = TfrecordWriter::create(folder_ / "brisk.tfrecord").value();
  for (size_t size : {0u, 1u, 7u, 8u, 1000u, 300'000u}) {
    ASSERT_TRUE(writer.write(std::string(size, 'a')).ok());
  }
  ASSERT_TRUE(writer.finish().ok());
}

}  // namespace
}  // namespace brisk
