// CRC-32C: the processor's instruction where there is one (x86-64 with SSE 4.2), otherwise eight
// tables, one for each byte of a 64-bit word ("slicing by 8", Kounavis and Berry, 2005).

#include "brisk/base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#include "brisk/base/file.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace brisk {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78u;

using Tables = std::array<std::array<uint32_t, 256>, 8>;

/// tables[k][b]: what byte b does to the remainder when k more bytes follow it in the word.
constexpr Tables make_tables() {
  Tables tables = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = remainder;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint64_t load_word(const char* bytes) {
  static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest");
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(std::string_view bytes) {
  uint64_t remainder = 0xffffffffu;
  while (bytes.size() >= 8) {
    remainder = _mm_crc32_u64(remainder, load_word(bytes.data()));
    bytes.remove_prefix(8);
  }
  auto low = static_cast<uint32_t>(remainder);
  for (char c : bytes) low = _mm_crc32_u8(low, static_cast<uint8_t>(c));
  return ~low;
}
#endif

}  // namespace

uint32_t crc32c_by_tables(std::string_view bytes) {
  uint32_t remainder = 0xffffffffu;
  while (bytes.size() >= 8) {
    const uint64_t word = load_word(bytes.data()) ^ remainder;
    remainder = 0;
    for (size_t k = 0; k < 8; ++k) remainder ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
    bytes.remove_prefix(8);
  }
  for (char c : bytes) {
    remainder = (remainder >> 8) ^ kTables[0][(remainder ^ static_cast<uint8_t>(c)) & 0xff];
  }
  return ~remainder;
}

uint32_t crc32c(std::string_view bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction(bytes);
#endif
  return crc32c_by_tables(bytes);
}

}  // namespace brisk
