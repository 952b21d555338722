#include "brisk/base/dtype.h"

#include <gtest/gtest.h>

#include <set>

#include "brisk/base/error.h"

namespace brisk {
namespace {

TEST(DType, NamesParseBackAndAreDistinct) {
  std::set<std::string_view> names;
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto type = static_cast<DType>(i);
    names.insert(name(type));
    EXPECT_EQ(parse_dtype(name(type)), type);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kNumDTypes));
  EXPECT_EQ(parse_dtype("float"), std::nullopt);
  EXPECT_EQ(parse_dtype(""), std::nullopt);
}

TEST(DType, SizesAndKinds) {
  EXPECT_EQ(byte_size(DType::f64), 8);
  EXPECT_EQ(byte_size(DType::bf16), 2);
  EXPECT_EQ(byte_size(DType::boolean), 1);
  EXPECT_EQ(bits(DType::i4), 4);
  EXPECT_EQ(byte_size(DType::i4, 3), 2) << "two to a byte, the last one alone";
  EXPECT_EQ(byte_size(DType::i4, 0), 0);
  EXPECT_EQ(byte_size(DType::f32, 5), 20);
  EXPECT_THROW(byte_size(DType::i4), InternalError);
  EXPECT_TRUE(is_floating(DType::f8e5m2));
  EXPECT_FALSE(is_floating(DType::i8));
  EXPECT_FALSE(is_integer(DType::boolean));
  EXPECT_TRUE(is_integer(DType::u8));
  EXPECT_FALSE(is_signed(DType::u8));
  EXPECT_TRUE(is_signed(DType::i4));
  EXPECT_TRUE(is_short_float(DType::f16));
  EXPECT_FALSE(is_short_float(DType::f32));
  EXPECT_EQ(compute_type(DType::bf16), DType::f32);
  EXPECT_EQ(compute_type(DType::f64), DType::f64);
  EXPECT_EQ(compute_type(DType::i32), DType::i32);
}

}  // namespace
}  // namespace brisk
