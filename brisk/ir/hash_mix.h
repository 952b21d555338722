#pragma once

/// Hashes of graphs and attributes within a process: fast, and not for files (base/hash.h is).

#include <cstdint>
#include <string_view>

namespace brisk {

/// The hash `seed` continued by `value`.
constexpr uint64_t mix(uint64_t seed, uint64_t value) {
  seed ^= value + 0x9e3779b97f4a7c15ull + (seed << 12) + (seed >> 4);
  return seed * 0xff51afd7ed558ccdull;
}

/// FNV-1a.
constexpr uint64_t hash_text(std::string_view text) {
  uint64_t result = 0xcbf29ce484222325ull;
  for (const char c : text) result = (result ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return result;
}

}  // namespace brisk
