#include "brisk/backends/loop/loop_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <vector>

#include "brisk/base/file.h"
#include "brisk/base/hash.h"

// An entry: magic, hash of the rest, length of the key, key, value. It is written under a name of
// this process and renamed, without a sync: a power loss may leave garbage, which the hash finds,
// and a sync for each of a model's loops would cost more than compiling them.

namespace brisk {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "briskl01";
constexpr size_t kHeader = 24;

std::string number_bytes(uint64_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}
uint64_t number_at(std::string_view bytes, size_t offset) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

/// Keeps the order of use to about a day, without a write at every look-up.
void mark_used(const fs::path& path) {
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  if (now - fs::last_write_time(path, ignored) > std::chrono::hours(24))
    fs::last_write_time(path, now, ignored);
}

}  // namespace

LoopCache::LoopCache(fs::path directory, int64_t max_bytes)
    : directory_(std::move(directory)), max_bytes_(max_bytes) {}

fs::path LoopCache::path_of(std::string_view key) const {
  return directory_ / (to_hex(stable_hash(key)) + ".loop");
}

std::optional<std::string> LoopCache::find(std::string_view key) const {
  const fs::path path = path_of(key);
  const auto entry = read_file(path, max_bytes_);
  if (!entry) return std::nullopt;
  const std::string_view bytes = *entry;
  if (bytes.size() < kHeader || bytes.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  if (number_at(bytes, 8) != stable_hash(bytes.substr(16))) return std::nullopt;
  const uint64_t key_size = number_at(bytes, 16);
  if (key_size != key.size() || bytes.size() - kHeader < key_size ||
      bytes.substr(kHeader, key_size) != key)
    return std::nullopt;
  mark_used(path);
  return std::string(bytes.substr(kHeader + key_size));
}

void LoopCache::store(std::string_view key, std::string_view value) const {
  std::error_code error;
  fs::create_directories(directory_, error);
  std::string rest = number_bytes(key.size());
  rest.append(key).append(value);
  const fs::path path = path_of(key);
  fs::path temporary = path;
  temporary += fmt::format(".{}", getpid());
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << kMagic << number_bytes(stable_hash(rest)) << rest;
    file.close();
    if (!file) {
      fs::remove(temporary, error);
      return;
    }
  }
  fs::rename(temporary, path, error);
  if (error) fs::remove(temporary, error);
}

void LoopCache::trim() const {
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    int64_t size;
  };
  std::vector<Entry> entries;
  int64_t total = 0;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(directory_, error)) {
    std::error_code gone;  // another process may trim too
    const auto size = static_cast<int64_t>(item.file_size(gone));
    const auto used = item.last_write_time(gone);
    if (gone) continue;
    entries.push_back({item.path(), used, size});
    total += size;
  }
  if (total <= max_bytes_) return;
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {  // down to three quarters, so that not every batch trims
    if (total <= max_bytes_ / 4 * 3) break;
    fs::remove(entry.path, error);
    total -= entry.size;
  }
}

}  // namespace brisk
