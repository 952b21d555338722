#include <gtest/gtest.h>

#include <fstream>

#include "brisk/base/file.h"
#include "brisk/base/philox.h"
#include "brisk/formats/gzip/deflate.h"
#include "brisk/formats/gzip/inflate.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/layers.h"
#include "tests/support/temporary_directory.h"

namespace brisk::test {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Compressible by about half, and longer than one piece of the reader.
std::string long_text(size_t size) {
  PhiloxSequence random(2);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.next_below(16));
  return text;
}

TEST(Gzip, WhatIsWrittenIsReadAgain) {
  const TemporaryDirectory directory;
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(3'000'000, 'x'), long_text(20'000'001)}) {
    write_gzip(directory / "file.gz", bytes_of(text)).value();
    EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(directory / "file.gz")),
              gzipped_size(bytes_of(text)));
    const InflatedFile file =
        inflate_file(directory / "file.gz", static_cast<int64_t>(text.size())).value();
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(file.bytes.get()),
                               static_cast<size_t>(file.size)),
              text);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(file.bytes.get()) % 64, 0u);
  }
  EXPECT_LT(gzipped_size(bytes_of(long_text(100'000))), 60'000);
}

TEST(Gzip, RefusesMoreThanIsExpectedAndWhatIsDamaged) {
  const TemporaryDirectory directory;
  write_gzip(directory / "file.gz", bytes_of(std::string(100'000, 'x'))).value();
  EXPECT_NE(inflate_file(directory / "file.gz", 99'999).error().find("more than the 99999 bytes"),
            std::string::npos);
  std::filesystem::resize_file(directory / "file.gz",
                               std::filesystem::file_size(directory / "file.gz") - 9);
  EXPECT_NE(inflate_file(directory / "file.gz", 1 << 20).error().find("end early"),
            std::string::npos);
  std::ofstream(directory / "text.gz") << "no gzip";
  EXPECT_NE(inflate_file(directory / "text.gz", 1 << 20).error().find("holds no gzip data"),
            std::string::npos);
}

TEST(Gzip, APackagesWeightsMayBeCompressed) {
  ModelBuilder builder("model");
  const Value x = builder.input("x", {40});
  Model model = builder.finish({{"y", builder(Dense{.units = 50}, x)}});
  model.initialize(1);
  for (int64_t i = 0; i < 1800; ++i) model.weights[0].set(i, 0);
  const TemporaryDirectory directory;
  Package package{model.program, model.weights, model.name, {}, {}, {}};
  write_package(directory / "plain", package).value();
  package.gzipped = true;
  write_package(directory / "gzipped", package).value();
  EXPECT_FALSE(std::filesystem::exists(directory / "gzipped" / "weights.safetensors"));
  EXPECT_LT(std::filesystem::file_size(directory / "gzipped" / "weights.safetensors.gz"),
            std::filesystem::file_size(directory / "plain" / "weights.safetensors") / 4);
  const Package again = read_package(directory / "gzipped").value();
  EXPECT_TRUE(again.gzipped);
  ASSERT_EQ(again.weights.size(), model.weights.size());
  for (size_t i = 0; i < model.weights.size(); ++i)
    EXPECT_TRUE(bit_equal(again.weights[i], model.weights[i]));

  // A file that unpacks to far more than the graph's weights is not unpacked to the end.
  write_gzip(directory / "gzipped" / "weights.safetensors.gz",
             bytes_of(std::string(150'000'000, '\0')))
      .value();
  const Result<Package> bomb = read_package(directory / "gzipped");
  ASSERT_FALSE(bomb.ok());
  EXPECT_NE(bomb.error().find("weights.safetensors.gz holds more than"), std::string::npos)
      << bomb.error();
}

}  // namespace
}  // namespace brisk::test
