#include "brisk/formats/onnx/ops/image_decoder.h"

#include <cstdlib>
#include <cstring>
#include <map>

#include "brisk/formats/image/decode_image.h"

// ImageDecoder: JPEG and PNG as everywhere in brisk, and here the formats that a page of code
// reads, uncompressed BMP and TIFF and binary PNM. Others are refused by name. Foreign bytes: every
// read is bounded.

namespace brisk::onnx {
namespace {

/// [height, width, 3] as RGB.
struct Pixels {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> rgb;
};

constexpr int64_t kMaxPixels = int64_t{1} << 28;

void check_size(int64_t height, int64_t width) {
  require(height > 0 && width > 0 && height <= kMaxPixels / width, "an image of {} x {} pixels",
          height, width);
}

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint8_t at(size_t place) const {
    require(place < bytes_.size(), "the image ends after {} bytes", bytes_.size());
    return bytes_[place];
  }
  uint32_t little(size_t place, int width) const {
    uint32_t value = 0;
    for (int i = 0; i < width; ++i)
      value |= static_cast<uint32_t>(at(place + static_cast<size_t>(i))) << (8 * i);
    return value;
  }
  bool begins(std::string_view text) const {
    return bytes_.size() >= text.size() &&
           std::memcmp(bytes_.data(), text.data(), text.size()) == 0;
  }
  size_t size() const { return bytes_.size(); }
  std::span<const uint8_t> part(size_t start, size_t count) const {
    require(start <= bytes_.size() && count <= bytes_.size() - start,
            "the image ends after {} bytes", bytes_.size());
    return bytes_.subspan(start, count);
  }

 private:
  std::span<const uint8_t> bytes_;
};

/// Rows from the bottom unless the height is negative, each filled to 4 bytes; BGR or BGRA.
Pixels decode_bmp(const Bytes& bytes) {
  const auto offset = static_cast<size_t>(bytes.little(10, 4));
  const auto width = static_cast<int32_t>(bytes.little(18, 4)),
             height = static_cast<int32_t>(bytes.little(22, 4));
  const uint32_t bits = bytes.little(28, 2), compression = bytes.little(30, 4);
  require((bits == 24 || bits == 32) && compression == 0,
          "a BMP image of {} bits, compressed by {}, is not read", bits, compression);
  Pixels pixels{std::abs(static_cast<int64_t>(height)), width, {}};
  check_size(pixels.height, pixels.width);
  const size_t step = bits / 8, row = (static_cast<size_t>(width) * step + 3) / 4 * 4;
  (void)bytes.part(offset, row * static_cast<size_t>(pixels.height));
  for (int64_t y = 0; y < pixels.height; ++y) {
    const int64_t source = height > 0 ? pixels.height - 1 - y : y;
    for (int64_t x = 0; x < width; ++x) {
      const size_t at = offset + static_cast<size_t>(source) * row + static_cast<size_t>(x) * step;
      for (size_t channel = 3; channel-- > 0;) pixels.rgb.push_back(bytes.at(at + channel));
    }
  }
  return pixels;
}

/// "P6" or "P5", width, height and maximum as text, then bytes.
Pixels decode_pnm(const Bytes& bytes) {
  size_t at = 2;
  const auto number = [&] {
    while (std::isspace(bytes.at(at)) != 0 || bytes.at(at) == '#')
      if (bytes.at(at) == '#')
        while (bytes.at(at) != '\n') ++at;
      else
        ++at;
    int64_t value = 0;
    while (std::isdigit(bytes.at(at)) != 0) {
      value = value * 10 + (bytes.at(at++) - '0');
      require(value < kMaxPixels, "a number of the PNM image is too large");
    }
    return value;
  };
  Pixels pixels;
  pixels.width = number();
  pixels.height = number();
  require(number() == 255, "only PNM images of 8 bits are read");
  check_size(pixels.height, pixels.width);
  const size_t channels = bytes.at(1) == '6' ? 3 : 1,
               count = static_cast<size_t>(pixels.height * pixels.width);
  for (const uint8_t value : bytes.part(at + 1, count * channels))
    for (size_t i = 0; i < (channels == 3 ? 1U : 3U); ++i) pixels.rgb.push_back(value);
  return pixels;
}

/// A directory of tags of 12 bytes (TIFF 6.0, section 2) tells where strips of rows lie.
class Tiff {
 public:
  explicit Tiff(const Bytes& bytes) : bytes_(bytes), big_(bytes.begins("MM")) {
    directory_ = number(4, 4);
    for (size_t i = 0, count = number(directory_, 2); i < count; ++i)
      tags_[number(directory_ + 2 + 12 * i, 2)] = directory_ + 2 + 12 * i;
  }

