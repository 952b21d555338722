#include "brisk/base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace brisk {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

/// The ranges that a call hands out, in order.
Ranges ranges_of(int64_t count, int threads) {
  std::mutex mutex;
  Ranges ranges;
  parallel_for(count, threads, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

TEST(AvailableCores, AreBetweenOneAndTheHardwareThreads) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_LE(available_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(ParallelFor, PartitionDependsOnCountAndThreadsAlone) {
  EXPECT_EQ(ranges_of(10, 4), (Ranges{{0, 3}, {3, 6}, {6, 8}, {8, 10}}));
  EXPECT_EQ(ranges_of(3, 8), (Ranges{{0, 1}, {1, 2}, {2, 3}}));
  EXPECT_EQ(ranges_of(7, 1), (Ranges{{0, 7}}));
  EXPECT_EQ(ranges_of(1, 4), (Ranges{{0, 1}}));
}

TEST(ParallelFor, NothingToDoCallsNothing) {
  EXPECT_TRUE(ranges_of(0, 4).empty());
}

TEST(ParallelFor, FewerThanOneThreadMeansOne) {
  EXPECT_EQ(ranges_of(5, 0), (Ranges{{0, 5}}));
}

TEST(ParallelFor, EveryElementOnceInManyCallsOfChangingWidth) {
  std::vector<int> visits(1000, 0);
  for (int call = 0; call < 200; ++call)
    parallel_for(std::ssize(visits), 1 + call % 5, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
    });
  EXPECT_EQ(std::count(visits.begin(), visits.end(), 200), 1000);
}

TEST(ParallelFor, NestedCallsDoTheirWork) {
  std::vector<int> visits(64, 0);
  parallel_for(8, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      parallel_for(8, 4, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) ++visits[static_cast<size_t>(row * 8 + i)];
      });
  });
  EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), 64);
}

}  // namespace
}  // namespace brisk
