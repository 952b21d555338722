#include "brisk/optimize/spread.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

TEST(SpreadOf, HasMedianAndQuartiles) {
  EXPECT_EQ(spread_of({5, 1, 4, 2, 3}), (Spread{3, 2, 4}));
  EXPECT_EQ(spread_of({4, 1, 2, 3}), (Spread{2.5, 1.75, 3.25})) << "as numpy.percentile has it";
  EXPECT_EQ(spread_of({7}), (Spread{7, 7, 7}));
}

TEST(SpreadOf, TurnsRoundWhenInverted) {
  EXPECT_EQ(inverse({4, 2, 8}, 16), (Spread{4, 2, 8}));
}

TEST(SpreadOf, ComesBackFromJson) {
  const Spread spread{1.5, 1.25, 2};
  EXPECT_EQ(spread_from_json(to_json(spread)), spread);
}

TEST(Compare, TakesRoundsTogether) {
  // Every second round was twice as slow for both: the ratio does not see it.
  const std::vector<double> before = {1, 2, 1, 2, 1}, after = {0.8, 1.6, 0.8, 1.6, 0.8};
  const Comparison comparison = compare(before, after);
  EXPECT_DOUBLE_EQ(comparison.times_as_fast.median, 1.25);
  EXPECT_TRUE(comparison.faster);
  EXPECT_FALSE(comparison.slower);
  EXPECT_TRUE(compare(after, before).slower);
}

TEST(Compare, DoesNotTakeNoiseForSpeed) {
  const std::vector<double> before(5, 1), nearly(5, 0.99), unsteady = {0.5, 0.6, 0.9, 1.5, 1.6};
  EXPECT_FALSE(compare(before, nearly).faster) << "one percent";
  EXPECT_FALSE(compare(before, unsteady).faster) << "slower in two rounds of five";
  EXPECT_FALSE(compare(before, unsteady).slower);
  const std::vector<double> disturbed = {1.5, 1.5, 1.5, 1.5, 1};
  EXPECT_FALSE(compare(before, disturbed).slower) << "as fast in the round that nobody disturbed";
}

}  // namespace
}  // namespace brisk
