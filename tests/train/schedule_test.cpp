#include "brisk/train/schedule.h"

#include <gtest/gtest.h>

#include <vector>

#include "brisk/base/error.h"

namespace brisk {
namespace {

void expect_values(const Schedule& schedule, const std::vector<double>& wanted, double tolerance) {
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(schedule(static_cast<int64_t>(i)), wanted[i], tolerance) << "step " << i;
}

TEST(Schedule, ConstantIsConstant) {
  EXPECT_EQ(constant_schedule(0.3)(0), 0.3);
  EXPECT_EQ(constant_schedule(0.3)(1'000'000), 0.3);
}

// Values of keras.optimizers.schedules.CosineDecay(0, 10, alpha=0.1, warmup_target=1, warmup_steps=4).
TEST(Schedule, CosineDecayWithWarmUpIsKeras) {
  expect_values(cosine_decay(0, 10, {.alpha = 0.1, .warmup_target = 1, .warmup_steps = 4}),
                {0, .25, .5, .75, 1, .978, .9141, .8145, .6891, .55, .4109, .2855, .1859, .122, .1, .1, .1}, 5e-5);
}

TEST(Schedule, CosineDecayWithoutATargetDecaysAtOnce) {
  const Schedule schedule = cosine_decay(0.4, 4, {.warmup_steps = 3});
  expect_values(schedule, {0.4, 0.4 * (0.5 + 0.25 * std::sqrt(2.0)), 0.2, 0.4 * (0.5 - 0.25 * std::sqrt(2.0)), 0, 0}, 1e-15);
}

// Values of torch.optim.lr_scheduler.OneCycleLR with anneal_strategy="cos".
TEST(Schedule, OneCycleIsPyTorch) {
  expect_values(one_cycle(0.4, 10), {0.016, 0.208, 0.4, 0.38019385280538953, 0.3246982615799052, 0.24450480877451572,
                                     0.1554967912254843, 0.0753033384200948, 0.019807747194610516, 1.6e-06}, 1e-14);
  expect_values(one_cycle(0.4, 10, {.pct_start = 0.5, .div_factor = 10, .final_div_factor = 100}),
                {0.04, 0.09272077938642143, 0.22, 0.3472792206135786, 0.4, 0.3618415954761145, 0.2619415954761145,
                 0.13845840452388553, 0.03855840452388552, 0.0004}, 1e-14);
  // The peak lies between two steps.
  expect_values(one_cycle(1, 7, {.pct_start = 0.25}),
                {0.04, 0.9944154354509117, 0.8665264698111694, 0.6112620219362893, 0.31733221849885124,
                 0.08688426531955129, 4e-06}, 1e-14);
}

TEST(Schedule, OneCycleOfVeryFewStepsIsFinite) {
  for (int64_t steps = 1; steps < 6; ++steps)
    for (int64_t step = 0; step < steps + 2; ++step) {
      const double rate = one_cycle(0.5, steps)(step);
      EXPECT_TRUE(rate >= 0 && rate <= 0.5) << rate << " at " << step << " of " << steps;
    }
}

TEST(Schedule, RefusesWhatCannotBe) {
  EXPECT_THROW(cosine_decay(0.1, 0), UserError);
  EXPECT_THROW(cosine_decay(0.1, 10, {.warmup_target = 1, .warmup_steps = -1}), UserError);
  EXPECT_THROW(one_cycle(0.1, 0), UserError);
  EXPECT_THROW(one_cycle(0.1, 10, {.pct_start = 0}), UserError);
  EXPECT_THROW(one_cycle(0.1, 10, {.pct_start = 1}), UserError);
}

}  // namespace
}  // namespace brisk
