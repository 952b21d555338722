#pragma once

/// TFRecord: records of bytes one after another, without file header or index. Each is
///
///     u64 length | u32 masked CRC of the length | data | u32 masked CRC of the data
///
/// little-endian; the CRC is CRC-32C, masked (rotated and shifted by a constant) because data may
/// itself hold CRCs. (tensorflow/core/lib/io/record_writer.h.) Files compressed as a whole (gzip,
/// zlib) are recognised and refused.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/base/file.h"

namespace brisk {

/// The records of a mapped file, found once by stepping from length to length; after that any
/// record is reached at once. May be read from several threads.
class TfrecordFile {
 public:
  /// Maps the file and checks the lengths and their CRCs; fails with path, record and byte.
  static Result<TfrecordFile> open(const std::filesystem::path& path);
  /// The same over bytes in memory that `owner` keeps alive; `what` names them in messages.
  static Result<TfrecordFile> over(std::string_view bytes, std::shared_ptr<const void> owner,
                                   std::string_view what);

  int64_t size() const { return static_cast<int64_t>(records_.size()); }
  /// The record's data, valid while this object lives; fails when its CRC does not match.
  Result<std::string_view> record(int64_t index) const;

 private:
  struct Place {
    int64_t offset;  ///< of the data
    int64_t size;
  };
  TfrecordFile(std::string_view bytes, std::shared_ptr<const void> owner, std::string_view what);
  Status find_records();

  std::string_view bytes_;
  std::shared_ptr<const void> owner_;
  std::string what_;
  std::vector<Place> records_;
};

/// Appends records to a new file. Writes are gathered in memory up to a quarter of a megabyte.
/// After a failure the file may end within a record, so every later call fails as well.
class TfrecordWriter {
 public:
  static Result<TfrecordWriter> create(const std::filesystem::path& path);
  TfrecordWriter(TfrecordWriter&&) noexcept;
  TfrecordWriter& operator=(TfrecordWriter&&) noexcept;
  /// Hands out what was gathered, but does not sync and cannot report: call `finish`.
  ~TfrecordWriter();

  Status write(std::string_view record);
  /// Makes everything so far visible to readers of the file; survives the end of the process, not
  /// a loss of power.
  Status flush();
  /// Flushes, syncs and closes.
  Status finish();

 private:
  explicit TfrecordWriter(FileWriter file) : file_(std::move(file)) {}

  std::optional<FileWriter> file_;  ///< none once finished or moved from
  std::string gathered_;
  std::optional<Failure> failure_;
};

/// One record with its frame, to be appended to a file.
std::string frame_tfrecord(std::string_view record);

}  // namespace brisk
