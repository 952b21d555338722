#include "brisk/formats/gzip/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "brisk/base/file.h"
#include "brisk/base/tensor.h"

namespace brisk {
namespace {

uInt clamped(size_t count) {
  return static_cast<uInt>(std::min<size_t>(count, std::numeric_limits<uInt>::max()));
}

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b} &&
         bytes[2] == std::byte{0x08};
}

struct GzipReader::State {
  explicit State(std::span<const std::byte> bytes) : rest(bytes) {
    constexpr int kGzipOnly = 16;
    const int code = inflateInit2(&stream, kGzipOnly + MAX_WBITS);
    invariant(code == Z_OK, "zlib does not start (code {})", code);
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  z_stream stream{};
  std::span<const std::byte> rest;
  bool at_end = false;
};

GzipReader::GzipReader(std::span<const std::byte> bytes) : state_(std::make_unique<State>(bytes)) {}
GzipReader::~GzipReader() = default;
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;

Result<int64_t> GzipReader::read(std::span<std::byte> out) {
  z_stream& stream = state_->stream;
  std::span<const std::byte>& rest = state_->rest;
  size_t written = 0;
  while (written < out.size() && !state_->at_end) {
    const uInt given = clamped(rest.size());
    const uInt room = clamped(out.size() - written);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest.data()));
    stream.avail_in = given;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = room;
    const int code = inflate(&stream, Z_NO_FLUSH);
    rest = rest.subspan(given - stream.avail_in);
    written += room - stream.avail_out;
    if (code == Z_STREAM_END) {
      if (is_gzip(rest)) {
        inflateReset(&stream);
      } else {
        state_->at_end = true;  // gzip itself ignores what follows the last member
      }
    } else if (code == Z_BUF_ERROR) {
      return fail("its compressed data end early");
    } else if (code != Z_OK) {
      return fail("its compressed data are corrupt ({})",
                  stream.msg != nullptr ? stream.msg : "no gzip data");
    }
  }
  return static_cast<int64_t>(written);
}

Result<InflatedFile> inflate_file(const std::filesystem::path& path, int64_t limit) {
  const Result<MappedFile> file = map_file(path);
  if (!file) return file.failure();
  const std::span<const std::byte> compressed(file->bytes.get(), static_cast<size_t>(file->size));
  if (!is_gzip(compressed)) return fail("{} holds no gzip data", path.string());
  // The size is known at the end; until then the contents lie in pieces.
  constexpr int64_t kPiece = int64_t{1} << 24;
  std::vector<std::vector<std::byte>> pieces;
  GzipReader reader(compressed);
  InflatedFile result;
  for (bool at_end = false; !at_end;) {
    std::vector<std::byte>& piece = pieces.emplace_back(static_cast<size_t>(kPiece));
    const Result<int64_t> read = reader.read(piece);
    if (!read) return fail("{}: {}", path.string(), read.error());
    piece.resize(static_cast<size_t>(*read));
    result.size += *read;
    at_end = *read < kPiece;
    if (result.size > limit)
      return fail("{} holds more than the {} bytes that were to be expected", path.string(), limit);
  }
  result.bytes = allocate_aligned(result.size);
  std::byte* to = result.bytes.get();
  for (const std::vector<std::byte>& piece : pieces) to = std::copy(piece.begin(), piece.end(), to);
  return result;
}

}  // namespace brisk
