#include "brisk/backends/cuda/cudnn/convolution_problem.h"

#include <gtest/gtest.h>

namespace brisk::cuda::cudnn {
namespace {

using Sizes = std::vector<int64_t>;

TEST(CudnnConvolutionProblem, TurnsChannelsLastIntoLogicalSizes) {
  const auto problem =
      convolution_problem(Type(DType::f16, {8, 56, 28, 64}), Type(DType::f16, {3, 5, 16, 32}),
                          Type(DType::f16, {8, 28, 28, 32}), {{2, 1}, {0, 2}, {1, 2}, {1, 1}, 4});
  ASSERT_TRUE(problem) << problem.error();
  EXPECT_EQ(problem->input.sizes, (Sizes{8, 64, 56, 28}));
  EXPECT_EQ(problem->input.strides, (Sizes{56 * 28 * 64, 1, 28 * 64, 64}));
  EXPECT_EQ(problem->filter.sizes, (Sizes{32, 16, 3, 5}));
  EXPECT_EQ(problem->filter.strides, (Sizes{3 * 5 * 16, 1, 5 * 16, 16}));
  EXPECT_EQ(problem->filter_rows, 3 * 5 * 16);
  EXPECT_EQ(problem->filter_columns, 32);
  EXPECT_EQ(problem->geometry.pad_low, (Sizes{0, 2}));
  EXPECT_EQ(problem->geometry.pad_high, (Sizes{1, 2}));
  EXPECT_DOUBLE_EQ(problem->flops, 2.0 * 8 * 28 * 28 * 32 * 3 * 5 * 16);
}

TEST(CudnnConvolutionProblem, GivesOneSpatialAxisASecond) {
  const auto problem =
      convolution_problem(Type(DType::f32, {2, 100, 8}), Type(DType::f32, {7, 8, 12}),
                          Type(DType::f32, {2, 94, 12}), {{1}, {0}, {0}, {1}, 1});
  ASSERT_TRUE(problem) << problem.error();
  EXPECT_EQ(problem->input.sizes, (Sizes{2, 8, 100, 1}));
  EXPECT_EQ(problem->filter.sizes, (Sizes{12, 8, 7, 1}));
  EXPECT_EQ(problem->geometry.strides, (Sizes{1, 1}));
}

TEST(CudnnConvolutionProblem, APointwiseOneSeenFromItsResultReadsTheFilterAsItLies) {
  const auto problem_of = [](const Sizes& filter, int64_t stride, int64_t groups = 1) {
    const int64_t extent = (6 - filter[0]) / stride + 1;
    return convolution_problem(Type(DType::f16, {2, 6, 6, 16}), Type(DType::f16, Shape(filter)),
                               Type(DType::f16, {2, extent, extent, filter.back()}),
                               {{stride, stride}, {0, 0}, {0, 0}, {1, 1}, groups})
        .value();
  };
  const ConvolutionProblem problem = problem_of({1, 1, 16, 32}, 1);
  const auto back = seen_from_result(problem);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->input.sizes, (Sizes{2, 32, 6, 6}));
  EXPECT_EQ(back->result.sizes, (Sizes{2, 16, 6, 6}));
  EXPECT_EQ(back->filter.sizes, (Sizes{16, 32, 1, 1}));
  EXPECT_EQ(back->filter.strides[0], 32) << "a row a channel, as brisk's filter lies";
  EXPECT_DOUBLE_EQ(back->flops, problem.flops);
  EXPECT_FALSE(seen_from_result(problem_of({1, 1, 16, 32}, 2)));
  EXPECT_FALSE(seen_from_result(problem_of({3, 3, 16, 32}, 1)));
  EXPECT_FALSE(seen_from_result(problem_of({1, 1, 8, 32}, 1, 2)));
}

TEST(CudnnConvolutionProblem, RefusesWithReasons) {
  const Type filter(DType::f32, {3, 3, 8, 8}), result(DType::f32, {2, 4, 4, 8});
  const auto reason = [&](const Type& input, const ConvolutionAttributes& attributes) {
    const auto problem = convolution_problem(input, filter, result, attributes);
    return problem ? std::string() : problem.error();
  };
  EXPECT_EQ(reason(Type(DType::f64, {2, 6, 6, 8}), {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}),
            "element type f64, but it computes in f16, bf16 and f32");
  EXPECT_EQ(reason(Type(DType::f32, {2, 7, 6, 8}), {{1, 1}, {-1, 0}, {0, 0}, {1, 1}, 1}),
            "negative padding (cropping)");
  EXPECT_EQ(reason(Type(DType::f32, {0, 6, 6, 8}), {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}),
            "an extent is 0");
}

}  // namespace
}  // namespace brisk::cuda::cudnn
