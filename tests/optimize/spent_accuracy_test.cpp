#include "brisk/optimize/spent_accuracy.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

StepRow row(const std::string& step, Verdict verdict, double percent, Gains gains,
            bool over_budget = false) {
  StepRow result{.step = step, .verdict = verdict, .gains = gains, .over_budget = over_budget};
  result.figures.accuracy = Accuracy{percent / 100, 1000000};
  return result;
}

std::vector<std::string> given_up(const std::vector<StepRow>& rows,
                                  OptimizeTarget target = OptimizeTarget::size) {
  std::vector<std::string> names;
  for (const StepRow& found : worth_giving_up(rows, target, 0.5)) names.push_back(found.step);
  return names;
}

TEST(WorthGivingUp, IsWhatKeptOutMoreThanItBrings) {
  const StepRow start = row("start", Verdict::start, 90, {}),
                spender = row("halves", Verdict::kept, 89.6, {2, 2, 1.5});
  const auto refused = [](double percent, Gains gains) {
    return row("clusters", Verdict::not_kept, percent, gains, true);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(given_up({start, spender, refused(89.2, {1, 1, 3})}), Names{"halves"});
  EXPECT_EQ(given_up({start, spender, refused(89.2, {1, 1, 1.4})}), Names{}) << "brings less";
  EXPECT_EQ(given_up({start, spender, refused(89.0, {1, 1, 3})}), Names{})
      << "0.6 points by itself: over the budget without the other, too";
  EXPECT_EQ(given_up({start, spender, refused(89.2, {1, 1, 3})}, OptimizeTarget::latency), Names{})
      << "twice as fast is worth more there";
  EXPECT_EQ(
      given_up({start, row("halves", Verdict::kept, 89.6, {1, 1, 1.5}), refused(89.2, {1, 1, 3})},
               OptimizeTarget::latency),
      Names{"halves"})
      << "as fast as each other: bytes count next";
  EXPECT_EQ(given_up({start, spender, row("slow", Verdict::not_kept, 89.2, {1, 1, 3})}), Names{})
      << "it was not the accuracy";
  EXPECT_EQ(given_up({start, refused(89.2, {1, 1, 3}), spender}), Names{}) << "came later";
}

TEST(WorthGivingUp, IsNothingThatLostNone) {
  EXPECT_TRUE(given_up({row("start", Verdict::start, 90, {}), row("fold", Verdict::kept, 90, {}),
                        row("taught", Verdict::kept, 90.4, {}),
                        row("clusters", Verdict::not_kept, 89.2, {1, 1, 3}, true)})
                  .empty());
}

TEST(WorthGivingUp, TheOneThatLostMostComesFirst) {
  EXPECT_EQ(
      given_up({row("start", Verdict::start, 90, {}), row("few", Verdict::kept, 89.9, {1, 1, 1.1}),
                row("many", Verdict::kept, 89.6, {1, 1, 1.2}),
                row("clusters", Verdict::not_kept, 89.45, {1, 1, 3}, true)}),
      (std::vector<std::string>{"many", "few"}));
}

TEST(WorthGivingUp, WithoutAccuracyThereIsNothing) {
  EXPECT_TRUE(worth_giving_up({{.step = "a", .verdict = Verdict::start},
                               {.step = "b", .verdict = Verdict::kept}},
                              OptimizeTarget::size, 0.5)
                  .empty());
}

}  // namespace
}  // namespace brisk
