#include "brisk/compress/rounding/bias_correction.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/data/memory_source.h"
#include "tests/compress/residual_model.h"

namespace brisk {
namespace {

/// Two groups of channels with positive features and a filter that rounds to one side.
Model grouped() {
  ModelBuilder model("grouped");
  Value x = model.input("image", {12, 12, 3});
  x = model(Conv2D{.filters = 4, .kernel_size = {1, 1}, .activation = "relu", .name = "first"}, x);
  x = model(Conv2D{.filters = 6, .kernel_size = {3, 3}, .groups = 2, .name = "second"}, x);
  Model result = model.finish({{"y", x}});
  result.initialize(9);
  return result;
}

std::vector<double> mean_by_channel(const Tensor& x) {
  std::vector<double> means(static_cast<size_t>(x.sizes().back()), 0);
  for (int64_t i = 0; i < x.num_elements(); ++i)
    means[static_cast<size_t>(i) % means.size()] += x.get(i);
  for (double& mean : means)
    mean /= static_cast<double>(x.num_elements()) / static_cast<double>(means.size());
  return means;
}

TEST(BiasCorrection, TakesTheMeanErrorOfRoundedFiltersAway) {
  const Model folded = fold_weights(grouped());
  const std::vector<Tensor> data = images(24);
  // Batches of unequal sizes count by their examples.
  const Dataset batches = from_tensor_slices(data).batch(7);
  const ChannelMeans means = channel_means(folded, batches);
  ASSERT_EQ(means.size(), 2u);
  for (const auto& [value, mean] : means)
    if (mean.num_elements() == 3) {  // the images themselves
      const std::vector<double> wanted = mean_by_channel(data[0]);
      for (int64_t c = 0; c < 3; ++c)
        EXPECT_NEAR(mean.get(c), wanted[static_cast<size_t>(c)], 1e-5) << c;
    }
  // Activations in steps so fine that what is left is the filters' rounding.
  const Model corrected = correct_biases(folded, means, {"first"});
  const size_t bias = folded.program.state_index("second/bias"),
               filter = folded.program.state_index("second/kernel");
  EXPECT_TRUE(bit_equal(folded.weights[folded.program.state_index("first/bias")],
                        corrected.weights[folded.program.state_index("first/bias")]));
  Model rounded = corrected;
  Tensor& w = rounded.weights[filter];
  w = w.clone();
  for (int64_t c = 0; c < 6; ++c) {
    double greatest = 0;
    for (int64_t i = c; i < w.num_elements(); i += 6)
      greatest = std::max(greatest, std::fabs(w.get(i)));
    for (int64_t i = c; i < w.num_elements(); i += 6)
      w.set(i, std::nearbyint(w.get(i) / (greatest / 127)) * (greatest / 127));
  }
  Model uncorrected = rounded;
  uncorrected.weights[bias] = folded.weights[bias];
  const std::vector<double> wanted = mean_by_channel(run(folded, "reference", data[0])),
                            with = mean_by_channel(run(rounded, "reference", data[0])),
                            without = mean_by_channel(run(uncorrected, "reference", data[0]));
  double left = 0, before = 0;
  for (size_t c = 0; c < wanted.size(); ++c)
    left += std::fabs(with[c] - wanted[c]), before += std::fabs(without[c] - wanted[c]);
  EXPECT_GT(before, 1e-4);
  EXPECT_LT(left, 0.1 * before) << "edges of the image alone are left";
}

TEST(BiasCorrection, KeepsTheIntegersOfFilters) {
  const Model folded = fold_weights(residual_model());
  const Dataset data = from_tensor_slices(images(32)).batch(8);
  const ValueRanges ranges = calibrate_model(folded, data);
  const Model plain = quantize_model(folded, ranges).model,
              corrected =
                  quantize_model(correct_biases(folded, channel_means(folded, data)), ranges).model;
  int biases = 0;
  for (size_t i = 0; i < plain.weights.size(); ++i) {
    const bool same = bit_equal(plain.weights[i], corrected.weights[i]);
    const bool is_bias = plain.program.state[i].name.ends_with("/bias");
    EXPECT_TRUE(same || is_bias) << plain.program.state[i].name;
    biases += !same ? 1 : 0;
  }
  EXPECT_EQ(biases, 5);
}

}  // namespace
}  // namespace brisk
