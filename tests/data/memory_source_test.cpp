#include "brisk/data/memory_source.h"

#include <gtest/gtest.h>

#include <set>

namespace brisk {
namespace {

TEST(MemorySource, RowsAreExamples) {
  const Tensor image = Tensor::of<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  const auto source = memory_source({image, Tensor::of<int32_t>({2}, std::vector<int32_t>{7, 8})});
  EXPECT_EQ(source->size(), 2);
  EXPECT_EQ(describe(source->components()), "{image f32[3], label i32[]}");
  EXPECT_EQ(source->at(1)[0].get(2), 6);
  EXPECT_EQ(source->at(1)[1].item(), 8);
  source->at(1)[0].set(2, 0);
  EXPECT_EQ(image.get(5), 6);
}

TEST(MemorySource, ArraysThatDoNotFitAreRefused) {
  const Tensor two = Tensor::zeros(DType::f32, {2});
  EXPECT_THROW(memory_source({}), UserError);
  EXPECT_THROW(memory_source({two, Tensor::zeros(DType::f32, {3})}), UserError);
  EXPECT_THROW(memory_source({Tensor::scalar(DType::f32, 1)}), UserError);
  EXPECT_THROW(memory_source({two}, {"a", "b"}), UserError);
}

TEST(SyntheticSource, IsAFunctionOfSeedAndIndex) {
  const SyntheticImages images{
      .count = 300, .height = 5, .width = 7, .channels = 3, .num_classes = 4};
  const auto a = synthetic_source(images);
  const auto b = synthetic_source(images);
  std::set<double> labels;
  for (const int64_t index : {0, 1, 299}) {
    EXPECT_TRUE(bit_equal(a->at(index)[0], b->at(index)[0]));
    EXPECT_TRUE(bit_equal(a->at(index)[1], b->at(index)[1]));
  }
  for (int64_t i = 0; i < 300; ++i) labels.insert(a->at(i)[1].item());
  EXPECT_EQ(labels, (std::set<double>{0, 1, 2, 3}));
  EXPECT_FALSE(bit_equal(a->at(0)[0], a->at(1)[0]));
  auto other = images;
  other.seed = 1;
  EXPECT_FALSE(bit_equal(a->at(0)[0], synthetic_source(other)->at(0)[0]));
}

/// A source whose examples are larger than it says.
class LyingSource : public Source {
 public:
  int64_t size() const override { return 3; }
  Example at(int64_t) const override { return {Tensor::zeros(DType::f32, {5})}; }
  std::vector<ComponentSpec> components() const override { return {{"x", DType::f32, {2}}}; }
};

TEST(Source, ExamplesUnlikeTheirComponentsAreNoticedBeforeTheyOverflowABatch) {
  const auto iterator = Dataset::from(std::make_shared<LyingSource>()).batch(2).iterator();
  Example example;
  EXPECT_THROW(iterator->next(example), Error);
}

}  // namespace
}  // namespace brisk
