#include "brisk/formats/image/decode_image.h"

#include <gtest/gtest.h>

#include "tests/data/temporary_directory.h"
#include "tests/support/image_fixture.h"

namespace brisk {
namespace {

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The largest difference of two u8 images of the same sizes.
double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes()) return 1e9;
  double largest = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i) {
    largest = std::max(largest, std::abs(a.get(i) - b.get(i)));
  }
  return largest;
}

TEST(DecodeJpeg, ColourGreyAndProgressive) {
  const Tensor colour = gradient(20, 33, 3);
  EXPECT_LT(difference(decode_image(bytes(encode_jpeg(colour))).value(), colour), 10);
  const Tensor flat = [] {
    Tensor image(DType::u8, {9, 17, 3});
    for (int64_t i = 0; i < image.num_elements(); ++i) image.set(i, i % 3 == 0 ? 200 : 90);
    return image;
  }();
  for (const JpegFixture fixture :
       {JpegFixture{}, JpegFixture{.progressive = true}, JpegFixture{.arithmetic = true}}) {
    EXPECT_LE(difference(decode_jpeg(bytes(encode_jpeg(flat, fixture))).value(), flat), 3);
  }
  const Tensor grey = gradient(12, 9, 1);
  const std::string file = encode_jpeg(grey);
  EXPECT_LE(difference(decode_jpeg(bytes(file), {.channels = 1}).value(), grey), 6);
  const Tensor spread = decode_jpeg(bytes(file)).value();
  EXPECT_EQ(spread.sizes(), (std::vector<int64_t>{12, 9, 3}));
  EXPECT_EQ(spread.get(0), spread.get(2));
}

TEST(DecodeJpeg, AdobeCmykIsReadAsInvertedInk) {
  Tensor ink(DType::u8, {8, 8, 4});
  for (int64_t i = 0; i < ink.num_elements(); ++i) ink.set(i, i % 4 == 3 ? 255 : 60 * (i % 4 + 1));
  const Tensor image = decode_jpeg(bytes(encode_jpeg(ink))).value();
  EXPECT_NEAR(image.get(0), 60, 3);
  EXPECT_NEAR(image.get(1), 120, 3);
  EXPECT_NEAR(image.get(2), 180, 3);
  EXPECT_NEAR(decode_jpeg(bytes(encode_jpeg(ink)), {.channels = 1}).value().get(0), 109, 3);
}

TEST(DecodeJpeg, TruncationIsAnErrorNotGreyPixels) {
  for (const bool progressive : {false, true}) {
    const std::string whole = encode_jpeg(noise(24, 24, 3), {.progressive = progressive});
    const Tensor image = decode_jpeg(bytes(whole)).value();
    // Without the end marker all of a baseline picture is there.
    for (size_t size = 0; size + 2 < whole.size(); ++size) {
      const Result<Tensor> part = decode_jpeg(bytes(whole).first(size));
      if (part.ok()) {
        EXPECT_TRUE(bit_equal(*part, image)) << "a made-up picture from " << size << " bytes";
        EXPECT_GE(size + 4, whole.size());
      }
    }
    const Result<Tensor> half = decode_jpeg(bytes(whole).first(whole.size() / 2));
    ASSERT_FALSE(half.ok());
    EXPECT_NE(half.error().find("remature end"), std::string::npos) << half.error();
  }
}

