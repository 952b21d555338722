#include "brisk/data/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "brisk/base/error.h"

namespace brisk {

int64_t deflated_size(std::span<const std::byte> bytes) {
  z_stream stream{};
  constexpr int kRawWindow = -MAX_WBITS, kMemoryLevel = 8;
  const int started = deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kRawWindow,
                                   kMemoryLevel, Z_DEFAULT_STRATEGY);
  invariant(started == Z_OK, "zlib does not start (code {})", started);
  std::array<Bytef, 1 << 16> out;
  int64_t size = 0;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const size_t given = std::min<size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(given);
      bytes = bytes.subspan(given);
    }
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    code = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    size += static_cast<int64_t>(out.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return size;
}

}  // namespace brisk
