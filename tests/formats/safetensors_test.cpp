#include "brisk/formats/safetensors/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/base/philox.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;

/// A file of `header`, its length before it, and `data` after it.
std::string file_of(std::string_view header, std::string_view data) {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i));
  return text.append(header).append(data);
}

Result<SafetensorsFile> parse(std::string_view text, const SafetensorsOptions& options = {}) {
  const std::shared_ptr<std::byte[]> memory = allocate_aligned(static_cast<int64_t>(text.size()));
  std::memcpy(memory.get(), text.data(), text.size());
  return parse_safetensors({memory.get(), text.size()}, memory, "the test's bytes", options);
}

Result<SafetensorsFile> parse(std::string_view header, int64_t data_bytes) {
  return parse(file_of(header, std::string(static_cast<size_t>(data_bytes), '\0')));
}

TEST(Safetensors, ReadsWhatThePythonPackageWrote) {  // safetensors.numpy.save of version 0.5
  const std::string header =
      R"({"__metadata__":{"format":"np"},"h":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},)"
      R"("a":{"dtype":"BOOL","shape":[3],"data_offsets":[40,43]}} )";
  const std::string data(
      "\x01\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff"
      "\0\0\x80?\0\0\0@\0\0@@\0\0\x80@\0\0\xa0@\0\0\xc0@\x01\0\x01",
      43);
  const SafetensorsFile file = parse(file_of(header, data)).value();
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"format", "np"}}));
  EXPECT_EQ(file.checksum, std::nullopt);
  EXPECT_EQ(file.tensors[0].name, "h");
  EXPECT_TRUE(bit_equal(file.at("h"), Tensor::of<int64_t>({2}, {1, -2})));
  EXPECT_TRUE(bit_equal(file.at("b"), Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(file.at("a").get(0), 1);
  EXPECT_EQ(file.at("a").get(1), 0);
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST(Safetensors, GoldenBytes) {
  const TemporaryDirectory folder;
  const std::vector<NamedTensor> tensors = {{"x", Tensor::of<float>({2}, {1.0f, -2.0f})}};
  ASSERT_TRUE(write_safetensors(folder / "a", tensors, {{"k", "v"}}).ok());
  const std::string data("\0\0\x80\x3f\0\0\0\xc0", 8);
  const std::string header = R"({"__metadata__":{"brisk.xxh3":")" + to_hex(stable_hash(data)) +
                             R"(","k":"v"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string padding((64 - (8 + header.size()) % 64) % 64, ' ');
  EXPECT_EQ(read_file(folder / "a").value(), file_of(header + padding, data));
}

TEST(Safetensors, EveryTypeComesBackBitForBit) {
  const TemporaryDirectory folder;
  std::vector<NamedTensor> tensors;
  PhiloxSequence random(1);
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto type = static_cast<DType>(i);
    if (type == DType::i4) continue;
    for (const std::vector<int64_t>& sizes :
         {std::vector<int64_t>{}, {3, 5}, {0, 4}, {64}, {1, 1, 1, 7}}) {
      Tensor tensor(type, sizes);
      for (int64_t b = 0; b < tensor.num_bytes(); ++b) {
        const uint32_t word = random.next_word();
        tensor.bytes()[b] = static_cast<std::byte>(type == DType::boolean ? word & 1 : word);
      }
      tensors.push_back({fmt::format("{}/{}", name(type), sizes.size()), tensor});
    }
  }
  const std::map<std::string, std::string> metadata = {{"step", "12"}, {"Ü \"\n", ""}};
  // {0, 4} and {3, 5} share a rank and so a name: give each its own.
  for (size_t i = 0; i < tensors.size(); ++i) tensors[i].name += fmt::format("/{}", i);
  ASSERT_TRUE(write_safetensors(folder / "a", tensors, metadata).ok());
  const SafetensorsFile file = read_safetensors(folder / "a").value();
  ASSERT_EQ(file.tensors.size(), tensors.size());
  EXPECT_EQ(file.metadata, metadata);
  EXPECT_TRUE(file.checksum.has_value());
  for (const auto& [name, tensor] : tensors) {
    const Tensor& found = file.at(name);
    EXPECT_TRUE(bit_equal(found, tensor)) << name;
    const int64_t alignment = tensor.num_bytes() % 64 == 0 ? 64 : byte_size(tensor.dtype());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found.bytes()) % static_cast<uintptr_t>(alignment), 0u);
  }
}

TEST(Safetensors, TensorsOutliveTheFileAndShareItsPages) {
  const TemporaryDirectory folder;
  const std::vector<NamedTensor> tensors = {{"x", Tensor::of<float>({2}, {1, 2})},
                                            {"y", Tensor::of<float>({2}, {3, 4})}};
  ASSERT_TRUE(write_safetensors(folder / "a", tensors).ok());
  Tensor x, y;
  {
    const SafetensorsFile file = read_safetensors(folder / "a").value();
    x = file.at("x");
    y = file.at("y");
  }
  EXPECT_EQ(y.bytes() - x.bytes(), 8) << "no copies";
  x.set(0, 9.0);
  EXPECT_EQ(read_safetensors(folder / "a").value().at("x").get(0), 1.0) << "the file is untouched";
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(y.get(1), 4.0);
}

TEST(Safetensors, UnalignedTensorsAreCopied) {
  const SafetensorsFile file =
      parse(file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                    R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                    std::string("\x07\0\0\x80\x3f", 5)))
          .value();
  EXPECT_EQ(file.at("b").item(), 1.0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.at("b").bytes()) % 4, 0u);
}

