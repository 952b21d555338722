#include "brisk/compress/scaling/equalize_channels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/compress/scaling/scalable_channels.h"
#include "brisk/data/memory_source.h"
#include "tests/compress/residual_model.h"

namespace brisk {
namespace {

/// All that channels are followed through: residuals, groups, depthwise filters, pools, a
/// concatenation, a flattened image, a matrix product.
Model crossing() {
  ModelBuilder model("crossing");
  Value x = model.input("image", {12, 12, 3});
  x = model(Conv2D{.filters = 8, .padding = "same", .activation = "relu", .name = "first"}, x);
  Value y = model(MaxPooling2D{}, x);
  const Value left = model(
      Conv2D{.filters = 8, .padding = "same", .groups = 2, .activation = "relu", .name = "left"},
      y);
  Value right = model(
      DepthwiseConv2D{
          .padding = "same", .depth_multiplier = 2, .activation = "relu", .name = "right"},
      y);
  right = model(Conv2D{.filters = 8, .kernel_size = {1, 1}, .name = "narrow"}, right);
  y = model(ReLU{}, model(Add{}, {right, left}));
  y = model(Concatenate{}, {y, left});
  y = model(AveragePooling2D{}, y);
  y = model(Flatten{}, y);
  y = model(Dense{.units = 12, .activation = "relu", .name = "hidden"}, y);
  Model result = model.finish({{"y", model(Dense{.units = 5, .name = "logits"}, y)}});
  result.initialize(3);
  PhiloxSequence random(8);
  for (size_t i = 0; i < result.weights.size(); ++i) {
    const int64_t channels = result.weights[i].sizes().back();
    if (result.weights[i].rank() < 2) {
      for (int64_t c = 0; c < channels; ++c) result.weights[i].set(c, 0.1 * random.next_normal());
      continue;
    }
    std::vector<double> factors(static_cast<size_t>(channels));
    for (double& f : factors) f = std::exp2(4 * random.next_unit() - 2);
    for (int64_t j = 0; j < result.weights[i].num_elements(); ++j)
      result.weights[i].set(j,
                            result.weights[i].get(j) * factors[static_cast<size_t>(j % channels)]);
  }
  return result;
}

ChannelMagnitudes magnitudes_of(const Model& folded, const Dataset& data) {
  return channel_magnitudes(folded, equalized_values(folded.program), data);
}

/// Of a value's channels: the greatest magnitude by the least.
double spread(const Tensor& magnitudes) {
  double low = INFINITY, high = 0;
  for (int64_t c = 0; c < magnitudes.num_elements(); ++c)
    if (const double m = magnitudes.get(c); m > 0) low = std::min(low, m), high = std::max(high, m);
  return high / low;
}

TEST(EqualizeChannels, KeepsWhatTheModelComputes) {
  for (const Model& model : {crossing(), residual_model()}) {
    const Model folded = fold_weights(model);
    const Tensor x = images(24)[0];
    const Dataset data = from_tensor_slices({x}).batch(8);
    const Model equal = equalize_channels(folded, magnitudes_of(folded, data));
    EXPECT_LT(difference(run(folded, "reference", x), run(equal, "reference", x)), 2e-6)
        << model.name;
    int same = 0;
    for (size_t i = 0; i < folded.weights.size(); ++i)
      same += bit_equal(folded.weights[i], equal.weights[i]) ? 1 : 0;
    EXPECT_EQ(same, model.name == "crossing" ? 1 : 3)
        << "the logits' bias, and behind relu6 their kernel and what is cut off";
  }
}

TEST(EqualizeChannels, MakesThemAboutEquallyLargeAndIntegersBetter) {
  const std::vector<Tensor> batch = images(48);
  const Dataset data = from_tensor_slices(batch).batch(16);
  // Channels of very different sizes that the weights behind them make up for.
  const Model plain = fold_weights(crossing());
  ChannelMagnitudes made_up = magnitudes_of(plain, data);
  PhiloxSequence random(8);
  for (auto& [value, magnitudes] : made_up)
    for (int64_t c = 0; c < magnitudes.num_elements(); ++c)
      magnitudes.set(c, std::exp2(12 * random.next_unit()));
  const Model folded = equalize_channels(plain, made_up);
  const ChannelMagnitudes before = magnitudes_of(folded, data);
  const Model equal = equalize_channels(folded, before);
  const ChannelMagnitudes after = magnitudes_of(equal, data);
  double spread_before = 0, spread_after = 0;
  for (const auto& [value, magnitudes] : before) {
    spread_before += std::log(spread(magnitudes));
    spread_after += std::log(spread(after.at(value)));
  }
  EXPECT_LT(spread_after, 0.75 * spread_before);
  const auto sqnr = [&](const Model& floats) {
    return output_sqnr(folded, quantize_model(floats, calibrate_model(floats, data)).model, batch);
  };
  EXPECT_GT(sqnr(equal), sqnr(folded) + 1);
}

TEST(ScalableChannels, StopWhereAnOpIsNotHomogeneous) {
  ModelBuilder builder("stops");
  Value x = builder.input("image", {12, 12, 3});
  x = builder(Conv2D{.filters = 4, .kernel_size = {1, 1}, .activation = "relu6", .name = "six"}, x);
  x = builder(Conv2D{.filters = 4, .kernel_size = {1, 1}, .activation = "tanh", .name = "tanh"}, x);
  x = builder(Conv2D{.filters = 4, .kernel_size = {1, 1}, .activation = "relu", .name = "free"}, x);
  x = builder(Conv2D{.filters = 4, .kernel_size = {1, 1}, .name = "last"}, x);
  Model model = builder.finish({{"y", x}});
  model.initialize(2);
  const Model folded = fold_weights(model);
  const ScalableChannels channels = scalable_channels(folded.program);
  ASSERT_EQ(channels.products.size(), 4u);
  for (const ScalableProduct& product : channels.products) {
    const std::string& label = folded.program.graph.node(product.plan.node).label;
    EXPECT_EQ(channels.units.is_free(product.outputs), label == "free") << label;
    EXPECT_EQ(channels.units.is_free(product.inputs), label == "last") << label;
  }
}

}  // namespace
}  // namespace brisk
