#include "brisk/optimize/report/report.h"

#include <gtest/gtest.h>

#include <regex>

namespace brisk {
namespace {

StepRow served(const std::string& step, Verdict verdict, double milliseconds, int64_t bytes,
               double accuracy) {
  StepRow row{.step = step, .verdict = verdict, .why = "1.50 times as fast", .seconds = 2};
  row.figures.latency = Spread{milliseconds, milliseconds * 0.9, milliseconds * 1.1};
  row.figures.rate = Spread{1000, 900, 1100};
  row.figures.first_milliseconds = 12.5;
  row.figures.peak_megabytes = 3;
  row.figures.bytes = bytes;
  row.figures.accuracy = Accuracy{accuracy, 10000};
  return row;
}

OptimizationReport example() {
  OptimizationReport report{.model = "net <1> & \"co\"",
                            .data = "d",
                            .machine = "a machine",
                            .threads = 2,
                            .target = "latency",
                            .max_drop = 0.5,
                            .time_budget = 60,
                            .seconds = 59,
                            .batch_size = 16,
                            .layer_batch_size = 1,
                            .package = "out/model"};
  StepRow slow{.step = "plain", .phase = StepPhase::training, .verdict = Verdict::start},
      fast{.step = "fusion", .phase = StepPhase::training, .verdict = Verdict::kept};
  slow.figures.train_rate = Spread{1000, 990, 1010};
  fast.figures.train_rate = Spread{1500, 1490, 1510};
  report.rows = {slow,
                 fast,
                 served("plain serving", Verdict::start, 2, 100000, 0.9),
                 served("int8", Verdict::kept, 0.5, 25000, 0.899),
                 served("pruned", Verdict::not_kept, 0.5, 9000, 0.88),
                 served("more pruned", Verdict::not_kept, 0.5, 8000, 0.70),
                 StepRow{.step = "clusters", .why = "the time budget is spent"},
                 served("clusters", Verdict::kept, 0.4, 20000, 0.899)};
  report.rows.back().without = "int8";
  report.rows.back().gains = {1.5, 2, 3};
  report.layers = {{"conv", "int8", 1.0, 0.25}, {"dense", "f32", 0.1, 0.1}};
  Trial together{.before = report.rows[2].figures, .after = report.rows[3].figures};
  together.latency.times_as_fast = {3.9, 3.8, 4.0};
  together.rate.times_as_fast = {1.01, 1, 1.02};
  report.together = together;
  conclude(report);
  return report;
}

TEST(Report, RowsComeBackFromJson) {
  for (const StepRow& row : example().rows) {
    const StepRow again = step_row_from_json(to_json(row));
    EXPECT_EQ(again.step, row.step);
    EXPECT_EQ(again.phase, row.phase);
    EXPECT_EQ(again.figures, row.figures);
    EXPECT_EQ(again.verdict, row.verdict);
    EXPECT_EQ(again.why, row.why);
    EXPECT_EQ(again.seconds, row.seconds);
    EXPECT_EQ(again.without, row.without);
    EXPECT_EQ(again.gains, row.gains);
    EXPECT_EQ(again.over_budget, row.over_budget);
  }
}

TEST(Report, SaysWhatWasReachedWhatWasNotAndWhatWasNotTried) {
  const std::string words = example().statement;
  for (const std::string part : {"Training: 1500 images/s instead of 1000, 1.50 times as fast.",
                                 "0.500 ms for one image instead of 2.000 (3.90 times as fast)",
                                 "accuracy 89.90 % instead of 90.00 %",
                                 "Within 0.50 points of accuracy, no more was reached: 'pruned' "
                                 "came nearest, with 2.00 points",
                                 "Not tried in 60 s: clusters."})
    EXPECT_NE(words.find(part), std::string::npos) << part << "\n" << words;
}

TEST(Report, AWayThatWasGivenUpIsNotWhatWasReached) {
  OptimizationReport report = example();
  EXPECT_NE(report.statement.find("0.025 MB instead of 0.100"), std::string::npos);
  EXPECT_NE(report_text(report).find("clusters, without int8"), std::string::npos);
  report.rows.push_back(served("without int8", Verdict::kept, 0.4, 20000, 0.899));
  conclude(report);
  EXPECT_NE(report.statement.find("0.020 MB instead of 0.100"), std::string::npos)
      << report.statement;
}

TEST(Report, SaysWhereTheModelIsNoBetterThanChance) {
  OptimizationReport report = example();
  report.classes = 10;
  conclude(report);
  EXPECT_EQ(report.statement.find("chance"), std::string::npos);
  report.rows[2].figures.accuracy = Accuracy{0.103, 10000};
  conclude(report);
  EXPECT_NE(report.statement.find("tells 10.30 % right, of 10 classes: that is chance"),
            std::string::npos)
      << report.statement;
}

TEST(Report, TextHasALineForEachStepInColumns) {
  const std::string text = report_text(example());
  EXPECT_NE(text.find("89.90 ± 0.30"), std::string::npos) << "sqrt(0.899 * 0.101 / 10000)\n"
                                                          << text;
  EXPECT_NE(text.find("1500 ± 10"), std::string::npos) << text;
  EXPECT_NE(text.find("not tried: the time budget is spent"), std::string::npos) << text;
}

TEST(Report, PageAsksNobodyForAnything) {
  const std::string page = report_html(example());
  for (const std::string word : {"http", "//", "<script", "<link", "@import", "url(", "src="})
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(page.find("net <1>"), std::string::npos) << "names are text, not markup";
  EXPECT_NE(page.find("net &lt;1&gt; &amp; &quot;co&quot;"), std::string::npos);
}

TEST(Report, EveryElementOfThePageIsClosed) {
  const std::string page = report_html(example());
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)([^>]*?)(/?)>");
  int plots = 0;
  for (std::sregex_iterator it(page.begin(), page.end(), tag), end; it != end; ++it) {
    const std::string name = (*it)[2];
    if (name == "meta") continue;
    plots += name == "svg" && (*it)[1] == "" ? 1 : 0;
    if ((*it)[4] == "/") continue;
    if ((*it)[1] == "") {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    EXPECT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(plots, 5) << "size against accuracy, latency, throughput, training, layers";
}

TEST(Report, ThereIsAPageOfNothing) {
  OptimizationReport report;
  conclude(report);
  EXPECT_EQ(report_html(report).find("<svg"), std::string::npos);
  EXPECT_NE(report.statement.find("was not measured"), std::string::npos);
}

}  // namespace
}  // namespace brisk
