#include "brisk/formats/gzip/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "brisk/base/file.h"

namespace brisk {
namespace {

/// Calls `sink(std::string_view)` with each piece; ends early where that fails.
template <typename Sink>
Status deflate_to(std::span<const std::byte> bytes, Sink&& sink) {
  z_stream stream{};
  constexpr int kGzip = 16, kMemoryLevel = 8;
  const int started = deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip + MAX_WBITS,
                                   kMemoryLevel, Z_DEFAULT_STRATEGY);
  invariant(started == Z_OK, "zlib does not start (code {})", started);
  std::array<char, 1 << 16> out;
  Status status = Success{};
  int code = Z_OK;
  while (code != Z_STREAM_END && status.ok()) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const size_t given = std::min<size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(given);
      bytes = bytes.subspan(given);
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    code = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    status = sink(std::string_view(out.data(), out.size() - stream.avail_out));
  }
  deflateEnd(&stream);
  return status;
}

}  // namespace

int64_t gzipped_size(std::span<const std::byte> bytes) {
  int64_t size = 0;
  deflate_to(bytes, [&](std::string_view piece) -> Status {
    size += static_cast<int64_t>(piece.size());
    return Success{};
  }).value();
  return size;
}

Status write_gzip(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  return write_file_atomically(path, [&](FileWriter& file) {
    return deflate_to(bytes, [&](std::string_view piece) { return file.write(piece); });
  });
}

}  // namespace brisk
