#include "brisk/optimize/time_budget.h"

#include <gtest/gtest.h>

#include <cmath>

namespace brisk {
namespace {

TEST(ParseDuration, TakesSecondsMinutesAndHours) {
  for (const auto& [text, seconds] : std::vector<std::pair<std::string, double>>{{"90", 90},
                                                                                 {"90s", 90},
                                                                                 {"5m", 300},
                                                                                 {"1.5h", 5400},
                                                                                 {"1h30m", 5400},
                                                                                 {"1h2m3s", 3723},
                                                                                 {"2m30", 150}})
    EXPECT_EQ(parse_duration(text).value(), seconds) << text;
}

TEST(ParseDuration, RefusesWhatIsNone) {
  for (const std::string text :
       {"", "m", "5x", "-5", "5m3h", "5s5s", "0", "nan", "inf", "1e3", "5 m"}) {
    const Result<double> duration = parse_duration(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_NE(duration.error().find("as 90, 90s, 5m or 1h30m"), std::string::npos);
  }
}

TEST(DurationInWords, Rounds) {
  EXPECT_EQ(duration_in_words(48.4), "48 s");
  EXPECT_EQ(duration_in_words(200), "3 min 20 s");
  EXPECT_EQ(duration_in_words(300), "5 min");
  EXPECT_EQ(duration_in_words(7500), "2 h 5 min");
}

TEST(TimeBudget, CountsWhatAnInterruptedRunTook) {
  const TimeBudget budget(100, 60);
  EXPECT_GE(budget.spent(), 60);
  EXPECT_LE(budget.left(), 40);
  EXPECT_TRUE(std::isinf(TimeBudget(INFINITY).left()));
}

}  // namespace
}  // namespace brisk
