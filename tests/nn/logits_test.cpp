#include "brisk/nn/logits.h"

#include <gtest/gtest.h>

#include "brisk/nn/layers.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

TEST(Logits, AreWhatWentIntoTheActivation) {
  Builder builder(standard_ops(), "b");
  const Value x = builder.input("x", Type(DType::f32, Shape({2, 3})));
  EXPECT_EQ(logits_of(softmax(x), "softmax"), x);
  EXPECT_EQ(logits_of(cast(softmax(x), DType::f64), "softmax"), x);
  EXPECT_EQ(logits_of(sigmoid(x), "sigmoid"), x);
  EXPECT_EQ(logits_of(softmax(x, 0), "softmax"), std::nullopt);
  EXPECT_EQ(logits_of(sigmoid(x), "softmax"), std::nullopt);
  EXPECT_EQ(logits_of(x, "softmax"), std::nullopt);
}

TEST(Logits, ModelsThatEndInASoftmaxAreSeenThroughTheirLayers) {
  for (const auto& [activation, expected] :
       {std::pair("softmax", true), std::pair("sigmoid", false), std::pair("linear", false)}) {
    ModelBuilder builder("m");
    const Value x = builder.input("x", {3});
    const Model model =
        builder.finish({{"y", builder(Dense{.units = 2, .activation = activation}, x)}});
    EXPECT_EQ(ends_in_softmax(model.program.graph), expected) << activation;
  }
  ModelBuilder builder("m");
  const Value x = builder.input("x", {3});
  const Model model = builder.finish({{"y", builder(Softmax{}, x)}});
  EXPECT_TRUE(ends_in_softmax(model.program.graph));
}

}  // namespace
}  // namespace brisk
