#pragma once

/// Images made by libjpeg and libpng themselves, for tests of decoders. Errors of these writers end
/// the process: the inputs are the tests' own.

#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "brisk/base/philox.h"
#include "brisk/base/tensor.h"

// Needs FILE, see decode_jpeg.cpp.
#include <jpeglib.h>

namespace brisk {

/// A smooth u8[height, width, channels] picture that survives lossy compression.
inline Tensor gradient(int64_t height, int64_t width, int64_t channels) {
  Tensor image(DType::u8, {height, width, channels});
  for (int64_t i = 0; i < image.num_elements(); ++i) {
    const int64_t y = i / (width * channels);
    const int64_t x = i / channels % width;
    image.set(
        i, static_cast<double>(std::min<int64_t>(255, 40 + 2 * y + 2 * x + 40 * (i % channels))));
  }
  return image;
}

/// u8 noise.
inline Tensor noise(int64_t height, int64_t width, int64_t channels, uint64_t key = 1) {
  Tensor image(DType::u8, {height, width, channels});
  PhiloxSequence random(key);
  for (uint8_t& value : image.data<uint8_t>()) value = static_cast<uint8_t>(random.next_word());
  return image;
}

struct JpegFixture {
  int quality = 95;
  bool progressive = false;
  bool arithmetic = false;
};

/// One channel is written as grey, three as YCbCr, four as Adobe's CMYK.
inline std::string encode_jpeg(const Tensor& image, const JpegFixture& fixture = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  const auto channels = static_cast<int>(image.sizes()[2]);
  info.image_height = static_cast<JDIMENSION>(image.sizes()[0]);
  info.image_width = static_cast<JDIMENSION>(image.sizes()[1]);
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (channels == 4) info.write_Adobe_marker = TRUE;
  jpeg_set_quality(&info, fixture.quality, TRUE);
  info.arith_code = fixture.arithmetic ? TRUE : FALSE;
  if (fixture.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<unsigned char*>(image.data<uint8_t>().data()) +
                int64_t{info.next_scanline} * info.image_width * channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string text(reinterpret_cast<char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return text;
}

struct PngFixture {
  int colour = PNG_COLOR_TYPE_RGB;
  int depth = 8;
  bool interlaced = false;
  std::vector<png_color> palette = {};
};

/// `image` holds a file's rows as PNG stores them: u8, big-endian pairs of bytes at depth 16.
inline std::string encode_png(const Tensor& image, int64_t width, const PngFixture& fixture = {}) {
  std::string text;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &text,
      [](png_structp target, png_bytep bytes, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(target))
            ->append(reinterpret_cast<char*>(bytes), size);
      },
      [](png_structp) {});
  const auto height = static_cast<png_uint_32>(image.sizes()[0]);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), height, fixture.depth, fixture.colour,
               fixture.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!fixture.palette.empty()) {
    png_set_PLTE(png, info, fixture.palette.data(), static_cast<int>(fixture.palette.size()));
  }
  png_write_info(png, info);
  const int64_t stride = image.num_elements() / image.sizes()[0];
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < image.sizes()[0]; ++y) {
    rows.push_back(const_cast<png_bytep>(image.data<uint8_t>().data()) + y * stride);
  }
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return text;
}

/// An RGB or grey image of u8.
inline std::string encode_png(const Tensor& image) {
  return encode_png(image, image.sizes()[1],
                    {.colour = image.sizes()[2] == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB});
}

}  // namespace brisk
