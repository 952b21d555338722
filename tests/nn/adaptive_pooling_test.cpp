// Adaptive pooling: windows that overlap, and windows of one size.

#include <gtest/gtest.h>

#include "brisk/nn/layers.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

template <typename L>
std::vector<double> pooled(const L& layer, std::vector<int64_t> sizes) {
  ModelBuilder builder("m");
  const Value x = builder.input("x", sizes);
  const Model model = builder.finish({{"y", builder(layer, x)}});
  const Program program = bind_dimensions(for_inference(model.program), {{"batch", 1}});
  const Compilation compilation = compile(program, *find_backend("reference").value());
  sizes.insert(sizes.begin(), 1);
  Tensor given(DType::f32, sizes);
  for (int64_t i = 0; i < given.num_elements(); ++i) given.set(i, static_cast<double>(i));
  std::vector<double> values;
  const Tensor& result = compilation.executable->run(std::vector<Tensor>{given})[0];
  for (int64_t i = 0; i < result.num_elements(); ++i) values.push_back(result.get(i));
  return values;
}

using Values = std::vector<double>;

TEST(AdaptivePooling, WindowsOverlapWhereTheSizeIsNoMultiple) {
  EXPECT_EQ(pooled(AdaptiveAveragePooling1D{.output_size = {3}}, {7, 1}), (Values{1, 3, 5}));
  EXPECT_EQ(pooled(AdaptiveMaxPooling1D{.output_size = {3}}, {7, 1}), (Values{2, 4, 6}));
}

TEST(AdaptivePooling, MoreWindowsThanPlaces) {
  EXPECT_EQ(pooled(AdaptiveMaxPooling1D{.output_size = {3}}, {2, 1}), (Values{0, 1, 1}));
}

TEST(AdaptivePooling, WindowsOfOneSize) {
  // Rows 0 1 2 3 and 4 5 6 7.
  EXPECT_EQ(pooled(AdaptiveAveragePooling2D{.output_size = {1, 2}}, {2, 4, 1}), (Values{2.5, 4.5}));
  EXPECT_EQ(pooled(AdaptiveMaxPooling2D{.output_size = {1, 2}, .data_format = "channels_first"},
                   {1, 2, 4}),
            (Values{5, 7}));
}

}  // namespace
}  // namespace brisk
