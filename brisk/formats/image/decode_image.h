#pragma once

/// Compressed images to pixels. Files come from anywhere, so every reason not to decode one is a
/// `Failure`, and nothing is allocated before its size is known to be acceptable.

#include <cstddef>
#include <filesystem>
#include <span>

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"

namespace brisk {

struct DecodeOptions {
  int64_t channels = 3;                   ///< 3: RGB, 1: luminance; transparency is dropped
  int64_t max_pixels = int64_t{1} << 26;  ///< height * width beyond this is refused
};

/// u8[height, width, channels] from a JPEG or PNG file's contents, whichever they begin as. Fails
/// when they are neither, corrupt, end early, or have more pixels than allowed.
Result<Tensor> decode_image(std::span<const std::byte> contents, const DecodeOptions& options = {});

/// The same for a file; reasons name it.
Result<Tensor> read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

bool is_jpeg(std::span<const std::byte> contents);
bool is_png(std::span<const std::byte> contents);

/// JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK (as Adobe writes them), the
/// pixels that libjpeg's accurate transform and smooth upsampling give. A file without its end
/// marker but with all of its picture is accepted.
Result<Tensor> decode_jpeg(std::span<const std::byte> contents, const DecodeOptions& options = {});

/// PNG: all colour types and depths, interlaced or not; 16 bits are cut to 8, gamma and profiles
/// are not applied.
Result<Tensor> decode_png(std::span<const std::byte> contents, const DecodeOptions& options = {});

}  // namespace brisk
