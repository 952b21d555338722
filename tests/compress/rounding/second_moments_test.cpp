#include "brisk/compress/rounding/second_moments.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/fold_weights.h"
#include "brisk/data/memory_source.h"
#include "tests/compress/residual_model.h"

namespace brisk {
namespace {

/// By hand: what each place of a convolution's result sees.
Tensor seen(const Tensor& x, int64_t image, int64_t top, int64_t left, int64_t kernel,
            int64_t first, int64_t channels) {
  const auto& s = x.sizes();
  Tensor row = Tensor::zeros(DType::f32, {kernel * kernel * channels});
  for (int64_t i = 0; i < row.num_elements(); ++i) {
    const int64_t y = top + i / channels / kernel, z = left + i / channels % kernel;
    if (y < 0 || z < 0 || y >= s[1] || z >= s[2]) continue;
    row.set(i, x.get(((image * s[1] + y) * s[2] + z) * s[3] + first + i % channels));
  }
  return row;
}

TEST(SecondMoments, AreOfWhatEachPlaceOfAConvolutionSees) {
  ModelBuilder builder("grouped");
  Value x = builder.input("image", {12, 12, 3});
  x = builder(Conv2D{.filters = 4, .kernel_size = {1, 1}, .activation = "relu", .name = "first"},
              x);
  x = builder(Conv2D{.filters = 6,
                     .kernel_size = {3, 3},
                     .strides = {2, 2},
                     .padding = "same",
                     .groups = 2,
                     .name = "second"},
              x);
  Model model = builder.finish({{"y", x}});
  model.initialize(9);
  const Model folded = fold_weights(model);
  // One image and a batch of two: each example counts once.
  const Tensor data = images(3)[0];
  std::map<std::string, Tensor> found;
  for_each_second_moments(folded, plan_quantization(folded.program, {}).products,
                          from_tensor_slices({data}).batch(2), 1,
                          [&](const ProductPlan& product, const Tensor& moments) {
                            found[folded.program.graph.node(product.node).label] = moments;
                          });
  ASSERT_EQ(found.size(), 2u);
  ASSERT_EQ(found.at("first").sizes(), (std::vector<int64_t>{1, 3, 3}));
  ASSERT_EQ(found.at("second").sizes(), (std::vector<int64_t>{2, 18, 18}));
  Model head = folded;
  head.program.graph = Graph(
      folded.program.graph.ops(), "head",
      {folded.program.graph.nodes().begin(), folded.program.graph.nodes().end()},
      {folded.program.graph.inputs().begin(), folded.program.graph.inputs().end()},
      {{"y", folded.program.graph.node(folded.program.graph.outputs()[0].value.node).operands[0]}});
  const Tensor hidden = run(head, "reference", data);
  for (int64_t group = 0; group < 2; ++group)
    for (int64_t a = 0; a < 18; ++a)
      for (int64_t b = 0; b < 18; ++b) {
        double wanted = 0;
        for (int64_t image = 0; image < 3; ++image)
          for (int64_t place = 0; place < 36; ++place) {
            // "same" by strides of 2 over 12: nothing before, one after.
            const Tensor row = seen(hidden, image, place / 6 * 2, place % 6 * 2, 3, group * 2, 2);
            wanted += row.get(a) * row.get(b) / (3 * 36);
          }
        EXPECT_NEAR(found.at("second").get((group * 18 + a) * 18 + b), wanted,
                    1e-5 * largest(found.at("second")))
            << group << " " << a << " " << b;
      }
}

}  // namespace
}  // namespace brisk
