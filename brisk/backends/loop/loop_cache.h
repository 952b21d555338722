#pragma once

/// A directory of small files, one per compiled loop, named by the hash of what they were compiled
/// from. Safe among processes (files appear whole) and safe to delete. An entry that is damaged, or
/// whose key only shares the hash, counts as absent.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace brisk {

class LoopCache {
 public:
  /// `max_bytes`: beyond it `trim` removes the entries that were least recently written or found.
  explicit LoopCache(std::filesystem::path directory, int64_t max_bytes = int64_t{64} << 20);

  std::optional<std::string> find(std::string_view key) const;
  /// A cache that cannot be written (full or read-only disk) is no error: the next process
  /// compiles.
  void store(std::string_view key, std::string_view value) const;
  void trim() const;

 private:
  std::filesystem::path path_of(std::string_view key) const;
  std::filesystem::path directory_;
  int64_t max_bytes_;
};

}  // namespace brisk
