#include "brisk/data/resize_image.h"

#include <gtest/gtest.h>

#include "tests/support/image_fixture.h"

namespace brisk {
namespace {

Tensor resized(const Tensor& image, int64_t height, int64_t width, bool antialias = false,
               ImageBox box = {}) {
  const ImageSpec spec = image_spec(image);
  if (box.height == 0) box = {0, 0, spec.height, spec.width};
  Tensor result(spec.dtype, {height, width, spec.channels});
  resize_image(spec, image.bytes(), box, height, width, antialias, result.bytes());
  return result;
}

Tensor row(std::vector<float> values) {
  const auto width = static_cast<int64_t>(values.size());
  return Tensor::of<float>({1, width, 1}, values);
}

std::vector<float> values(const Tensor& tensor) {
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

/// The definition, a pixel at a time: half-pixel centres, edges repeated.
double bilinear(const Tensor& image, double y, double x, int64_t c) {
  const auto at = [&](int64_t row, int64_t column) {
    row = std::clamp<int64_t>(row, 0, image.sizes()[0] - 1);
    column = std::clamp<int64_t>(column, 0, image.sizes()[1] - 1);
    return image.get((row * image.sizes()[1] + column) * image.sizes()[2] + c);
  };
  const auto top = static_cast<int64_t>(std::floor(y));
  const auto left = static_cast<int64_t>(std::floor(x));
  const double v = y - std::floor(y);
  const double u = x - std::floor(x);
  return (1 - v) * ((1 - u) * at(top, left) + u * at(top, left + 1)) +
         v * ((1 - u) * at(top + 1, left) + u * at(top + 1, left + 1));
}

// tf.image.resize([0, 1, 2, 3], 2) = [0.5, 2.5]; up to 8: [0, .25, .75, 1.25, ... 3].
TEST(ResizeImage, HandWorkedRows) {
  EXPECT_EQ(values(resized(row({0, 1, 2, 3}), 1, 2)), (std::vector<float>{0.5f, 2.5f}));
  EXPECT_EQ(values(resized(row({0, 1, 2, 3}), 1, 8)),
            (std::vector<float>{0, 0.25f, 0.75f, 1.25f, 1.75f, 2.25f, 2.75f, 3}));
  EXPECT_EQ(values(resized(row({7}), 1, 3)), (std::vector<float>{7, 7, 7}));
  EXPECT_EQ(values(resized(row({0, 10, 20}), 2, 3)), (std::vector<float>{0, 10, 20, 0, 10, 20}));
}

// Shrinking four pixels to one: the plain method looks at the two in the middle only, the widened
// triangle (radius 4, weights 5/8 and 7/8) at all.
TEST(ResizeImage, AntialiasingLooksAtEveryPixel) {
  EXPECT_EQ(values(resized(row({8, 0, 0, 0}), 1, 1)), (std::vector<float>{0}));
  EXPECT_NEAR(resized(row({8, 0, 0, 0}), 1, 1, true).item(), 8 * 0.625 / 3, 1e-5);
  EXPECT_NEAR(resized(row({0, 8, 0, 0}), 1, 1, true).item(), 8 * 0.875 / 3, 1e-5);
}

TEST(ResizeImage, AgreesWithTheDefinition) {
  for (const int64_t channels : {1, 2, 3}) {
    const Tensor bytes = noise(11, 17, channels);
    for (const auto& [height, width] :
         {std::pair<int64_t, int64_t>{11, 17}, {5, 9}, {23, 40}, {1, 1}}) {
      for (const bool floats : {false, true}) {
        const Tensor image = floats ? bytes.cast(DType::f32) : bytes;
        const Tensor result = resized(image, height, width);
        for (int64_t i = 0; i < result.num_elements(); ++i) {
          const double y = (static_cast<double>(i / channels / width) + 0.5) * 11 / height - 0.5;
          const double x = (static_cast<double>(i / channels % width) + 0.5) * 17 / width - 0.5;
          ASSERT_NEAR(result.get(i), bilinear(image, y, x, i % channels), floats ? 1e-3 : 0.501);
        }
      }
    }
  }
}

TEST(ResizeImage, BoxIsCutOutBeforehand) {
  const Tensor image = noise(9, 8, 3);
  Tensor cut(DType::u8, {4, 5, 3});
  for (int64_t i = 0; i < cut.num_elements(); ++i) {
    cut.set(i, image.get(((i / 15 + 2) * 8 + i / 3 % 5 + 3) * 3 + i % 3));
  }
  EXPECT_TRUE(bit_equal(resized(image, 7, 6, true, {2, 3, 4, 5}), resized(cut, 7, 6, true)));
  EXPECT_TRUE(bit_equal(resized(image, 4, 5, false, {2, 3, 4, 5}), cut));
}

TEST(ResizeImage, AConstantStaysConstant) {
  Tensor image(DType::u8, {31, 7, 3});
  for (uint8_t& value : image.data<uint8_t>()) value = 255;
  for (const bool antialias : {false, true}) {
    const Tensor result = resized(image, 3, 10, antialias);
    for (const uint8_t value : result.data<uint8_t>()) ASSERT_EQ(value, 255);
  }
}

TEST(ResizeImage, OtherTypesAreRefused) {
  EXPECT_THROW(resized(Tensor::zeros(DType::i32, {2, 2, 1}), 1, 1), UserError);
}

}  // namespace
}  // namespace brisk
