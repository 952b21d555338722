#pragma once

/// A stable 64-bit hash of bytes (XXH3): the same on every machine and in every version, so it may
/// stand in files. Good for cache keys and for finding damage; not against an adversary.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace brisk {

uint64_t stable_hash(std::string_view bytes);

/// The same hash over bytes that come in pieces: `update("ab")` equals `update("a").update("b")`.
class StableHasher {
 public:
  StableHasher();
  StableHasher(StableHasher&&) noexcept;
  StableHasher& operator=(StableHasher&&) noexcept;
  ~StableHasher();

  StableHasher& update(std::string_view bytes);
  /// Adds a text with its length, so that neighbours cannot run into each other: for cache keys.
  StableHasher& update_field(std::string_view bytes);
  /// Adds a number as eight little-endian bytes.
  StableHasher& update_number(uint64_t number);
  /// The hash of everything so far; more may follow.
  uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 16 lower-case hexadecimal digits.
std::string to_hex(uint64_t hash);

}  // namespace brisk
