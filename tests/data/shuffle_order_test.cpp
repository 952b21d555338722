#include "brisk/data/shuffle_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "tests/data/number_dataset.h"

namespace brisk {
namespace {

TEST(ShuffleOrder, IsAPermutationThatReachesNoFurtherThanItsBuffer) {
  for (const int64_t size : {0, 1, 2, 7, 100, 1000}) {
    for (const int64_t buffer : {1, 2, 10, 99, 5000}) {
      const auto order = shuffle_order(size, buffer, 42);
      std::vector<bool> seen(static_cast<size_t>(size));
      for (size_t i = 0; i < order.size(); ++i) {
        ASSERT_LT(order[i], size);
        ASSERT_FALSE(seen[order[i]]);
        seen[order[i]] = true;
        ASSERT_LT(order[i], static_cast<int64_t>(i) + buffer);
      }
    }
  }
}

TEST(ShuffleOrder, BufferOfOneKeepsTheOrder) {
  const auto order = shuffle_order(50, 1, 3);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// With a buffer of everything all 24 orders of 4 elements are equally likely: chi-square with 23
// degrees of freedom stays below 49.7 with probability 0.999.
TEST(ShuffleOrder, FullBufferIsUniform) {
  std::map<std::vector<uint32_t>, int> counts;
  constexpr int kDraws = 24000;
  for (int i = 0; i < kDraws; ++i) ++counts[shuffle_order(4, 4, static_cast<uint64_t>(i))];
  ASSERT_EQ(counts.size(), 24u);
  double chi_square = 0;
  for (const auto& [order, count] : counts) {
    chi_square += (count - kDraws / 24.0) * (count - kDraws / 24.0) / (kDraws / 24.0);
  }
  EXPECT_LT(chi_square, 49.7);
}

// tf.data's buffer: the first output is uniform over the buffer, and an element that waits in the
// buffer leaves it with probability 1/buffer at each step.
TEST(ShuffleOrder, SmallBufferDrawsUniformlyFromIt) {
  constexpr int kDraws = 20000;
  constexpr int kBuffer = 5;
  std::vector<int> first(kBuffer);
  int second_step_is_new = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto order = shuffle_order(50, kBuffer, static_cast<uint64_t>(i));
    ++first.at(order[0]);
    second_step_is_new += order[1] == kBuffer;
  }
  for (const int count : first) EXPECT_NEAR(count, kDraws / kBuffer, 300);
  EXPECT_NEAR(second_step_is_new, kDraws / kBuffer, 300);
}

TEST(ShuffleOrder, EveryEpochHasAnotherOrderUnlessToldOtherwise) {
  const auto epochs = [](const Dataset& dataset, uint64_t seed) {
    const auto values = values_of(dataset, {.seed = seed});
    std::set<std::vector<int64_t>> orders;
    for (auto it = values.begin(); it != values.end(); it += 100) {
      std::vector<int64_t> order(it, it + 100);
      orders.insert(order);
      std::sort(order.begin(), order.end());
      for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
    }
    return orders;
  };
  const Dataset base = numbers(100);
  EXPECT_EQ(epochs(base.shuffle(100).repeat(6), 0).size(), 6u);
  EXPECT_EQ(epochs(base.shuffle(10).repeat(6), 0).size(), 6u);
  EXPECT_EQ(epochs(base.shuffle(100, 5, false).repeat(6), 0).size(), 1u);
  EXPECT_NE(epochs(base.shuffle(100), 1), epochs(base.shuffle(100), 2));
  EXPECT_EQ(epochs(base.shuffle(100, 9), 1), epochs(base.shuffle(100, 9), 2));
  EXPECT_NE(epochs(base.shuffle(100, 9), 1), epochs(base.shuffle(100, 10), 1));
}

TEST(ShuffleOrder, ShuffleAfterFiniteRepeatMixesEpochs) {
  const auto values = values_of(numbers(50).repeat(2).shuffle(100));
  std::map<int64_t, int> counts;
  for (const int64_t value : values) ++counts[value];
  EXPECT_EQ(counts.size(), 50u);
  for (const auto& [value, count] : counts) EXPECT_EQ(count, 2) << value;
  EXPECT_LT((std::set<int64_t>(values.begin(), values.begin() + 50).size()), 50u);
}

TEST(ShuffleOrder, SeekIntoAMillionElementsIsQuick) {
  const Dataset dataset = numbers(1'000'000).shuffle(1'000'000).batch(100).repeat();
  const auto iterator = dataset.iterator();
  Example example;
  const auto before = std::chrono::steady_clock::now();
  iterator->seek({7, 9'999});
  ASSERT_TRUE(iterator->next(example));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::chrono::seconds kLimit(20);
#else
  constexpr std::chrono::seconds kLimit(2);
#endif
  EXPECT_LT(std::chrono::steady_clock::now() - before, kLimit);
  EXPECT_EQ(iterator->position().epoch, 8);
  EXPECT_EQ(iterator->position().offset, 0);
}

}  // namespace
}  // namespace brisk
