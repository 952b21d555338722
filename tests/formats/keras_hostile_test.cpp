// Keras files that lie: each is refused with a sentence, none crashes or takes memory for what it
// only claims.

#include <gtest/gtest.h>

#include <cstring>

#include "brisk/base/file.h"
#include "brisk/formats/gzip/deflate.h"
#include "brisk/formats/keras/keras_file.h"
#include "brisk/formats/keras/write_keras.h"
#include "brisk/formats/keras/zip.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

class KerasHostile : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  void write(const std::string& name, std::string_view bytes) const {
    ASSERT_TRUE(write_file_atomically(path(name), bytes).ok());
  }
  /// The reason why a file of these bytes is refused; empty when it is not.
  std::string reason(std::string_view bytes) const {
    write("x.keras", bytes);
    const Result<KerasModel> model = read_keras(path("x.keras"));
    return model.ok() ? "" : model.error();
  }
  std::string reason_of_config(const std::string& config) const {
    EXPECT_TRUE(write_zip(path("c.keras"), std::vector<ZipMember>{{"config.json", config}}).ok());
    return reason(read_file(path("c.keras")).value());
  }
  std::string good() const {
    ModelBuilder builder("m");
    const Value x = builder.input("x", {3});
    Model model = builder.finish({{"dense", builder(Dense{.units = 2}, x)}});
    model.initialize(1);
    EXPECT_TRUE(write_keras(model, path("good.keras")).ok());
    return read_file(path("good.keras")).value();
  }
  static void patch(std::string& bytes, size_t at, uint32_t value) {
    std::memcpy(bytes.data() + at, &value, 4);
  }
  test::TemporaryDirectory directory_;
};

TEST_F(KerasHostile, NamesThatLeadOutOfTheArchive) {
  for (const char* name : {"../config.json", "/etc/passwd", "a/../../b", "a\\b"}) {
    ASSERT_TRUE(
        write_zip(path("t.keras"), std::vector<ZipMember>{{"config.json", "{}"}, {name, "x"}})
            .ok());
    EXPECT_NE(reason(read_file(path("t.keras")).value()).find("leads out of the archive"),
              std::string::npos)
        << name;
  }
}

TEST_F(KerasHostile, SizesThatAreOnlyClaimed) {
  const std::string bytes = good();
  const size_t central = bytes.find("PK\x01\x02");
  ASSERT_NE(central, std::string::npos);
  size_t at = central;
  while ((at = bytes.find("PK\x01\x02", at)) != std::string::npos) {
    std::string lying = bytes;
    patch(lying, at + 24, 0xf0000000u);  // the uncompressed size
    EXPECT_NE(reason(lying), "");
    patch(lying, at + 20, 0xf0000000u);  // and the stored one
    EXPECT_NE(reason(lying), "");
    ++at;
  }
}

/// An archive whose one member "config.json" holds so many zeros, deflated, and claims another
/// number of them.
std::string inflating_archive(const std::filesystem::path& scratch, size_t zeros,
                              uint32_t claimed) {
  EXPECT_TRUE(write_gzip(scratch, std::vector<std::byte>(zeros)).ok());
  const std::string gzip = read_file(scratch).value();
  constexpr size_t kHeader = 10, kTrailer = 8;  // of RFC 1952, without a name
  const std::string stored = gzip.substr(kHeader, gzip.size() - kHeader - kTrailer);
  const std::string checksum = gzip.substr(gzip.size() - kTrailer, 4), name = "config.json";
  const auto number = [](uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
    return text;
  };
  // Version 2.0, deflated, without flags and dates.
  const std::string sizes = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) + checksum +
                            number(stored.size(), 4) + number(claimed, 4) + number(name.size(), 2);
  const std::string local = "PK\x03\x04" + sizes + number(0, 2) + name + stored;
  const std::string central =
      "PK\x01\x02" + number(20, 2) + sizes + number(0, 8) + number(0, 8) + name;
  return local + central + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(central.size(), 4) + number(local.size(), 4) + number(0, 2);
}

