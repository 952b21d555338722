// libpng, like libjpeg, jumps on errors: the functions that call setjmp have no local with a
// destructor (see decode_jpeg.cpp).

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "brisk/formats/image/decode_image.h"

namespace brisk {
namespace {

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> contents) : rest_(contents) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// Reads up to the pixels and asks for rows of 8-bit `channels`; false with `message`.
  bool read_header(int64_t channels) {
    if (info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    // Text, profiles and the like: skipped, or bounded where libpng reads them anyway.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_set_chunk_cache_max(png_, 64);
    png_set_chunk_malloc_max(png_, 4 << 20);
    png_set_user_limits(png_, 1 << 24, 1 << 24);  // each side; the product is checked by the caller
    png_read_info(png_, info_);
    const int colour = png_get_color_type(png_, info_);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    const bool grey = (colour & PNG_COLOR_MASK_COLOR) == 0;
    if (channels == 3 && grey) png_set_gray_to_rgb(png_);
    if (channels == 1 && !grey) png_set_rgb_to_gray(png_, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  /// Decodes all rows into `pixels`; false with `message`.
  bool read_pixels(unsigned char* pixels) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    for (int pass = 0; pass < passes_; ++pass) {
      for (int64_t y = 0; y < height(); ++y) png_read_row(png_, pixels + y * row_bytes(), nullptr);
    }
    png_read_end(png_, nullptr);
    return true;
  }

  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t row_bytes() const { return static_cast<int64_t>(png_get_rowbytes(png_, info_)); }
  const char* message() const { return message_; }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_read(png_structp png, png_bytep target, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (reader->rest_.size() < count) png_error(png, "it ends early");
    std::memcpy(target, reader->rest_.data(), count);
    reader->rest_ = reader->rest_.subspan(count);
  }

  std::span<const std::byte> rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  char message_[256] = "libpng does not start";
};

}  // namespace

Result<Tensor> decode_png(std::span<const std::byte> contents, const DecodeOptions& options) {
  require(options.channels == 3 || options.channels == 1,
          "images are decoded to 3 or 1 channels, not {}", options.channels);
  PngReader reader(contents);
  if (!reader.read_header(options.channels)) return fail("{}", reader.message());
  if (reader.height() * reader.width() > options.max_pixels) {
    return fail("it has {} x {} pixels, more than the limit of {}", reader.height(), reader.width(),
                options.max_pixels);
  }
  invariant(reader.row_bytes() == reader.width() * options.channels,
            "libpng gives rows of {} bytes for {} pixels of {} channels", reader.row_bytes(),
            reader.width(), options.channels);
  Tensor image(DType::u8, {reader.height(), reader.width(), options.channels});
  if (!reader.read_pixels(image.data<uint8_t>().data())) return fail("{}", reader.message());
  return image;
}

}  // namespace brisk
