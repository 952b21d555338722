#include "brisk/optimize/keep_rule.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

Comparison times_as_fast(double ratio) {
  return {{ratio, ratio, ratio}, ratio, ratio > 1.02, ratio < 1 / 1.02};
}

/// From 1000 bytes and 90 % to what is given.
Trial trial(double latency, double rate, int64_t bytes, double accuracy) {
  Trial result;
  result.before.bytes = 1000;
  result.before.accuracy = Accuracy{0.9, 10000};
  result.after.bytes = bytes;
  result.after.accuracy = Accuracy{accuracy, 10000};
  result.latency = times_as_fast(latency);
  result.rate = times_as_fast(rate);
  return result;
}

bool kept(OptimizeTarget target, const Trial& t) {
  return decide(target, t, 0.9, 0.5).kept;
}

TEST(KeepRule, TheTargetDecides) {
  const Trial small_and_slow = trial(0.5, 2.0, 300, 0.9);
  EXPECT_FALSE(kept(OptimizeTarget::latency, small_and_slow));
  EXPECT_TRUE(kept(OptimizeTarget::size, small_and_slow));
  EXPECT_TRUE(kept(OptimizeTarget::throughput, small_and_slow));
}

TEST(KeepRule, WhereTheTargetIsTheSameTheRestDecides) {
  EXPECT_TRUE(kept(OptimizeTarget::latency, trial(1.0, 0.5, 300, 0.9))) << "smaller";
  EXPECT_TRUE(kept(OptimizeTarget::latency, trial(1.0, 1.5, 1000, 0.9))) << "faster in batches";
  EXPECT_FALSE(kept(OptimizeTarget::latency, trial(1.0, 1.0, 1000, 0.9))) << "nothing changed";
  EXPECT_FALSE(kept(OptimizeTarget::latency, trial(1.0, 1.5, 1100, 0.9))) << "larger";
  EXPECT_TRUE(kept(OptimizeTarget::size, trial(1.5, 1.0, 1001, 0.9)));
}

TEST(KeepRule, NoiseIsNoExcuseForWhatLooksSlower) {
  Trial t = trial(1.0, 1.0, 300, 0.9);
  t.latency = {{0.9, 0.7, 1.2}, 0.9, false, false};
  EXPECT_FALSE(kept(OptimizeTarget::latency, t));
  t.latency = {{0.9, 0.7, 1.2}, 1.0, false, false};
  EXPECT_TRUE(kept(OptimizeTarget::latency, t)) << "as fast where nobody else ran";
  t.latency = {{0.99, 0.7, 1.2}, 0.9, false, false};
  EXPECT_TRUE(kept(OptimizeTarget::latency, t));
}

TEST(KeepRule, AccuracyIsBoundedByTheStartNotByTheLastStep) {
  Trial t = trial(3.0, 3.0, 300, 0.894);
  t.before.accuracy->value = 0.896;
  const Decision decision = decide(OptimizeTarget::latency, t, 0.9, 0.5);
  EXPECT_FALSE(decision.kept);
  EXPECT_NE(decision.why.find("0.60 points less accurate, 0.50 are allowed"), std::string::npos)
      << decision.why;
  EXPECT_NE(decision.why.find("3.00 times as fast"), std::string::npos)
      << "what it would have brought: " << decision.why;
  EXPECT_TRUE(decide(OptimizeTarget::latency, trial(3, 3, 300, 0.895), 0.9, 0.5).kept);
}

TEST(KeepRule, ADropOfAllThatIsAllowedIsAllowed) {
  EXPECT_TRUE(kept(OptimizeTarget::size, trial(1, 1, 300, static_cast<double>(0.895f))));
  EXPECT_FALSE(kept(OptimizeTarget::size, trial(1, 1, 300, 0.895 - 1e-5))) << "a tenth of an image";
}

TEST(KeepRule, AccuracyAloneCountsBeyondAStandardError) {
  Trial t = trial(1.0, 1.0, 1000, 0.904);
  EXPECT_TRUE(kept(OptimizeTarget::latency, t)) << "sqrt(0.904 * 0.096 / 10000) is 0.0029";
  t.after.accuracy->value = 0.902;
  EXPECT_FALSE(kept(OptimizeTarget::latency, t));
  t = trial(1.0, 1.0, 1100, 0.95);
  EXPECT_FALSE(kept(OptimizeTarget::latency, t)) << "larger";
}

TEST(KeepRule, SaysWhereAccuracyAloneWasAgainstIt) {
  EXPECT_TRUE(decide(OptimizeTarget::size, trial(1, 1, 300, 0.89), 0.9, 0.5).over_budget);
  EXPECT_FALSE(decide(OptimizeTarget::size, trial(1, 1, 1200, 0.89), 0.9, 0.5).over_budget);
  EXPECT_FALSE(decide(OptimizeTarget::size, trial(1, 1, 300, 0.9), 0.9, 0.5).over_budget);
}

TEST(KeepRule, GainsAreOrderedByTheTarget) {
  const Gains gains = gains_of(trial(2, 3, 250, 0.9));
  EXPECT_EQ(gains, (Gains{2, 3, 4}));
  EXPECT_EQ(gains.in_order(OptimizeTarget::latency), (std::array<double, 3>{2, 4, 3}));
  EXPECT_EQ(gains.in_order(OptimizeTarget::size), (std::array<double, 3>{4, 2, 3}));
  EXPECT_EQ(gains.in_order(OptimizeTarget::throughput), (std::array<double, 3>{3, 4, 2}));
}

TEST(KeepRule, WithoutAccuracyNoneIsJudged) {
  Trial t = trial(3.0, 3.0, 300, 0);
  t.after.accuracy.reset();
  EXPECT_TRUE(decide(OptimizeTarget::latency, t, 0, 0).kept);
}

}  // namespace
}  // namespace brisk
