// Misuse of the input pipeline.

#include "brisk/data/augment.h"
#include "brisk/data/image_folder.h"
#include "brisk/data/memory_source.h"
#include "tests/refuses/misuse.h"

namespace brisk::testing {
namespace {

Dataset images(int64_t count = 4) {
  return Dataset::from(
      synthetic_source({.count = count, .height = 6, .width = 5, .channels = 3, .num_classes = 2}));
}

void read_all(const Dataset& dataset) {
  const auto iterator = dataset.iterator({.threads = 1});
  Example example;
  while (iterator->next(example)) {
  }
}

class RefusesData : public Refuses {};
TEST_P(RefusesData, WithBothValues) {
  expect_refusal();
}

INSTANTIATE_TEST_SUITE_P(
    Stages, RefusesData,
    ::testing::Values(
        Misuse{"NoSource", [] { Dataset::from(nullptr); }, "a dataset needs a source"},
        Misuse{"ShuffleOfNothing", [] { images().shuffle(0); },
               "[shuffle] buffer_size must be at least 1, not 0"},
        Misuse{"ShuffleWithoutEpochs", [] { images().repeat().shuffle(3); }, "shuffle"},
        Misuse{"BatchOfNothing", [] { images().batch(0); },
               "[batch] batch_size must be at least 1, not 0"},
        Misuse{"NegativeBatch", [] { images().batch(-8); }, "not -8"},
        Misuse{"NegativePrefetch", [] { images().prefetch(-2); },
               "[prefetch] buffer_size must be at least 0 or kAutotune, not -2"},
        Misuse{"NegativeRepeat", [] { images().repeat(-2); },
               "[repeat] count must be at least 0 or kForever, not -2"},
        Misuse{"NegativeTake", [] { images().take(-1); },
               "[take] count must be at least 0, not -1"},
        Misuse{"NegativeSkip", [] { images().skip(-1); },
               "[skip] count must be at least 0, not -1"},
        Misuse{"NoShards", [] { images().shard(0, 0); },
               "[shard] num_shards must be at least 1, not 0"},
        Misuse{"ShardOutOfRange", [] { images().shard(2, 2); },
               "[shard] index must be in 0..1, not 2"},
        Misuse{"EmptyFunction", [] { images().map(MapFunction()); }, "[map] the function is empty"},
        Misuse{"NoCalls", [] { images().map(rescale(1), 0); },
               "[map] num_parallel_calls must be at least 1 or kAutotune, not 0"},
        Misuse{"ConcatenationOfOthers",
               [] { images().concatenate(from_tensor_slices({Tensor::zeros(DType::f32, {2})})); },
               "f32"},
        Misuse{"SeekBehindTheEnd",
               [] {
                 images().batch(2).iterator()->seek({0, 3});
               },
               "3"},
        Misuse{"NegativeSeek",
               [] {
                 images().batch(2).iterator()->seek({-1, 0});
               },
               "-1"}),
    misuse_name);

INSTANTIATE_TEST_SUITE_P(
    Sources, RefusesData,
    ::testing::Values(
        Misuse{"NoArrays", [] { from_tensor_slices({}); }, "at least one array"},
        Misuse{"ScalarArray", [] { from_tensor_slices({Tensor::scalar(DType::f32, 1)}); },
               "is f32[]"},
        Misuse{
            "OtherRows",
            [] {
              from_tensor_slices({Tensor::zeros(DType::f32, {2}), Tensor::zeros(DType::i32, {3})});
            },
            "has 3 rows, but array `image` has 2"},
        Misuse{"MoreNames",
               [] {
                 memory_source({Tensor::zeros(DType::f32, {2})}, {"a", "b"});
               },
               "2 names do not fit 1 arrays"},
        Misuse{"UndefinedArray", [] { from_tensor_slices({Tensor()}); },
               "array `component_0` is f32[]"},
        Misuse{"SyntheticSizes", [] { synthetic_source({.count = 1, .height = 0}); },
               "1 times [0, 224, 3]"},
        Misuse{"SyntheticClasses", [] { synthetic_source({.num_classes = 0}); },
               "at least one class, not 0"},
        Misuse{"FolderThatIsNotThere", [] { image_folder("/no/such/folder"); }, "/no/such/folder"},
        Misuse{"FolderWithoutImages", [] { image_folder("/proc/self/fdinfo"); },
               "/proc/self/fdinfo"}),
    misuse_name);

INSTANTIATE_TEST_SUITE_P(
    Images, RefusesData,
    ::testing::Values(
        Misuse{"CropLargerThanImage", [] { images().map(random_crop(7, 5)); }, "7"},
        Misuse{"CropOfNothing", [] { random_crop(0, 5); }, "0"},
        Misuse{"NegativePadding", [] { random_crop(2, 2, -1); }, "-1"},
        Misuse{"CentreLargerThanImage", [] { images().map(center_crop(6, 6)); }, "6"},
        Misuse{"ResizeToNothing", [] { resize(0, 4); }, "0"},
        Misuse{"MeansOfOtherChannels",
               [] {
                 images().map(normalize({1, 2}, {1, 1}));
               },
               "2"},
        Misuse{"ZeroDeviation", [] { normalize({0}, {0}); }, "0"},
        Misuse{"ScaleUpsideDown",
               [] {
                 random_resized_crop(4, 4, {1, 0.5});
               },
               "0.5"},
        Misuse{"ShorterSide", [] { resize_shorter_side(-3); }, "-3"},
        Misuse{"MapOfNoImage",
               [] {
                 from_tensor_slices({Tensor::zeros(DType::f32, {2, 3})}).map(resize(4, 4));
               },
               "f32[3]"},
        Misuse{"MapThatMakesAnotherSize",
               [] {
                 read_all(images(8)
                              .map(MapFunction([](Example example,
                                                  const ExampleContext& context) -> Example {
                                return {Tensor::zeros(DType::f32, {context.index + 1}), example[1]};
                              }))
                              .batch(4));
               },
               "f32[2]"}),
    misuse_name);

}  // namespace
}  // namespace brisk::testing
