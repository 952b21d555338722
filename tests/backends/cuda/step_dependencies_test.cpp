#include "brisk/backends/cuda/step_dependencies.h"

#include <gtest/gtest.h>

#include <random>

namespace brisk::cuda {
namespace {

using Lists = std::vector<std::vector<size_t>>;

TEST(StepDependencies, WhatReadsWaitsForWhatWrote) {
  const std::vector<StepAccess> steps = {{{}, {{100, 8}}},
                                         {{}, {{200, 8}}},
                                         {{{100, 8}}, {{300, 8}}},
                                         {{{200, 4}, {300, 8}}, {{400, 8}}}};
  EXPECT_EQ(step_dependencies(steps), (Lists{{}, {}, {0}, {1, 2}}));
}

TEST(StepDependencies, WhatWritesWaitsForReadersOfWhatWasThere) {
  const std::vector<StepAccess> steps = {{{}, {{100, 8}}},         {{{100, 8}}, {{200, 8}}},
                                         {{{100, 8}}, {{300, 8}}}, {{}, {{96, 6}}},
                                         {{}, {{104, 8}}},         {{}, {{108, 8}}}};
  EXPECT_EQ(step_dependencies(steps), (Lists{{}, {0}, {0}, {1, 2}, {1, 2}, {4}}));
}

TEST(StepDependencies, MemoryThatOnlyTouchesIsApart) {
  const std::vector<StepAccess> steps = {
      {{}, {{100, 8}}}, {{}, {{108, 8}}}, {{{92, 8}, {116, 4}}, {}}, {{{100, 0}}, {{100, 0}}}};
  EXPECT_EQ(step_dependencies(steps), (Lists{{}, {}, {}, {}}));
}

TEST(StepDependencies, AStepInPlaceWaitsAndIsWaitedFor) {
  const std::vector<StepAccess> steps = {
      {{{0, 8}}, {}}, {{{0, 8}}, {{0, 8}}}, {{{0, 8}}, {{0, 8}}}, {{{0, 8}}, {}}};
  EXPECT_EQ(step_dependencies(steps), (Lists{{}, {0}, {1}, {2}}));
}

/// Beside a comparison of every pair of steps, followed to its end.
TEST(StepDependencies, RandomStepsAreOrderedAsTheirMemoryDemandsAndNoMore) {
  std::mt19937 random(7);
  const auto ranges = [&] {
    std::vector<MemoryRange> some(random() % 3);
    for (MemoryRange& range : some) range = {random() % 60, static_cast<int64_t>(random() % 9)};
    return some;
  };
  const auto meet = [](const std::vector<MemoryRange>& a, const std::vector<MemoryRange>& b) {
    for (const MemoryRange& x : a)
      for (const MemoryRange& y : b)
        if (std::max(x.begin, y.begin) < std::min(x.begin + x.bytes, y.begin + y.bytes))
          return true;
    return false;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<StepAccess> steps(20);
    for (StepAccess& step : steps) step = {ranges(), ranges()};
    const Lists lists = step_dependencies(steps);
    std::vector<std::vector<bool>> wanted(20, std::vector<bool>(20)), got = wanted;
    for (size_t j = 0; j < 20; ++j) {
      const auto follow = [&](std::vector<std::vector<bool>>& all, size_t i) {
        all[j][i] = true;
        for (size_t k = 0; k < i; ++k)
          if (all[i][k]) all[j][k] = true;
      };
      for (size_t i = 0; i < j; ++i)
        if (meet(steps[i].writes, steps[j].reads) || meet(steps[i].writes, steps[j].writes) ||
            meet(steps[i].reads, steps[j].writes))
          follow(wanted, i);
      for (const size_t i : lists[j]) {
        for (const size_t other : lists[j]) EXPECT_FALSE(got[other][i]) << "said twice";
        follow(got, i);
      }
    }
    EXPECT_EQ(got, wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace brisk::cuda
