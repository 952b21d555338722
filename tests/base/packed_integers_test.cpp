#include "brisk/base/packed_integers.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

TEST(PackedIntegers, LieTwoToAByteTheFirstInTheLowBits) {
  const Tensor packed = packed_i4(Tensor::of<int8_t>({5}, {1, -2, 7, -8, 3}));
  EXPECT_EQ(packed.describe(), "i4[5]");
  ASSERT_EQ(packed.num_bytes(), 3);
  EXPECT_EQ(packed.bytes()[0], std::byte{0xE1});
  EXPECT_EQ(packed.bytes()[1], std::byte{0x87});
  EXPECT_EQ(packed.bytes()[2], std::byte{0x03}) << "the unused half is 0";
}

TEST(PackedIntegers, ComeBack) {
  std::vector<int8_t> all;
  for (int low = -8; low <= 7; ++low)
    for (int high = -8; high <= 7; ++high)
      all.insert(all.end(), {static_cast<int8_t>(low), static_cast<int8_t>(high)});
  const Tensor integers = Tensor::of<int8_t>({static_cast<int64_t>(all.size())}, all);
  EXPECT_TRUE(bit_equal(unpacked_i4(packed_i4(integers)), integers));
}

TEST(PackedIntegers, AreTheElementsOfATensor) {
  Tensor packed = Tensor::zeros(DType::i4, {3});
  packed.set(0, -8);
  packed.set(1, 7);
  packed.set(2, -1);
  packed.set(1, 5);
  EXPECT_EQ(packed.get(0), -8);
  EXPECT_EQ(packed.get(1), 5);
  EXPECT_EQ(packed.get(2), -1);
  EXPECT_TRUE(bit_equal(packed.cast(DType::i8), Tensor::of<int8_t>({3}, {-8, 5, -1})));
  EXPECT_TRUE(bit_equal(packed.cast(DType::f32), Tensor::of<float>({3}, {-8, 5, -1})));
  EXPECT_TRUE(bit_equal(Tensor::of<float>({3}, {-8, 5, -1}).cast(DType::i4), packed));
  EXPECT_EQ(Tensor::scalar(DType::i4, -3).item(), -3);
}

TEST(PackedIntegers, RefuseWiderNumbers) {
  EXPECT_THROW(packed_i4(Tensor::of<int8_t>({1}, {8})), UserError);
  EXPECT_THROW(packed_i4(Tensor::of<int8_t>({1}, {-9})), UserError);
  EXPECT_THROW(unpacked_i4(Tensor::zeros(DType::i8, {2})), InternalError);
}

}  // namespace
}  // namespace brisk
