#include "brisk/optimize/time_in_turn.h"

#include <gtest/gtest.h>

#include <string>

namespace brisk {
namespace {

TEST(TimeInTurn, ChangesTheOrderWithEachRound) {
  std::string order;
  const std::vector<std::function<void()>> subjects = {[&] { order += 'a'; },
                                                       [&] { order += 'b'; }};
  const auto times = time_in_turn(subjects, {.rounds = 3, .seconds_a_round = 0});
  EXPECT_EQ(order,
            "aabb"
            "ab"
            "ba"
            "ab")
      << "a run each that does not count, one that is gauged, rounds";
  ASSERT_EQ(times.size(), 2u);
  for (const std::vector<double>& subject : times) {
    EXPECT_EQ(subject.size(), 3u);
    for (const double seconds : subject) EXPECT_GE(seconds, 0);
  }
}

TEST(TimeInTurn, EndsAfterThreeRoundsOfWhatTakesLong) {
  int runs = 0;
  const std::vector<std::function<void()>> subjects = {[&] { ++runs; }};
  const auto times =
      time_in_turn(subjects, {.rounds = 100, .seconds_a_round = 0, .most_seconds = 0});
  EXPECT_EQ(times[0].size(), 3u);
  EXPECT_EQ(runs, 5);
}

}  // namespace
}  // namespace brisk
