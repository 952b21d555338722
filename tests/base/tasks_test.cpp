#include "brisk/base/tasks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "brisk/base/error.h"

namespace brisk {
namespace {

TEST(Tasks, EachRunsOnce) {
  for (const size_t threads : {0, 1, 2, 7})
    for (const size_t count : {0, 1, 5, 100}) {
      std::vector<std::atomic<int>> runs(count);
      run_tasks(count, threads, [&](size_t i) { ++runs[i]; });
      for (const std::atomic<int>& one : runs) EXPECT_EQ(one, 1) << threads << " of " << count;
    }
}

TEST(Tasks, WhatOneThrowsIsThrownAgain) {
  for (const size_t threads : {1, 4}) {
    std::atomic<size_t> begun = 0;
    const auto run = [&] {
      run_tasks(1000, threads, [&](size_t i) {
        ++begun;
        require(i != 3, "task {} is refused", i);
      });
    };
    EXPECT_THROW(run(), UserError);
    EXPECT_GE(begun, 4u);
    if (threads == 1) EXPECT_EQ(begun, 4u) << "the rest is left";
  }
}

}  // namespace
}  // namespace brisk
