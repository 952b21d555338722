#pragma once

/// Files: whole reads, memory maps, and writes that are never seen half done (temporary name,
/// fsync, rename, fsync of the directory).

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

/// The whole file as bytes; fails with the path and the system's reason, or when it is larger than
/// `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, int64_t limit = int64_t{1} << 40);

/// A memory map of a whole file; keeps itself alive through the shared pointer. The pages are
/// private: who casts the const away and writes changes this process's copy, never the file. A
/// file that another process truncates while it is mapped kills the reader (SIGBUS).
struct MappedFile {
  std::shared_ptr<const std::byte[]> bytes;
  int64_t size = 0;
};
Result<MappedFile> map_file(const std::filesystem::path& path);

/// A file being written in pieces; the descriptor is synced by `finish`.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::filesystem::path& path);
  FileWriter(FileWriter&&) noexcept;
  FileWriter& operator=(FileWriter&&) noexcept;
  ~FileWriter();
  Status write(std::string_view bytes);
  /// Syncs to the disk and closes.
  Status finish();

 private:
  FileWriter(int descriptor, std::filesystem::path path);
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// Writes `contents` under a temporary name beside `path`, syncs and renames. On failure (full
/// disk, no permission) the previous file is untouched, the temporary one removed.
Status write_file_atomically(const std::filesystem::path& path, std::string_view contents);
/// The same for contents that come in pieces; `fill` writes them and does not call `finish`.
Status write_file_atomically(const std::filesystem::path& path,
                             const std::function<Status(FileWriter&)>& fill);

/// Writes a directory that appears whole or not at all: `fill` gets a temporary directory beside
/// `path`; when it succeeds, every file in it is synced and the directory renamed to `path`. An
/// existing `path` is replaced by exchanging the two names (renameat2) and removing the old one.
Status write_directory_atomically(const std::filesystem::path& path,
                                  const std::function<Status(const std::filesystem::path&)>& fill);

/// fsync of a directory, so that names in it survive a power loss.
Status sync_directory(const std::filesystem::path& path);

/// Reflected CRC-32C (Castagnoli, polynomial 0x82F63B78), as TFRecord and event files use.
uint32_t crc32c(std::string_view bytes);

/// The user's cache directory for brisk: $BRISK_CACHE, $XDG_CACHE_HOME/brisk or ~/.cache/brisk.
std::filesystem::path cache_directory();

}  // namespace brisk
