#include "brisk/base/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>

#include "brisk/base/file.h"

namespace brisk {
namespace {

/// The definition, a bit at a time.
uint32_t crc32c_by_bits(std::string_view bytes) {
  uint32_t remainder = 0xffffffffu;
  for (char c : bytes) {
    remainder ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ (remainder & 1 ? 0x82F63B78u : 0);
  }
  return ~remainder;
}

TEST(Crc32c, KnownAnswers) {  // RFC 3720, appendix B.4, and the catalogue's check value
  std::string ascending(32, '\0');
  std::iota(ascending.begin(), ascending.end(), '\0');
  const std::pair<std::string, uint32_t> known[] = {{"", 0u},
                                                    {"123456789", 0xE3069283u},
                                                    {std::string(32, '\0'), 0x8A9136AAu},
                                                    {std::string(32, '\xff'), 0x62A8AB43u},
                                                    {ascending, 0x46DD794Eu}};
  for (const auto& [bytes, expected] : known) {
    EXPECT_EQ(crc32c(bytes), expected);
    EXPECT_EQ(crc32c_by_tables(bytes), expected);
  }
}

TEST(Crc32c, AllFormsAgreeForEveryLengthAndOffset) {
  std::string bytes(80, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 167 + 13);
  for (size_t offset = 0; offset < 9; ++offset) {
    for (size_t length = 0; offset + length <= bytes.size(); ++length) {
      const std::string_view part = std::string_view(bytes).substr(offset, length);
      EXPECT_EQ(crc32c(part), crc32c_by_bits(part)) << offset << " " << length;
      EXPECT_EQ(crc32c_by_tables(part), crc32c_by_bits(part)) << offset << " " << length;
    }
  }
}

}  // namespace
}  // namespace brisk
