#include "brisk/base/philox.h"

#include <gtest/gtest.h>

#include <cmath>

namespace brisk {
namespace {

TEST(Philox, KnownAnswers) {  // Random123's kat_vectors for philox4x32-10
  EXPECT_EQ(philox4x32({0, 0}, {0, 0, 0, 0}),
            (PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  constexpr uint32_t kOnes = 0xffffffffu;
  EXPECT_EQ(philox4x32({kOnes, kOnes}, {kOnes, kOnes, kOnes, kOnes}),
            (PhiloxBlock{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(
      philox4x32({0xa4093822u, 0x299f31d0u}, {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}),
      (PhiloxBlock{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Philox, WordsAreTheBlocksInOrder) {
  const uint64_t key = 0x0123456789abcdefu;
  for (uint64_t index : {uint64_t{0}, uint64_t{5}, (uint64_t{1} << 34) + 3}) {
    const uint64_t block = index / 4;
    EXPECT_EQ(philox_word(key, index),
              philox4x32({0x89abcdefu, 0x01234567u},
                         {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0,
                          0})[index % 4]);
  }
}

TEST(Philox, UnitFloatsStayBelowOne) {
  EXPECT_EQ(word_to_unit_float(0), 0.0f);
  EXPECT_EQ(word_to_unit_float(0x80000000u), 0.5f);
  EXPECT_LT(word_to_unit_float(0xffffffffu), 1.0f);
}

TEST(Philox, ASequenceIsItsStreamFromAnyPosition) {
  for (const uint64_t first : {uint64_t{0}, uint64_t{3}, uint64_t{6}, uint64_t{1} << 40}) {
    PhiloxSequence sequence(9, first);
    for (uint64_t i = 0; i < 11; ++i) EXPECT_EQ(sequence.next_word(), philox_word(9, first + i));
  }
}

TEST(Philox, SequencesResumeAtTheirPosition) {
  PhiloxSequence whole(7);
  for (int i = 0; i < 10; ++i) whole.next_word();
  PhiloxSequence resumed(7, whole.position());
  EXPECT_EQ(whole.position(), 10u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(resumed.next_word(), whole.next_word());
}

TEST(Philox, BoundedNumbersAreUniform) {
  PhiloxSequence sequence(42);
  std::vector<int> counts(7, 0);
  constexpr int kDraws = 70'000;
  for (int i = 0; i < kDraws; ++i) ++counts[sequence.next_below(7)];
  double chi_square = 0;
  for (int count : counts) chi_square += std::pow(count - kDraws / 7.0, 2) / (kDraws / 7.0);
  EXPECT_LT(chi_square, 22.46) << "6 degrees of freedom, one in a thousand";
  EXPECT_EQ(PhiloxSequence(1).next_below(1), 0u);
}

TEST(Philox, NormalsHaveTheirMoments) {
  PhiloxSequence sequence(3);
  constexpr int kDraws = 100'000;
  double sum = 0, squares = 0, cubes = 0, fourths = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = sequence.next_normal();
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    fourths += x * x * x * x;
  }
  // Five standard errors of each mean: sqrt(variance / draws) with variances 1, 2, 15 and 96.
  EXPECT_NEAR(sum / kDraws, 0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(cubes / kDraws, 0, 5 * std::sqrt(15.0 / kDraws));
  EXPECT_NEAR(fourths / kDraws, 3, 5 * std::sqrt(96.0 / kDraws));
}

TEST(Philox, FoldedKeysDiffer) {
  EXPECT_NE(fold_key(1, 0), fold_key(1, 1));
  EXPECT_NE(fold_key(1, 0), fold_key(2, 0));
  EXPECT_NE(fold_key(fold_key(1, 2), 3), fold_key(fold_key(1, 3), 2));
  static_assert(fold_key(5, 6) == fold_key(5, 6));
}

}  // namespace
}  // namespace brisk
