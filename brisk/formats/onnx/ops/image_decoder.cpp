#include "brisk/formats/onnx/ops/image_decoder.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>

// ImageDecoder for the formats that a page of code reads: uncompressed BMP, binary PNM and PNG of 8
// bits without interlacing. Others are refused by name. Foreign bytes: every read is bounded.

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
  uint32_t big(size_t place) const {
    return static_cast<uint32_t>(at(place)) << 24 | static_cast<uint32_t>(at(place + 1)) << 16 |
           static_cast<uint32_t>(at(place + 2)) << 8 | at(place + 3);
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

/// Undoes a row's filter (PNG specification, section 9.2).
void unfilter(uint8_t kind, std::span<uint8_t> row, std::span<const uint8_t> above, size_t step) {
  require(kind <= 4, "a PNG row has the filter {}", kind);
  for (size_t i = 0; i < row.size(); ++i) {
    const int left = i >= step ? row[i - step] : 0, up = above.empty() ? 0 : above[i],
              corner = i >= step && !above.empty() ? above[i - step] : 0;
    int guess = 0;
    if (kind == 1) guess = left;
    if (kind == 2) guess = up;
    if (kind == 3) guess = (left + up) / 2;
    if (kind == 4) {
      const int p = left + up - corner, a = std::abs(p - left), b = std::abs(p - up),
                c = std::abs(p - corner);
      guess = a <= b && a <= c ? left : b <= c ? up : corner;
    }
    row[i] = static_cast<uint8_t>(row[i] + guess);
  }
}

Pixels decode_png(const Bytes& bytes) {
  Pixels pixels{bytes.big(20), bytes.big(16), {}};
  check_size(pixels.height, pixels.width);
  const int depth = bytes.at(24), colour = bytes.at(25), interlace = bytes.at(28);
  require(depth == 8 && interlace == 0 && (colour == 0 || colour == 2 || colour == 6),
          "a PNG image of depth {}, colour type {} and interlacing {} is not read", depth, colour,
          interlace);
  const size_t step = colour == 0   ? 1
                      : colour == 2 ? 3
                                    : 4,
               width = static_cast<size_t>(pixels.width) * step;
  std::vector<uint8_t> packed, rows((width + 1) * static_cast<size_t>(pixels.height));
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = bytes.big(at);
    const std::span<const uint8_t> type = bytes.part(at + 4, 4);
    if (std::memcmp(type.data(), "IDAT", 4) == 0) {
      const std::span<const uint8_t> part = bytes.part(at + 8, length);
      packed.insert(packed.end(), part.begin(), part.end());
    }
    at += 12 + length;
  }
  uLongf size = rows.size();
  require(
      uncompress(rows.data(), &size, packed.data(), packed.size()) == Z_OK && size == rows.size(),
      "the PNG image's data cannot be unpacked");
  for (size_t y = 0; y < static_cast<size_t>(pixels.height); ++y) {
    const std::span<uint8_t> row(rows.data() + y * (width + 1) + 1, width);
    const std::span<const uint8_t> above =
        y == 0 ? std::span<const uint8_t>()
               : std::span<const uint8_t>(rows.data() + (y - 1) * (width + 1) + 1, width);
    unfilter(rows[y * (width + 1)], row, above, step);
    for (size_t x = 0; x < width; x += step)
      for (size_t channel = 0; channel < 3; ++channel)
        pixels.rgb.push_back(row[x + (step == 1 ? 0 : channel)]);
  }
  return pixels;
}

Pixels decode_image(const Bytes& bytes) {
  if (bytes.begins("BM")) return decode_bmp(bytes);
  if (bytes.begins("P6") || bytes.begins("P5")) return decode_pnm(bytes);
  if (bytes.begins("\x89PNG")) return decode_png(bytes);
  refuse(
      "the image is neither BMP, PNM nor PNG: brisk decodes JPEG in its input pipeline only, and "
      "JPEG 2000, TIFF and WebP not at all");
}

}  // namespace

void image_decoder(Call& c) {
  const HostTensor encoded = c.known(0);
  require(encoded.element == ElementType::u8, "it takes bytes, not {}", name(encoded.element));
  const Pixels pixels = decode_image(Bytes(encoded.tensor.data<uint8_t>()));
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
