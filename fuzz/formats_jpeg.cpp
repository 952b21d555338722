// JPEG images: any bytes are a picture or a reason.

#include <cstdint>

#include "brisk/formats/image/decode_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto contents = std::as_bytes(std::span(data, size));
  for (const int64_t channels : {3, 1}) {
    const brisk::DecodeOptions options{.channels = channels, .max_pixels = 1 << 16};
    const brisk::Result<brisk::Tensor> image = brisk::decode_jpeg(contents, options);
    if (image.ok() && image->num_elements() > channels * options.max_pixels) __builtin_trap();
  }
  return 0;
}
