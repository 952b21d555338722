#include "brisk/formats/image/decode_image.h"

#include <algorithm>
#include <array>

#include "brisk/base/file.h"

namespace brisk {
namespace {

template <size_t kSize>
bool begins_with(std::span<const std::byte> contents,
                 const std::array<unsigned char, kSize>& magic) {
  return contents.size() >= kSize &&
         std::equal(magic.begin(), magic.end(), contents.begin(),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

}  // namespace

bool is_jpeg(std::span<const std::byte> contents) {
  return begins_with<3>(contents, {0xff, 0xd8, 0xff});
}

bool is_png(std::span<const std::byte> contents) {
  return begins_with<8>(contents, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
}

Result<Tensor> decode_image(std::span<const std::byte> contents, const DecodeOptions& options) {
  if (is_jpeg(contents)) return decode_jpeg(contents, options);
  if (is_png(contents)) return decode_png(contents, options);
  return fail("it is neither a JPEG nor a PNG image");
}

Result<Tensor> read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  constexpr int64_t kMaxFileBytes = int64_t{1} << 30;
  const Result<std::string> contents = read_file(path, kMaxFileBytes);
  if (!contents) return contents.failure();
  Result<Tensor> image =
      decode_image(std::as_bytes(std::span(contents->data(), contents->size())), options);
  if (!image) return fail("cannot decode image '{}': {}", path.string(), image.error());
  return image;
}

}  // namespace brisk
