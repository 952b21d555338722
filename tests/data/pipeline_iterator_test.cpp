#include "brisk/data/pipeline_iterator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "tests/data/number_dataset.h"

namespace brisk {
namespace {

MapFunction random_number() {
  return on_number([](int64_t value, const ExampleContext& context) {
    return value * 1'000'003 + static_cast<int64_t>(context.key >> 20);
  });
}

/// Sleeps now and then, so that threads overtake one another.
MapFunction irregular() {
  return on_number([](int64_t value, const ExampleContext& context) {
    if (context.key % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    return value + static_cast<int64_t>(context.key >> 20);
  });
}

std::vector<Dataset> pipelines() {
  const Dataset base = numbers(41);
  return {
      base,
      base.shuffle(10).map(random_number()).batch(4).prefetch().repeat(3),
      base.map(random_number()).shuffle(41).batch(4, true).repeat(3).prefetch(3),
      base.shuffle(41).repeat(3).batch(7).prefetch(1),
      base.shuffle(41).repeat().map(random_number()).batch(5).take(30),
      base.map(random_number()).cache().shuffle(41).batch(6).repeat(3),
      base.shuffle(41).batch(6).map([](Example e, const ExampleContext&) { return e; }).repeat(3),
      base.concatenate(numbers(9, 100).map(random_number()))
          .shuffle(5)
          .shard(2, 1)
          .batch(3)
          .repeat(2),
      base.skip(3).take(20).shuffle(7, 3, false).map(random_number()).repeat(4).prefetch(0),
  };
}

TEST(PipelineIterator, OutputDoesNotDependOnThreads) {
  for (const Dataset& dataset : pipelines()) {
    const Batches expected = batches_of(dataset.prefetch(0), {.seed = 3});
    EXPECT_FALSE(expected.empty());
    for (const int threads : {0, 1, 2, 3, 8}) {
      EXPECT_EQ(batches_of(dataset, {.seed = 3, .threads = threads}), expected) << threads;
      EXPECT_EQ(batches_of(dataset.prefetch(5), {.seed = 3, .threads = threads}), expected);
    }
  }
}

TEST(PipelineIterator, OrderIsKeptWhenExamplesTakeUnequalTime) {
  const Dataset dataset = numbers(300).map(irregular(), 4).batch(9).prefetch(4);
  EXPECT_EQ(batches_of(dataset, {.threads = 4}), batches_of(dataset.prefetch(0)));
}

TEST(PipelineIterator, SeekToEveryPositionContinuesBitForBit) {
  for (const Dataset& dataset : pipelines()) {
    const auto whole = dataset.iterator({.seed = 11, .threads = 2});
    std::vector<DatasetPosition> positions{whole->position()};
    Batches expected;
    Example example;
    while (whole->next(example)) {
      expected.push_back(elements_of(example[0]));
      positions.push_back(whole->position());
    }
    const auto again = dataset.iterator({.seed = 11, .threads = 3});
    for (size_t i = 0; i < expected.size(); ++i) {
      again->seek(positions[i]);
      EXPECT_EQ(again->position().epoch, positions[i].epoch);
      EXPECT_EQ(again->position().offset, positions[i].offset);
      EXPECT_EQ(rest(*again, 2),
                Batches(expected.begin() + static_cast<int64_t>(i),
                        expected.begin() + static_cast<int64_t>(std::min(i + 2, expected.size()))))
          << i;
    }
    // A new process: another iterator, put there at once.
    for (const size_t i : {size_t{1}, expected.size() / 2, expected.size() - 1}) {
      const auto fresh = dataset.iterator({.seed = 11});
      fresh->seek(positions[i]);
      EXPECT_EQ(rest(*fresh), Batches(expected.begin() + static_cast<int64_t>(i), expected.end()));
    }
  }
}

TEST(PipelineIterator, SeekComputesNothingOfWhatWentBefore) {
  std::atomic<int64_t> computed = 0;
  const auto counting = [&](int64_t value, const ExampleContext&) {
    ++computed;
    return value;
  };
  const Dataset dataset =
      numbers(10'000).shuffle(1'000).map(on_number(counting)).batch(10).repeat(3).prefetch(0);
  for (const DatasetPosition& position :
       {DatasetPosition{0, 999}, DatasetPosition{2, 500}, DatasetPosition{1, 0}}) {
    const auto iterator = dataset.iterator();
    computed = 0;
    iterator->seek(position);
    Example example;
    ASSERT_TRUE(iterator->next(example));
    EXPECT_EQ(computed, 10) << "of one batch";
  }
}

TEST(PipelineIterator, PositionCountsEpochsAndBatches) {
  const auto iterator = numbers(5).batch(2).repeat(2).iterator();
  Example example;
  std::vector<std::pair<int64_t, int64_t>> seen;
  const auto note = [&] {
    seen.emplace_back(iterator->position().epoch, iterator->position().offset);
  };
  note();
  while (iterator->next(example)) note();
  using P = std::pair<int64_t, int64_t>;
  EXPECT_EQ(seen, (std::vector<P>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}}));
  EXPECT_FALSE(iterator->next(example));
}

TEST(PipelineIterator, WithoutRepeatAPassEndsAndTheNextIsASeek) {
  const Dataset dataset = numbers(12).shuffle(12).batch(4);
  const Batches both = batches_of(dataset.repeat(2));
  const auto iterator = dataset.iterator();
  EXPECT_EQ(rest(*iterator), Batches(both.begin(), both.begin() + 3));
  const DatasetPosition end = iterator->position();
  EXPECT_EQ(end.epoch, 1);
  EXPECT_EQ(end.offset, 0);
  iterator->seek(end);
  EXPECT_EQ(rest(*iterator), Batches(both.begin() + 3, both.end()));
}

TEST(PipelineIterator, PositionsBeyondTheEndAreRefused) {
  const auto iterator = numbers(5).batch(2).repeat(2).iterator();
  EXPECT_THROW(iterator->seek({-1, 0}), UserError);
  EXPECT_THROW(iterator->seek({0, 4}), UserError);
  EXPECT_THROW(iterator->seek({2, 1}), UserError);
  EXPECT_THROW(iterator->seek({3, 0}), UserError);
  iterator->seek({2, 0});
  Example example;
  EXPECT_FALSE(iterator->next(example));
  iterator->seek({0, 3});
  EXPECT_EQ(rest(*iterator), (Batches{{0, 1}, {2, 3}, {4}}));
}

TEST(PipelineIterator, SeekKeepsWhatIsComputedAheadAndStillWanted) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  const auto count = on_number([calls](int64_t value, const ExampleContext&) {
    ++*calls;
    return value;
  });
  for (const int64_t target : {1, 2, 4}) {
    *calls = 0;
    const auto iterator = numbers(100).map(count).batch(10).prefetch(3).iterator({.threads = 2});
    EXPECT_EQ(rest(*iterator, 1).size(), 1u);
    while (*calls < 40) std::this_thread::yield();
    iterator->seek({0, target});
    EXPECT_EQ(rest(*iterator).size(), static_cast<size_t>(10 - target));
    EXPECT_EQ(calls->load(), 100);
  }
}