  Pixels decode() const {
    constexpr uint32_t kBlackIsZero = 1, kRgb = 2;
    const uint32_t samples = value(277, 1), colour = value(262, kBlackIsZero);
    require(value(259, 1) == 1 && value(258, 1) == 8 && value(284, 1) == 1 &&
                ((colour == kRgb && samples == 3) || (colour == kBlackIsZero && samples == 1)),
            "a TIFF image of {} x {} bits, compression {} and colours {} is not read", samples,
            value(258, 1), value(259, 1), colour);
    Pixels pixels{value(257, 0), value(256, 0), {}};
    check_size(pixels.height, pixels.width);
    const size_t size = static_cast<size_t>(pixels.height * pixels.width) * 3;
    for (size_t strip = 0; strip < count(273) && pixels.rgb.size() < size; ++strip)
      for (const uint8_t byte : bytes_.part(value(273, 0, strip), value(279, 0, strip)))
        for (uint32_t i = 0; i < 3 / samples; ++i) pixels.rgb.push_back(byte);
    require(pixels.rgb.size() >= size, "the strips of the TIFF image hold too few pixels");
    pixels.rgb.resize(size);
    return pixels;
  }

 private:
  uint32_t number(size_t at, int width) const {
    uint32_t value = 0;
    for (int i = 0; i < width; ++i)
      value |= static_cast<uint32_t>(bytes_.at(at + static_cast<size_t>(i)))
               << 8 * (big_ ? width - 1 - i : i);
    return value;
  }

  uint32_t count(uint32_t tag) const {
    const auto found = tags_.find(tag);
    return found == tags_.end() ? 0 : number(found->second + 4, 4);
  }

  /// One of a tag's values, which stand in the tag itself where they fit into 4 bytes.
  uint32_t value(uint32_t tag, uint32_t absent, size_t index = 0) const {
    const auto found = tags_.find(tag);
    if (found == tags_.end()) return absent;
    constexpr uint32_t kShort = 3, kLong = 4;
    const uint32_t type = number(found->second + 2, 2);
    require(type == kShort || type == kLong, "a number of the TIFF image has the type {}", type);
    const size_t width = type == kShort ? 2 : 4, many = count(tag);
    require(index < many, "the TIFF image lacks a value of its tag {}", tag);
    const size_t start = many * width <= 4 ? found->second + 8 : number(found->second + 8, 4);
    return number(start + index * width, static_cast<int>(width));
  }

  const Bytes& bytes_;
  bool big_;
  size_t directory_ = 0;
  std::map<uint32_t, size_t> tags_;  ///< where each stands
};

Pixels decode_compressed(std::span<const uint8_t> bytes) {
  const Result<Tensor> image =
      brisk::decode_image(std::as_bytes(bytes), {.max_pixels = kMaxPixels});
  if (!image) refuse("the image cannot be decoded: {}", image.error());
  const std::span<const uint8_t> rgb = image->data<uint8_t>();
  return {image->sizes()[0], image->sizes()[1], {rgb.begin(), rgb.end()}};
}

Pixels decode_pixels(std::span<const uint8_t> contents) {
  const Bytes bytes(contents);
  if (is_jpeg(std::as_bytes(contents)) || is_png(std::as_bytes(contents)))
    return decode_compressed(contents);
  if (bytes.begins("BM")) return decode_bmp(bytes);
  if (bytes.begins("P6") || bytes.begins("P5")) return decode_pnm(bytes);
  if (bytes.begins(std::string_view("II*\0", 4)) || bytes.begins(std::string_view("MM\0*", 4)))
    return Tiff(bytes).decode();
  refuse("the image is neither JPEG, PNG, BMP, PNM nor TIFF; JPEG 2000 and WebP are not read");
}

}  // namespace

void image_decoder(Call& c) {
  const HostTensor encoded = c.known(0);
  require(encoded.element == ElementType::u8, "it takes bytes, not {}", name(encoded.element));
  const Pixels pixels = decode_pixels(encoded.tensor.data<uint8_t>());
  const std::string format = c.text("pixel_format", "RGB");
  require(format == "RGB" || format == "BGR" || format == "Grayscale", "its pixel_format is '{}'",
          format);
  const bool grey = format == "Grayscale";
  Tensor result(DType::u8, {pixels.height, pixels.width, grey ? 1 : 3});
  const std::span<uint8_t> out = result.data<uint8_t>();
  for (size_t i = 0; i < pixels.rgb.size() / 3; ++i) {
    const uint8_t* p = pixels.rgb.data() + 3 * i;
    if (grey)  // ITU-R BT.601, in 16 bits as image libraries compute it
      out[i] = static_cast<uint8_t>((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
    else
      for (size_t channel = 0; channel < 3; ++channel)
        out[3 * i + channel] = p[format == "BGR" ? 2 - channel : channel];
  }
  c.out(HostTensor(std::move(result)));
}

}  // namespace brisk::onnx
