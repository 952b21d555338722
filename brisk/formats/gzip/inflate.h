#pragma once

/// gzip data (RFC 1952), uncompressed by zlib.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "brisk/base/error.h"

namespace brisk {

/// True when `bytes` begin as a gzip member does: 1f 8b 08.
bool is_gzip(std::span<const std::byte> bytes);

/// Deflate cannot expand further than this, so what a header claims can be checked before memory
/// is asked for.
inline constexpr int64_t kMaxGzipExpansion = 1032;

/// Uncompresses piece by piece, all members one after another.
class GzipReader {
 public:
  /// Reads from `bytes`, which the caller keeps.
  explicit GzipReader(std::span<const std::byte> bytes);
  ~GzipReader();
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;

  /// Fills `out` and returns its size, or less where the contents end (checksums verified); fails
  /// when the data are corrupt or end early.
  Result<int64_t> read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The contents of a gzip file, aligned to 64 bytes; fails where there are more than `limit` of
/// them.
struct InflatedFile {
  std::shared_ptr<std::byte[]> bytes;
  int64_t size = 0;
};
Result<InflatedFile> inflate_file(const std::filesystem::path& path, int64_t limit);

}  // namespace brisk
