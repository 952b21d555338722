#include "brisk/base/shape.h"

#include <gtest/gtest.h>

#include "brisk/base/error.h"

namespace brisk {
namespace {

TEST(Shape, ProductsAreCheckedForOverflow) {
  const auto product = [](std::vector<int64_t> sizes) { return checked_product(sizes); };
  EXPECT_EQ(product({}), 1);
  EXPECT_EQ(product({3, 4, 5}), 60);
  EXPECT_EQ(product({3, 0, 5}), 0);
  EXPECT_EQ(product({int64_t{1} << 62, 1}), int64_t{1} << 62);
  EXPECT_THROW(product({int64_t{1} << 62, 2}), UserError);
  EXPECT_THROW(product({int64_t{1} << 32, int64_t{1} << 32}), UserError);
  EXPECT_THROW(product({0, int64_t{1} << 62, 4}), UserError) << "also behind a zero";
  EXPECT_THROW(product({int64_t{1} << 62, 4, 0}), UserError) << "also before a zero";
  EXPECT_THROW(product({2, -1}), UserError);
}

TEST(Shape, NamedDimensionsAreBound) {
  const Shape shape = {Extent("batch"), 28, 28, 1};
  EXPECT_EQ(shape.to_string(), "[batch, 28, 28, 1]");
  EXPECT_FALSE(shape.is_static());
  EXPECT_THROW((void)shape.sizes(), UserError);
  EXPECT_THROW((void)shape.num_elements(), UserError);
  EXPECT_THROW((void)shape.size(0), UserError);
  EXPECT_EQ(shape.size(1), 28);
  const Shape bound = shape.bind({{"batch", 32}, {"unused", 1}});
  EXPECT_EQ(bound, (Shape{32, 28, 28, 1}));
  EXPECT_EQ(bound.num_elements(), 32 * 28 * 28);
  EXPECT_EQ(shape.bind({{"other", 3}}), shape);
  EXPECT_EQ(Shape().to_string(), "[]");
  EXPECT_EQ(Shape().num_elements(), 1);
}

TEST(Shape, StridesAndAxes) {
  EXPECT_EQ(row_major_strides(std::vector<int64_t>{2, 3, 4}), (std::vector<int64_t>{12, 4, 1}));
  EXPECT_TRUE(row_major_strides(std::vector<int64_t>{}).empty());
  EXPECT_EQ(normalize_axis(-1, 4, "test"), 3);
  EXPECT_EQ(normalize_axis(0, 4, "test"), 0);
  EXPECT_THROW(normalize_axis(4, 4, "test"), UserError);
  EXPECT_THROW(normalize_axis(-5, 4, "test"), UserError);
  EXPECT_THROW(normalize_axis(0, 0, "test"), UserError);
}

}  // namespace
}  // namespace brisk
