#include "brisk/base/hash.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

TEST(Hash, KnownAnswers) {  // XXH3_64bits with seed 0, by the reference implementation
  EXPECT_EQ(to_hex(stable_hash("")), "2d06800538d394c2");
  EXPECT_EQ(to_hex(stable_hash("a")), "e6c632b61e964e1f");
  EXPECT_EQ(to_hex(stable_hash("abc")), "78af5f94892f3950");
}

TEST(Hash, PiecesGiveTheHashOfTheWhole) {
  std::string bytes(5000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 7);
  for (size_t step : {1u, 3u, 64u, 255u, 1024u, 4999u}) {
    StableHasher hasher;
    for (size_t at = 0; at < bytes.size(); at += step) {
      hasher.update(std::string_view(bytes).substr(at, step));
    }
    EXPECT_EQ(hasher.digest(), stable_hash(bytes)) << step;
  }
}

TEST(Hash, FieldsDoNotRunIntoEachOther) {
  StableHasher one, two;
  one.update_field("ab").update_field("c");
  two.update_field("a").update_field("bc");
  EXPECT_NE(one.digest(), two.digest());
  StableHasher numbers, bytes;
  numbers.update_number(0x0102);
  bytes.update(std::string_view("\x02\x01\0\0\0\0\0\0", 8));
  EXPECT_EQ(numbers.digest(), bytes.digest());
}

}  // namespace
}  // namespace brisk
