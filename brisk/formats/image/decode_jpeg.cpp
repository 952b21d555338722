// libjpeg reports errors by a callback that must not return, so it jumps. A jump over a C++ object
// with a destructor is undefined; therefore the two functions that call setjmp have no such local,
// and everything that owns something is a member of JpegReader.

#include <csetjmp>
#include <cstdio>
#include <vector>

#include "brisk/formats/image/decode_image.h"

// Each of the two needs what stands before it: FILE, and the library's version.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace brisk {
namespace {

// A progressive file may have any number of scans, each costing a pass over the whole image;
// encoders write about ten.
constexpr int kMaxScans = 200;

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it points to us
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void give_up(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

/// Warnings that leave the picture whole pass; after all others (data end early, a code or marker
/// is not one that can stand there) pixels would be made up.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
      return;
    default:
      give_up(info);
  }
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  std::snprintf(errors->message, sizeof(errors->message), "it has more than %d scans", kMaxScans);
  longjmp(errors->jump, 1);
}

class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = give_up;
    errors_.base.emit_message = on_message;
    errors_.base.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = on_progress;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  /// Reads the header; false with `message` when it is not one.
  bool read_header(const unsigned char* bytes, size_t size, int64_t channels) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes, static_cast<unsigned long>(size));
    jpeg_read_header(&info_, TRUE);
    if (is_cmyk())
      info_.out_color_space = JCS_CMYK;
    else
      info_.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    return true;
  }

  /// Decodes all rows into `pixels`; false with `message`.
  bool read_pixels(unsigned char* pixels, int64_t channels) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      unsigned char* row =
          is_cmyk() ? cmyk_row_.data()
                    : pixels + int64_t{info_.output_scanline} * info_.output_width * channels;
      const int64_t y = info_.output_scanline;
      if (jpeg_read_scanlines(&info_, &row, 1) != 1) continue;
      if (is_cmyk()) from_cmyk(pixels + y * info_.output_width * channels, channels);
    }
    return true;  // the rest of the file, its end marker included, adds nothing to the picture
  }

  int64_t height() const { return info_.image_height; }
  int64_t width() const { return info_.image_width; }
  const char* message() const { return errors_.message; }
  void allocate_rows() {
    if (is_cmyk()) cmyk_row_.resize(static_cast<size_t>(4 * width()));
  }

 private:
  bool is_cmyk() const {
    return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
  }

  /// Without a profile, the usual reading: light = (1 - ink) * (1 - black). Adobe's files hold
  /// 1 - ink already.
  void from_cmyk(unsigned char* pixels, int64_t channels) const {
    for (int64_t x = 0; x < width(); ++x, pixels += channels) {
      int rgb[3];
      for (int c = 0; c < 3; ++c) {
        const int ink = cmyk_row_[static_cast<size_t>(4 * x + c)];
        const int black = cmyk_row_[static_cast<size_t>(4 * x + 3)];
        rgb[c] = info_.saw_Adobe_marker ? ink * black / 255 : (255 - ink) * (255 - black) / 255;
      }
      if (channels == 3) {
        for (int c = 0; c < 3; ++c) pixels[c] = static_cast<unsigned char>(rgb[c]);
      } else {  // ITU-R BT.601
        pixels[0] = static_cast<unsigned char>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]) / 1000);
      }
    }
  }

  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  JpegErrors errors_{};
  std::vector<unsigned char> cmyk_row_;
};

}  // namespace

Result<Tensor> decode_jpeg(std::span<const std::byte> contents, const DecodeOptions& options) {
  require(options.channels == 3 || options.channels == 1,
          "images are decoded to 3 or 1 channels, not {}", options.channels);
  JpegReader reader;
  if (!reader.read_header(reinterpret_cast<const unsigned char*>(contents.data()), contents.size(),
                          options.channels)) {
    return fail("{}", reader.message());
  }
  if (reader.height() * reader.width() > options.max_pixels) {
    return fail("it has {} x {} pixels, more than the limit of {}", reader.height(), reader.width(),
                options.max_pixels);
  }
  Tensor image(DType::u8, {reader.height(), reader.width(), options.channels});
  reader.allocate_rows();
  if (!reader.read_pixels(image.data<uint8_t>().data(), options.channels)) {
    return fail("{}", reader.message());
  }
  return image;
}

}  // namespace brisk
