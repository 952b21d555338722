#include "brisk/formats/package/packed_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brisk/base/packed_integers.h"

namespace brisk {
namespace {

using ::testing::HasSubstr;

Tensor numbers(std::vector<int64_t> sizes) {
  Tensor tensor = Tensor::zeros(DType::i4, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, static_cast<double>(i % 16 - 8));
  return tensor;
}

Type type_of(const Tensor& tensor) {
  return {tensor.dtype(), Shape(tensor.sizes())};
}

TEST(PackedWeights, AreBytesInTheFile) {
  struct Row {
    std::vector<int64_t> sizes;
    std::string stored;
  };
  for (const auto& [sizes, stored] :
       {Row{{4, 6}, "u8[4, 3]"}, Row{{3, 5}, "u8[8]"}, Row{{5}, "u8[3]"}, Row{{}, "u8[1]"},
        Row{{0, 6}, "u8[0, 3]"}}) {
    const Tensor weight = numbers(sizes);
    EXPECT_EQ(for_file(weight).describe(), stored);
    const Result<Tensor> back = from_file(for_file(weight), type_of(weight));
    ASSERT_TRUE(back) << back.error();
    EXPECT_TRUE(bit_equal(*back, weight)) << stored;
  }
  const Tensor floats = Tensor::of<float>({2}, {1, 2});
  EXPECT_TRUE(bit_equal(for_file(floats), floats));
  EXPECT_TRUE(bit_equal(from_file(floats, type_of(floats)).value(), floats));
}

TEST(PackedWeights, RefuseWhatGraphAndFileDisagreeAbout) {
  const auto refusal = [](const Tensor& stored, const Type& type) {
    const Result<Tensor> read = from_file(stored, type);
    return read ? std::string("read") : read.error();
  };
  const Type wanted(DType::i4, {4, 6});
  for (const Tensor& stored : {Tensor::zeros(DType::u8, {4, 4}), Tensor::zeros(DType::u8, {12}),
                               Tensor::zeros(DType::i8, {4, 3}), Tensor::zeros(DType::u8, {3, 4})})
    EXPECT_THAT(refusal(stored, wanted), HasSubstr("graph.txt says i4[4, 6]"));
  EXPECT_THAT(refusal(Tensor::zeros(DType::f32, {2}), Type(DType::f32, {3})),
              HasSubstr("is f32[2], but graph.txt says f32[3]"));
  const int64_t huge = int64_t{1} << 40;
  EXPECT_THAT(refusal(Tensor::zeros(DType::u8, {1}), Type(DType::i4, {huge, huge})),
              HasSubstr("graph.txt says"));
  Tensor odd = for_file(numbers({3}));
  odd.bytes()[1] |= std::byte{0x10};
  EXPECT_THAT(refusal(odd, Type(DType::i4, {3})), HasSubstr("bits that are set behind the last"));
}

}  // namespace
}  // namespace brisk