TEST(Safetensors, AnUnknownNameGetsASuggestion) {
  const SafetensorsFile file =
      parse(R"({"dense/kernel":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1).value();
  try {
    (void)file.at("dense/kernal");
    FAIL() << "there is no such tensor";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'dense/kernel'?"));
  }
}

TEST(Safetensors, DamageIsSeen) {
  const TemporaryDirectory folder;
  const std::vector<NamedTensor> tensors = {{"x", Tensor::zeros(DType::f32, {32, 32})}};
  ASSERT_TRUE(write_safetensors(folder / "a", tensors).ok());
  const std::string whole = read_file(folder / "a").value();
  std::string damaged = whole;
  damaged[damaged.size() - 1234] ^= 0x10;
  EXPECT_THAT(parse(damaged).error(), AllOf(HasSubstr("damaged"), HasSubstr("checksum")));
  EXPECT_TRUE(parse(damaged, SafetensorsOptions{.verify_checksum = false}).ok());
  for (size_t size = 0; size < whole.size(); size += size < 300 ? 1 : 97) {
    const Result<SafetensorsFile> file = parse(whole.substr(0, size));
    EXPECT_FALSE(file.ok()) << "cut to " << size << " bytes";
  }
  EXPECT_THAT(parse(whole + "x").error(), HasSubstr("cover 4096 of 4097 bytes"));
}

struct Malformed {
  std::string_view header;
  int64_t data_bytes;
  std::string_view reason;
};

TEST(Safetensors, MalformedHeadersAreRefusedWithTheReason) {
  const Malformed cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "takes 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}})", 16, "takes 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "begins at byte 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "end before they begin"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4, "cover 8 of 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 12, "cover 8 of 12"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}})",
       12, "'b' begins at byte 4"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
       8, "'b' begins at byte 0"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
       R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
       2, "'a' stands twice"},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "overflow"},
      {R"({"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "overflow"},
      {R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0,
       "overflow"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0,
       "\"shape\""},
      {R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", 0, "\"shape\""},
      {R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1, "\"shape\""},
      {R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1, "\"shape\""},
      {R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1, "\"shape\""},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "two offsets"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", 1, "two offsets"},
      {R"({"a":{"dtype":"U8","shape":[1]}})", 1, "two offsets"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", 1, "two offsets"},
      {R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", 1, "F4 is not one of F64"},
      {R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,1]}})", 1, "no \"dtype\""},
      {R"({"a":[]})", 0, "not an object"},
      {R"({"__metadata__":{"k":1}})", 0, "'k' is not a text"},
      {R"({"__metadata__":[]})", 0, "not an object"},
      {R"({"__metadata__":{"brisk.xxh3":"0123"}})", 0, "16 hexadecimal"},
      {R"({"__metadata__":{"brisk.xxh3":"+123456789abcdef"}})", 0, "16 hexadecimal"},
      {R"({"__metadata__":{"brisk.xxh3":"0000000000000000"}})", 0, "damaged"},
      {R"({"a":)", 0, "usable JSON"},
      {R"({}x)", 0, "usable JSON"},
      {R"( {})", 0, "start with '{'"},
      {R"([])", 0, "start with '{'"},
      {"", 0, "start with '{'"},
  };
  for (const Malformed& malformed : cases) {
    const Result<SafetensorsFile> file = parse(malformed.header, malformed.data_bytes);
    ASSERT_FALSE(file.ok()) << malformed.header;
    EXPECT_THAT(file.error(),
                AllOf(HasSubstr("the test's bytes"), HasSubstr(std::string(malformed.reason))));
  }
  EXPECT_TRUE(parse("{}   ", 0).ok()) << "no tensors are no fault";
}

TEST(Safetensors, HeaderLengthsAreChecked) {
  EXPECT_THAT(parse("1234567").error(), HasSubstr("too few"));
  EXPECT_THAT(parse(std::string(8, '\xff')).error(), HasSubstr("limit of 100000000"));
  EXPECT_THAT(parse(std::string("\x01\xe1\xf5\x05\0\0\0\0{", 9)).error(),
              HasSubstr("limit of 100000000"));
  EXPECT_THAT(parse(std::string("\x03\0\0\0\0\0\0\0{}", 10)).error(), HasSubstr("claims 3 bytes"));
}

TEST(Safetensors, TruthValuesAreZeroOrOne) {
  const std::string header = R"({"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})";
  EXPECT_TRUE(parse(file_of(header, std::string("\0\1\0", 3))).ok());
  EXPECT_THAT(parse(file_of(header, std::string("\0\1\2", 3))).error(),
              HasSubstr("element 2 is 2"));
}

TEST(Safetensors, TheWriterRefusesWhatTheFormatCannotHold) {
  const TemporaryDirectory folder;
  const Tensor one = Tensor::scalar(DType::f32, 1);
  const auto write = [&](const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {}) {
    const Status status = write_safetensors(folder / "a", tensors, metadata);
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    return status.ok() ? std::string("written") : status.error();
  };
  EXPECT_THAT(write({{"x", one}, {"x", one}}), HasSubstr("'x' is given twice"));
  EXPECT_THAT(write({{"__metadata__", one}}), HasSubstr("reserved"));
  EXPECT_THAT(write({{"x", Tensor()}}), HasSubstr("undefined"));
  EXPECT_THAT(write({{"x", Tensor(DType::i4, {2})}}), HasSubstr("i4[2]"));
  EXPECT_THAT(write({{"\xff", one}}), HasSubstr("not UTF-8"));
  EXPECT_THAT(write({{"x", one}}, {{"k", "\xff"}}), HasSubstr("not UTF-8"));
  const Status status = write_safetensors(folder / "absent/a", std::vector<NamedTensor>{});
  EXPECT_THAT(status.error(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace brisk
