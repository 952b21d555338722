#pragma once

/// The door to libzip: archives of a few members, read whole and written stored.
///
/// Archives are foreign: names that lead out of it ("../x", "/x") are refused, and so is a member
/// whose size is out of all proportion to what is stored of it.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"

namespace brisk {

class ZipFile {
 public:
  static Result<ZipFile> open(const std::filesystem::path& path);
  /// A whole archive in memory, which must outlive this object.
  static Result<ZipFile> open(std::string_view bytes, std::string what);
  ZipFile(ZipFile&&) noexcept;
  ZipFile& operator=(ZipFile&&) noexcept;
  ~ZipFile();

  std::vector<std::string> names() const;
  bool has(const std::string& name) const;
  /// A member's contents, of at most `limit` bytes; its checksum is verified.
  Result<std::string> read(const std::string& name, int64_t limit) const;

 private:
  struct State;
  explicit ZipFile(std::unique_ptr<State> state);
  /// The archive, once its names are known to be harmless.
  static Result<ZipFile> checked(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ZipMember {
  std::string name, contents;
};
/// Writes an archive of stored members, in order, whole or not at all.
Status write_zip(const std::filesystem::path& path, std::span<const ZipMember> members);

}  // namespace brisk
