#include "brisk/data/augment.h"

#include <gtest/gtest.h>

#include <set>

#include "brisk/data/memory_source.h"
#include "tests/support/image_fixture.h"

namespace brisk {
namespace {

Tensor apply(const ImageMap& map, const Tensor& image, uint64_t key = 0) {
  return map({image}, {.key = key, .epoch = 0, .index = 0}).at(0);
}

std::vector<float> floats(const Tensor& tensor) {
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

TEST(Augment, RescaleAndNormalize) {
  const Tensor image = Tensor::of<uint8_t>({1, 2, 3}, std::vector<uint8_t>{0, 51, 255, 1, 2, 3});
  EXPECT_EQ(floats(apply(rescale(2, -1), image)), (std::vector<float>{-1, 101, 509, 1, 3, 5}));
  EXPECT_EQ(floats(apply(normalize({0, 1, 255}, {1, 2, 4}), image)),
            (std::vector<float>{0, 25, 0, 1, 0.5f, -63}));
  EXPECT_EQ(floats(apply(normalize({2}, {2}), image.cast(DType::f32))),
            (std::vector<float>{-1, 24.5f, 126.5f, -0.5f, 0, 0.5f}));
  EXPECT_THROW(apply(normalize({1, 2}, {1, 1}), image), UserError);
  EXPECT_THROW(normalize({1, 2}, {1}), UserError);
  EXPECT_THROW(normalize({1}, {0}), UserError);
}

TEST(Augment, ConversionIsTheSameAtEveryLengthAndType) {
  for (const int64_t channels : {1, 3, 5, 7}) {
    std::vector<float> mean;
    std::vector<float> deviation;
    for (int64_t c = 0; c < channels; ++c) {
      mean.push_back(static_cast<float>(10 * c + 1));
      deviation.push_back(static_cast<float>(c + 1.5));
    }
    for (const int64_t width : {1, 2, 31, 53, 257}) {
      const Tensor image = noise(1, width, channels);
      const Tensor result = apply(normalize(mean, deviation), image);
      const Tensor other = apply(normalize(mean, deviation), image.cast(DType::i32));
      EXPECT_TRUE(bit_equal(result, other));
      for (int64_t i = 0; i < result.num_elements(); ++i) {
        const auto c = static_cast<size_t>(i % channels);
        ASSERT_NEAR(result.get(i), (image.get(i) - mean[c]) / deviation[c], 2e-5);
      }
    }
  }
}

TEST(Augment, FlipMirrorsAboutHalfOfTheImages) {
  for (const int64_t channels : {1, 2, 3, 4}) {
    for (const DType dtype : {DType::u8, DType::f32}) {
      const Tensor image = noise(3, 5, channels).cast(dtype);
      Tensor mirrored(dtype, image.sizes());
      for (int64_t i = 0; i < image.num_elements(); ++i) {
        const int64_t x = i / channels % 5;
        mirrored.set(i, image.get(i + (4 - 2 * x) * channels));
      }
      int flips = 0;
      for (uint64_t key = 0; key < 400; ++key) {
        const Tensor result = apply(random_flip_horizontal(), image, key);
        if (bit_equal(result, mirrored))
          ++flips;
        else
          ASSERT_TRUE(bit_equal(result, image));
      }
      EXPECT_NEAR(flips, 200, 50);
    }
  }
}

/// The part of `image` at (top, left), zero outside of it.
Tensor part(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  Tensor result = Tensor::zeros(image.dtype(), {height, width, image.sizes()[2]});
  const int64_t channels = image.sizes()[2];
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      if (top + y < 0 || top + y >= image.sizes()[0]) continue;
      if (left + x < 0 || left + x >= image.sizes()[1]) continue;
      for (int64_t c = 0; c < channels; ++c) {
        result.set((y * width + x) * channels + c,
                   image.get(((top + y) * image.sizes()[1] + left + x) * channels + c));
      }
    }
  }
  return result;
}

TEST(Augment, RandomCropIsEveryPartAndNoOther) {
  const Tensor image = noise(4, 5, 3);
  for (const int64_t padding : {0, 1, 3}) {
    std::set<std::pair<int64_t, int64_t>> seen;
    for (uint64_t key = 0; key < 1200; ++key) {
      const Tensor result = apply(random_crop(3, 4, padding), image, key);
      bool found = false;
      for (int64_t top = -padding; top <= 1 + padding && !found; ++top) {
        for (int64_t left = -padding; left <= 1 + padding && !found; ++left) {
          found = bit_equal(result, part(image, top, left, 3, 4));
          if (found) seen.emplace(top, left);
        }
      }
      ASSERT_TRUE(found);
    }
    // With padding 3, the corners at (-3, .) and (., -4) show nothing and look alike.
    EXPECT_GE(seen.size(),
              static_cast<size_t>(padding == 3 ? 40 : (2 + 2 * padding) * (2 + 2 * padding)));
  }
  EXPECT_TRUE(bit_equal(apply(random_crop(4, 5), image), image));
  EXPECT_EQ(apply(random_crop(6, 7, 1), image).sizes(), (std::vector<int64_t>{6, 7, 3}));
  EXPECT_THROW(apply(random_crop(5, 5), image), UserError);
  EXPECT_THROW(random_crop(0, 5), UserError);
  EXPECT_THROW(random_crop(5, 5, -1), UserError);
}

TEST(Augment, CenterCrop) {
  const Tensor image = noise(5, 8, 2);
  EXPECT_TRUE(bit_equal(apply(center_crop(3, 4), image), part(image, 1, 2, 3, 4)));
  EXPECT_TRUE(bit_equal(apply(center_crop(2, 3), image), part(image, 1, 2, 2, 3)));
  EXPECT_THROW(apply(center_crop(6, 3), image), UserError);
}

// The crop of a ramp tells its box: first and last value are the edges' positions.
TEST(Augment, RandomResizedCropDrawsAreaAndRatioInTheirRanges) {
  Tensor ramp(DType::f32, {200, 300, 2});
  for (int64_t i = 0; i < ramp.num_elements(); ++i) {
    ramp.set(i, static_cast<double>(i % 2 == 0 ? i / 600 : i / 2 % 300));
  }
  double mean_area = 0;
  constexpr int kDraws = 400;
  for (uint64_t key = 0; key < kDraws; ++key) {
    const Tensor crop = apply(random_resized_crop(50, 50, {0.2, 0.6}), ramp, key);
    const double height = (crop.get(49 * 50 * 2) - crop.get(0)) * 50 / 49;
    const double width = (crop.get(49 * 2 + 1) - crop.get(1)) * 50 / 49;
    const double area = height * width / (200 * 300);
    EXPECT_GT(area, 0.19);
    EXPECT_LT(area, 0.61);
    EXPECT_GT(width / height, 0.73);
    EXPECT_LT(width / height, 1.37);
    mean_area += area / kDraws;
  }
  EXPECT_NEAR(mean_area, 0.4, 0.03);
  // A strip that no draw fits: the largest middle of the allowed ratio.
  const Tensor strip = noise(4, 400, 3);
  EXPECT_TRUE(bit_equal(apply(random_resized_crop(4, 5, {0.9, 1.0}, {1.25, 1.25}), strip),
                        part(strip, 0, 197, 4, 5)));
  EXPECT_THROW(random_resized_crop(5, 5, {0, 1}), UserError);
  EXPECT_THROW(random_resized_crop(5, 5, {0.5, 1}, {2, 1}), UserError);
}

TEST(Augment, ResizeShorterSideKeepsTheProportion) {
  EXPECT_EQ(apply(resize_shorter_side(10), noise(20, 30, 3)).sizes(),
            (std::vector<int64_t>{10, 15, 3}));
  EXPECT_EQ(apply(resize_shorter_side(10), noise(50, 20, 3)).sizes(),
            (std::vector<int64_t>{25, 10, 3}));
  EXPECT_EQ(apply(resize(4, 6), noise(9, 9, 1)).sizes(), (std::vector<int64_t>{4, 6, 1}));
  EXPECT_THROW(apply(resize(4, 6), Tensor::zeros(DType::u8, {0, 9, 1})), UserError);
}

ImageMap everything() {
  return compose({random_resized_crop(12, 12), random_flip_horizontal(), random_crop(10, 10, 2),
                  normalize({1, 2, 3}, {4, 5, 6})});
}

std::vector<Example> outputs(const Dataset& dataset, const IteratorOptions& options) {
  std::vector<Example> all;
  const auto iterator = dataset.iterator(options);
  Example example;
  while (iterator->next(example)) all.push_back(example);
  return all;
}

TEST(Augment, BatchesAreTheSameHoweverTheyAreComputed) {
  const auto source = synthetic_source({.count = 37, .height = 20, .width = 24, .seed = 5});
  const Dataset base = Dataset::from(source).shuffle(37);
  const MapFunction opaque = everything();
  const auto expected = outputs(base.map(everything()).batch(5).repeat(2).prefetch(0), {.seed = 4});
  ASSERT_EQ(expected.size(), 16u);
  EXPECT_EQ(expected[0][0].describe(), "f32[5, 10, 10, 3]");
  const std::vector<std::pair<const char*, Dataset>> same = {
      {"as a function", base.map(opaque).batch(5).repeat(2)},
      {"straight", base.map(everything()).batch(5).repeat(2)},
  };
  for (const auto& [what, dataset] : same) {
    for (const int threads : {1, 3}) {
      const auto found = outputs(dataset, {.seed = 4, .threads = threads});
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_TRUE(bit_equal(found[i][0], expected[i][0])) << what << " " << i;
        EXPECT_TRUE(bit_equal(found[i][1], expected[i][1])) << what << " " << i;
      }
    }
  }
  // Another epoch, another augmentation of the same image.
  const auto unshuffled = outputs(Dataset::from(source).map(everything()).batch(37).repeat(2), {});
  EXPECT_FALSE(bit_equal(unshuffled[0][0], unshuffled[1][0]));
  EXPECT_TRUE(bit_equal(unshuffled[0][1], unshuffled[1][1]));
}