struct Thrown {
  int64_t value;
};

TEST(PipelineIterator, ErrorsOfThreadsComeOutOfNextAtTheirPlace) {
  const auto fails = on_number([](int64_t value, const ExampleContext&) -> int64_t {
    if (value % 20 >= 17) throw Thrown{value};
    return value;
  });
  for (const int threads : {1, 2, 4}) {
    for (const Dataset& dataset :
         {numbers(40).map(fails).batch(5), numbers(40).map(fails).batch(5).prefetch(0),
          numbers(40).batch(5).map([fails](Example e, const ExampleContext&c) {
            for (const int64_t v : elements_of(e[0])) {
              fails({Tensor::scalar(DType::i64, static_cast<double>(v))}, c);
            }
            return e;
          })}) {
      const auto iterator = dataset.iterator({.threads = threads});
      EXPECT_EQ(rest(*iterator, 3).size(), 3u);
      Example example;
      for (int i = 0; i < 3; ++i) {
        try {
          iterator->next(example);
          ADD_FAILURE() << "no error";
        } catch (const Thrown& thrown) {
          EXPECT_EQ(thrown.value, 17);
        }
        EXPECT_EQ(iterator->position().offset, 3);
      }
      iterator->seek({0, 4});
      EXPECT_EQ(rest(*iterator, 3).size(), 3u);
      EXPECT_THROW(iterator->next(example), Thrown);
    }
  }
}

TEST(PipelineIterator, DestructionInTheMiddleOfAnEpochIsPrompt) {
  const auto slow = on_number([](int64_t value, const ExampleContext&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return value;
  });
  const Dataset dataset = numbers(100'000).map(slow).batch(5'000).prefetch(4);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    const auto iterator = dataset.iterator({.threads = 3});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (i % 2 == 0) iterator->seek({0, i});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST(PipelineIterator, BatchesOutliveTheirIteratorAndMemoryIsUsedAgain) {
  Batches expected = batches_of(numbers(600).batch(50).repeat(2));
  Batches copies;
  std::set<const std::byte*> blocks;
  std::vector<Example> kept;
  {
    const auto iterator = numbers(600).batch(50).repeat(2).prefetch(2).iterator();
    Example example;
    while (iterator->next(example)) {
      blocks.insert(example[0].bytes());
      copies.push_back(elements_of(example[0]));
      if (kept.size() < 3) kept.push_back(example);
    }
  }
  EXPECT_EQ(copies, expected);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(elements_of(kept[i][0]), expected[i]);
  EXPECT_LE(blocks.size(), 10u);  // 24 batches: three kept, two ahead, one here, one on its way
}

TEST(PipelineIterator, WaitingIsMeasured) {
  const auto slow = on_number([](int64_t value, const ExampleContext&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return value;
  });
  for (const int64_t prefetch : {0, 1}) {
    const auto iterator = numbers(3).map(slow).prefetch(prefetch).iterator({.threads = 1});
    rest(*iterator);
    EXPECT_GT(iterator->wait_seconds(), 0.03);
  }
}

TEST(PipelineIterator, AnEndlessPipelineUnderManyThreadsStaysOrdered) {
  const Dataset dataset = numbers(97).shuffle(97).map(irregular()).batch(8).repeat();
  EXPECT_EQ(batches_of(dataset, {.threads = 6}, 100), batches_of(dataset.prefetch(0), {}, 100));
}

}  // namespace
}  // namespace brisk