TEST(DecodeJpeg, DamageNeverCrashes) {
  PhiloxSequence random(7);
  int refused = 0;
  for (const bool progressive : {false, true}) {
    const std::string whole = encode_jpeg(noise(16, 16, 3), {.progressive = progressive});
    for (int round = 0; round < 1500; ++round) {
      std::string damaged = whole;
      for (uint64_t i = 0; i <= random.next_below(4); ++i) {
        damaged[random.next_below(damaged.size())] = static_cast<char>(random.next_word());
      }
      refused += !decode_jpeg(bytes(damaged), {.max_pixels = 1 << 16}).ok();
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(DecodePng, RoundTripsExactly) {
  for (const bool interlaced : {false, true}) {
    const Tensor colour = noise(13, 11, 3);
    EXPECT_EQ(
        difference(decode_image(bytes(encode_png(colour, 11, {.interlaced = interlaced}))).value(),
                   colour),
        0);
    const Tensor grey = noise(5, 7, 1);
    const std::string file =
        encode_png(grey, 7, {.colour = PNG_COLOR_TYPE_GRAY, .interlaced = interlaced});
    EXPECT_EQ(difference(decode_png(bytes(file), {.channels = 1}).value(), grey), 0);
    const Tensor spread = decode_png(bytes(file)).value();
    for (int64_t i = 0; i < spread.num_elements(); ++i) EXPECT_EQ(spread.get(i), grey.get(i / 3));
  }
}

TEST(DecodePng, AlphaIsDroppedSixteenBitsAreCutPalettesAreLookedUp) {
  const Tensor rgba = noise(4, 4, 4);
  const Tensor without =
      decode_png(bytes(encode_png(rgba, 4, {.colour = PNG_COLOR_TYPE_RGBA}))).value();
  for (int64_t i = 0; i < 48; ++i) EXPECT_EQ(without.get(i), rgba.get(i / 3 * 4 + i % 3));
  const Tensor deep = noise(4, 4, 6);
  const Tensor cut = decode_png(bytes(encode_png(deep, 4, {.depth = 16}))).value();
  for (int64_t i = 0; i < 48; ++i) EXPECT_EQ(cut.get(i), deep.get(2 * i));
  const Tensor two_bits = Tensor::of<uint8_t>({1, 1, 1}, std::vector<uint8_t>{0b00'01'10'00});
  const Tensor looked_up =
      decode_png(bytes(encode_png(two_bits, 4,
                                  {.colour = PNG_COLOR_TYPE_PALETTE,
                                   .depth = 2,
                                   .palette = {{1, 2, 3}, {40, 50, 60}, {255, 0, 9}}})))
          .value();
  const double expected[] = {1, 2, 3, 40, 50, 60, 255, 0, 9, 1, 2, 3};
  for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(looked_up.get(i), expected[i]);
  Tensor grey_of_colour(DType::u8, {1, 1, 3});
  grey_of_colour.set(0, 255);
  grey_of_colour.set(1, 0);
  grey_of_colour.set(2, 0);
  EXPECT_NEAR(decode_png(bytes(encode_png(grey_of_colour)), {.channels = 1}).value().item(), 76, 1);
}

TEST(DecodePng, TruncationAndDamageAreErrors) {
  const std::string whole = encode_png(noise(9, 9, 3));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_png(bytes(whole).first(size)).ok()) << size;
  }
  PhiloxSequence random(3);
  for (int round = 0; round < 1500; ++round) {
    std::string damaged = whole;
    damaged[random.next_below(damaged.size())] ^= static_cast<char>(1 + random.next_below(255));
    EXPECT_FALSE(decode_png(bytes(damaged), {.max_pixels = 1 << 16}).ok()) << "checksums cover all";
  }
}

TEST(DecodeImage, BombsAreRefusedByTheirHeader) {
  const std::string jpeg = encode_jpeg(gradient(100, 100, 3));
  const std::string png = encode_png(gradient(100, 100, 3));
  for (const std::string& file : {jpeg, png}) {
    EXPECT_TRUE(decode_image(bytes(file), {.max_pixels = 10'000}).ok());
    const auto refused = decode_image(bytes(file), {.max_pixels = 9'999});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().find("100 x 100"), std::string::npos) << refused.error();
  }
  EXPECT_THROW(static_cast<void>(decode_image(bytes(png), {.channels = 2})), UserError);
}

TEST(DecodeImage, ReasonsNameTheFile) {
  const TemporaryDirectory directory;
  const auto reason = [](const std::filesystem::path& path) { return read_image(path).error(); };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(reason(directory.path() / "absent.png"), "absent.png");
  has(reason(directory.write("text.jpg", "hello")), "text.jpg");
  has(reason(directory.write("empty.jpg", "")), "neither");
  const std::string cut =
      reason(directory.write("cut.png", encode_png(noise(9, 9, 3)).substr(0, 80)));
  has(cut, "cut.png");
  has(cut, "ends early");
  EXPECT_TRUE(read_image(directory.write("whole.png", encode_png(noise(3, 3, 3)))).ok());
}

}  // namespace
}  // namespace brisk
