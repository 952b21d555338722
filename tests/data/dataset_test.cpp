#include "brisk/data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "brisk/data/plan.h"
#include "tests/data/number_dataset.h"

namespace brisk {
namespace {

using Values = std::vector<int64_t>;

TEST(Dataset, BatchKeepsTheRemainderUnlessToldOtherwise) {
  EXPECT_EQ(batches_of(numbers(7).batch(3)), (Batches{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(batches_of(numbers(7).batch(3, true)), (Batches{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(batches_of(numbers(6).batch(3)), (Batches{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(numbers(7).batch(3).cardinality(), 3);
  EXPECT_EQ(numbers(7).batch(3, true).cardinality(), 2);
}

TEST(Dataset, BatchOfBatchesAddsAnAxis) {
  const auto iterator = numbers(8).batch(2).batch(2).iterator();
  Example example;
  ASSERT_TRUE(iterator->next(example));
  EXPECT_EQ(example[0].sizes(), (Values{2, 2}));
  EXPECT_EQ(elements_of(example[0]), (Values{0, 1, 2, 3}));
}

TEST(Dataset, RepeatBeforeBatchBlursEpochsAfterItKeepsThem) {
  EXPECT_EQ(batches_of(numbers(3).repeat(2).batch(2)), (Batches{{0, 1}, {2, 0}, {1, 2}}));
  EXPECT_EQ(batches_of(numbers(3).batch(2).repeat(2)), (Batches{{0, 1}, {2}, {0, 1}, {2}}));
  EXPECT_EQ(batches_of(numbers(3).repeat().batch(2), {}, 4),
            (Batches{{0, 1}, {2, 0}, {1, 2}, {0, 1}}));
  EXPECT_EQ(values_of(numbers(2).repeat(2).repeat(2)), (Values{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(values_of(numbers(2).repeat(0)), Values{});
  EXPECT_EQ(values_of(numbers(0).repeat()), Values{});
  EXPECT_EQ(numbers(3).batch(2).repeat(5).cardinality(), 2);
  EXPECT_EQ(numbers(3).repeat().batch(2).cardinality(), kForever);
}

TEST(Dataset, TakeSkipShard) {
  EXPECT_EQ(values_of(numbers(5).take(2)), (Values{0, 1}));
  EXPECT_EQ(values_of(numbers(5).take(9)), (Values{0, 1, 2, 3, 4}));
  EXPECT_EQ(values_of(numbers(5).skip(3)), (Values{3, 4}));
  EXPECT_EQ(values_of(numbers(5).skip(9)), Values{});
  EXPECT_EQ(values_of(numbers(8).shard(3, 0)), (Values{0, 3, 6}));
  EXPECT_EQ(values_of(numbers(8).shard(3, 1)), (Values{1, 4, 7}));
  EXPECT_EQ(values_of(numbers(8).shard(3, 2)), (Values{2, 5}));
  EXPECT_EQ(values_of(numbers(2).shard(3, 2)), Values{});
  EXPECT_EQ(values_of(numbers(3).repeat().skip(1).take(4)), (Values{1, 2, 0, 1}));
  EXPECT_EQ(values_of(numbers(3).repeat().shard(2, 1).take(4)), (Values{1, 0, 2, 1}));
}

TEST(Dataset, ConcatenateThenEverythingElse) {
  const Dataset both = numbers(2).concatenate(numbers(3, 10));
  EXPECT_EQ(values_of(both), (Values{0, 1, 10, 11, 12}));
  EXPECT_EQ(batches_of(both.batch(3)), (Batches{{0, 1, 10}, {11, 12}}));
  EXPECT_EQ(batches_of(numbers(2).batch(2).concatenate(numbers(3, 10).batch(2)).repeat(2)),
            (Batches{{0, 1}, {10, 11}, {12}, {0, 1}, {10, 11}, {12}}));
}

TEST(Dataset, MapsKeepOrderAndSeeTheirPlace) {
  const auto place = on_number([](int64_t value, const ExampleContext& context) {
    return 1000 * context.epoch + 100 * context.index + value;
  });
  EXPECT_EQ(values_of(numbers(2, 5).map(place).repeat(2)), (Values{5, 106, 1005, 1106}));
  EXPECT_EQ(values_of(numbers(2, 5).repeat(2).map(place)), (Values{5, 106, 205, 306}));
}

TEST(Dataset, MapAfterBatchGetsBatches) {
  const auto sum = [](Example example, const ExampleContext&) {
    double total = 0;
    for (const int64_t value : elements_of(example[0])) total += static_cast<double>(value);
    return Example{Tensor::scalar(DType::i64, total)};
  };
  EXPECT_EQ(values_of(numbers(5).batch(2).map(sum)), (Values{1, 5, 4}));
}

TEST(Dataset, EveryMapAndBranchDrawsFromItsOwnKey) {
  const auto key = on_number([](int64_t, const ExampleContext& context) {
    return static_cast<int64_t>(context.key >> 12);
  });
  const Dataset one = numbers(3).map(key);
  Values all = values_of(one.concatenate(one).repeat(2));
  EXPECT_EQ(all.size(), 12u);
  const auto add = [&](const Values& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(values_of(
      numbers(3).map(on_number([](int64_t v, const ExampleContext&) { return v; })).map(key)));
  add(values_of(one, {.seed = 1}));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(Dataset, MapMayWriteIntoWhatItIsGiven) {
  const Tensor array = Tensor::of<int64_t>({3}, std::vector<int64_t>{1, 2, 3});
  const auto negate = on_number([](int64_t value, const ExampleContext&) { return -value; });
  const Dataset dataset = from_tensor_slices({array}).cache().map(negate).repeat(3);
  EXPECT_EQ(values_of(dataset), (Values{-1, -2, -3, -1, -2, -3, -1, -2, -3}));
  EXPECT_EQ(elements_of(array), (Values{1, 2, 3}));
}

TEST(Dataset, CacheComputesOnceForAllIterators) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  const auto count = on_number([calls](int64_t value, const ExampleContext&) {
    ++*calls;
    return value;
  });
  const Dataset dataset = numbers(10).map(count).cache().batch(4).repeat(3);
  const Values thrice = values_of(dataset);
  EXPECT_EQ(thrice.size(), 30u);
  EXPECT_EQ(values_of(dataset), thrice);
  EXPECT_EQ(calls->load(), 10);
}

TEST(Dataset, CacheFreezesShuffleAndRandomnessBeforeIt) {
  const auto key = on_number([](int64_t, const ExampleContext& context) {
    return static_cast<int64_t>(context.key >> 12);
  });
  const Values two = values_of(numbers(20).shuffle(20).map(key).cache().repeat(2));
  EXPECT_EQ(Values(two.begin(), two.begin() + 20), Values(two.begin() + 20, two.end()));
  const Values batches = values_of(numbers(20).shuffle(20).batch(7).cache().repeat(2));
  EXPECT_EQ(Values(batches.begin(), batches.begin() + 20),
            Values(batches.begin() + 20, batches.end()));
}

TEST(Dataset, ComponentsAndNames) {
  const Dataset dataset = Dataset::from(
      memory_source({Tensor::zeros(DType::u8, {4, 2, 3, 1}), Tensor::zeros(DType::i32, {4})}, {},
                    {"cat", "dog"}));
  const std::vector<ComponentSpec> expected{{"image", DType::u8, {2, 3, 1}},
                                            {"label", DType::i32, {}}};
  EXPECT_EQ(dataset.components(), expected);
  EXPECT_EQ(dataset.shuffle(4).batch(3).prefetch().repeat().components(), expected);
  EXPECT_EQ(dataset.class_names(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(dataset.batch_size(), 0);
  EXPECT_EQ(dataset.batch(3).repeat().batch_size(), 3);
  EXPECT_EQ(dataset.cardinality(), 4);
}

TEST(Dataset, ComponentsBehindAMapFunctionComeFromTheFirstExample) {
  const auto pair = [](Example example, const ExampleContext&) {
    return Example{Tensor::zeros(DType::f32, {5}), example[0]};
  };
  const auto components = numbers(3).map(pair).batch(2).components();
  ASSERT_EQ(components.size(), 2u);
  EXPECT_EQ(components[0].sizes, (Values{5}));
  EXPECT_EQ(components[0].dtype, DType::f32);
  EXPECT_EQ(components[1].sizes, Values{});
  EXPECT_THROW(numbers(0).map(pair).components(), UserError);
}

TEST(Dataset, StagesThatDoNotFitAreRefusedWhereTheyAreWritten) {
  EXPECT_THROW(numbers(3).batch(0), UserError);
  EXPECT_THROW(numbers(3).shuffle(0), UserError);
  EXPECT_THROW(numbers(3).shard(2, 2), UserError);
  EXPECT_THROW(numbers(3).take(-1), UserError);
  EXPECT_THROW(numbers(3).skip(-1), UserError);
  EXPECT_THROW(numbers(3).repeat(-2), UserError);
  EXPECT_THROW(numbers(3).prefetch(-2), UserError);
  EXPECT_THROW(numbers(3).map(MapFunction()), UserError);
  EXPECT_THROW(numbers(3).repeat().shuffle(3), UserError);
  EXPECT_THROW(numbers(3).repeat().cache(), UserError);
  EXPECT_THROW(Dataset::from(nullptr), UserError);
  EXPECT_THROW(numbers(3).concatenate(from_tensor_slices({Tensor::zeros(DType::f32, {3})})),
               UserError);
  EXPECT_THROW(numbers(3).iterator({.threads = -1}), UserError);
}

TEST(Dataset, ExamplesOfDifferentSizesDoNotStack) {
  const auto ragged = [](Example, const ExampleContext& context) {
    return Example{Tensor::zeros(DType::f32, {1 + context.index % 2})};
  };
  const auto iterator = numbers(4).map(ragged).batch(2).iterator();
  Example out;
  try {
    iterator->next(out);
    FAIL() << "a ragged batch was made";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("f32[2]"), std::string::npos) << error.what();
  }
  EXPECT_EQ(numbers(4).map(ragged).batch(1).cardinality(), 4);
}

TEST(Dataset, PlanReadsAsAChain) {
  const Dataset dataset = numbers(9).shuffle(4).batch(2).prefetch().repeat();
  EXPECT_EQ(describe(dataset.plan()),
            "from(9) -> shuffle(4) -> batch(2) -> prefetch(auto) -> repeat(forever)");
}

}  // namespace
}  // namespace brisk