TEST_F(KerasHostile, MembersThatInflateWithoutEnd) {
  constexpr uint32_t kZeros = 8 << 20, kLimit = 1 << 20;
  const auto refusal = [&](uint32_t claimed) -> std::string {
    const std::string bytes = inflating_archive(path("zeros.gz"), kZeros, claimed);
    const Result<ZipFile> file = ZipFile::open(bytes, "the archive");
    if (!file) return file.error();
    const Result<std::string> read = file->read("config.json", kLimit);
    return read.ok() ? "" : read.error();
  };
  EXPECT_NE(refusal(kZeros).find("has 8388608 bytes, over 1048576"), std::string::npos)
      << refusal(kZeros);
  EXPECT_NE(refusal(100).find("more than the 100 bytes"), std::string::npos) << refusal(100);
  EXPECT_NE(refusal(0xf0000000U).find("claims 4026531840 bytes"), std::string::npos)
      << refusal(0xf0000000U);
}

TEST_F(KerasHostile, TruncationAtAnyPlace) {
  const std::string bytes = good();
  ASSERT_EQ(reason(bytes), "");
  for (size_t size = 0; size < bytes.size(); size += 1 + size / 40)
    EXPECT_NE(reason(bytes.substr(0, size)), "") << size;
}

TEST_F(KerasHostile, DamagedBytesAreSeenByTheChecksum) {
  const std::string bytes = good();
  const size_t data = bytes.find("\x89HDF");
  ASSERT_NE(data, std::string::npos);
  for (size_t at = data; at < bytes.find("PK\x01\x02"); at += 211) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_NE(reason(damaged), "") << at;
  }
}

TEST_F(KerasHostile, TruncatedWeights) {
  good();
  const ZipFile file = ZipFile::open(path("good.keras")).value();
  const std::string config = file.read("config.json", 1 << 20).value(),
                    weights = file.read("model.weights.h5", 1 << 24).value();
  for (size_t size = 0; size < weights.size(); size += 97) {
    ASSERT_TRUE(write_zip(path("t.keras"),
                          std::vector<ZipMember>{{"config.json", config},
                                                 {"model.weights.h5", weights.substr(0, size)}})
                    .ok());
    EXPECT_NE(reason(read_file(path("t.keras")).value()), "") << size;
  }
}

TEST_F(KerasHostile, DeepNesting) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_NE(reason_of_config(deep).find("deep"), std::string::npos)
      << reason_of_config(deep).substr(0, 200);
}

TEST_F(KerasHostile, ConfigurationsThatAreNone) {
  EXPECT_NE(reason_of_config("{}").find("class_name"), std::string::npos);
  EXPECT_NE(reason_of_config("[1, 2]").find("no object"), std::string::npos);
  EXPECT_NE(
      reason_of_config(R"({"class_name": "Functional", "config": {"layers": 3}})").find("'layers'"),
      std::string::npos);
  EXPECT_NE(reason_of_config(R"({"class_name": "MyModel", "config": {}})").find("custom class"),
            std::string::npos);
  EXPECT_NE(reason_of_config(R"({"class_name": "Sequential", "config": {"name": "s", "layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, -3], "name": "x"}}]}})")
                .find("is of size -3"),
            std::string::npos);
  EXPECT_NE(reason_of_config(R"({"class_name": "Sequential", "config": {"name": "s", "layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, 4, 4], "name": "x"}},
      {"class_name": "Conv2D", "config": {"filters": 2, "kernel_size": [3, 3], "name": "c"}}]}})")
                .find("layer 'c' (Conv2D)"),
            std::string::npos);
}

TEST_F(KerasHostile, WeightsOfAnotherShape) {
  good();
  const ZipFile file = ZipFile::open(path("good.keras")).value();
  std::string config = file.read("config.json", 1 << 20).value();
  const size_t units = config.find("\"units\":2");
  ASSERT_NE(units, std::string::npos);
  config.replace(units, 9, "\"units\":5");
  ASSERT_TRUE(write_zip(path("t.keras"),
                        std::vector<ZipMember>{
                            {"config.json", config},
                            {"model.weights.h5", file.read("model.weights.h5", 1 << 24).value()}})
                  .ok());
  EXPECT_NE(reason(read_file(path("t.keras")).value())
                .find("is f32[3, 2], but its layer needs f32[3, 5]"),
            std::string::npos);
}

}  // namespace
}  // namespace brisk