TEST(Augment, MapsInARowAreFusedWithoutChangingTheirResults) {
  const auto source = synthetic_source({.count = 9, .height = 20, .width = 24, .seed = 5});
  const Dataset base = Dataset::from(source);
  const auto one =
      outputs(base.map(random_crop(10, 10)).map(random_flip_horizontal()).batch(9), {});
  const auto other = outputs(base.map(MapFunction(random_crop(10, 10)))
                                 .map(MapFunction(random_flip_horizontal()))
                                 .batch(9),
                             {});
  EXPECT_TRUE(bit_equal(one[0][0], other[0][0]));
}

TEST(Augment, SeekInTheMiddleOfAugmentedEpochsContinuesBitForBit) {
  const auto source = synthetic_source({.count = 23, .height = 20, .width = 24, .seed = 5});
  const Dataset dataset =
      Dataset::from(source).shuffle(8).map(everything()).batch(4).repeat(3).prefetch();
  const auto expected = outputs(dataset, {.seed = 2});
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto iterator = dataset.iterator({.seed = 2, .threads = static_cast<int>(1 + i % 3)});
    iterator->seek({static_cast<int64_t>(i) / 6, static_cast<int64_t>(i) % 6});
    Example example;
    ASSERT_TRUE(iterator->next(example));
    EXPECT_TRUE(bit_equal(example[0], expected[i][0])) << i;
    EXPECT_TRUE(bit_equal(example[1], expected[i][1])) << i;
  }
}

TEST(Augment, WhatCannotBeMappedIsRefusedWhereItIsWritten) {
  const Dataset images = Dataset::from(synthetic_source({.count = 4, .height = 8, .width = 8}));
  EXPECT_THROW(images.map(random_crop(9, 9)), UserError);
  EXPECT_THROW(images.map(normalize({1, 2}, {1, 2})), UserError);
  EXPECT_THROW(from_tensor_slices({Tensor::zeros(DType::f32, {3})}).map(rescale(1)), UserError);
  EXPECT_EQ(describe(images.map(everything()).components()), "{image f32[10, 10, 3], label i32[]}");
}

}  // namespace
}  // namespace brisk
