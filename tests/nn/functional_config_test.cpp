// Functional models as Keras 2 writes them: functions of TensorFlow, and masks that the file does
// not spell out.

#include "brisk/nn/functional_config.h"

#include <gtest/gtest.h>

#include "brisk/nn/functional.h"
#include "brisk/nn/layer_masks.h"

namespace brisk {
namespace {

Json input(const std::string& name) {
  return {{"class_name", "InputLayer"},
          {"name", name},
          {"config", {{"name", name}, {"batch_input_shape", {nullptr, 4, 6}}}},
          {"inbound_nodes", Json::array()}};
}

Json layer(const std::string& class_name, const std::string& name, Json config, Json nodes) {
  config["name"] = name;
  return {{"class_name", class_name},
          {"name", name},
          {"config", std::move(config)},
          {"inbound_nodes", std::move(nodes)}};
}

Json function(const std::string& name, const std::string& function, Json nodes) {
  return layer("TFOpLambda", name, {{"function", function}, {"dtype", "float32"}},
               std::move(nodes));
}

FunctionalConfig model(Json layers, const std::string& output) {
  return parse_functional_config({{"name", "m"},
                                  {"layers", std::move(layers)},
                                  {"input_layers", {{"x", 0, 0}}},
                                  {"output_layers", {{output, 0, 0}}}},
                                 "Functional");
}

const LayerEntry& entry(const FunctionalConfig& config, const std::string& name) {
  return config.layers[config.layer_index(name)];
}

TEST(TensorFlowFunctions, BecomeFunctionsOfKeras) {
  const FunctionalConfig config =
      model({input("x"),
             function("tf.math.subtract", "math.subtract",
                      {{"_CONSTANT_VALUE", -1, 2, {{"y", {"x", 0, 0}}, {"name", nullptr}}}}),
             function("tf.nn.gelu", "nn.gelu", {{"tf.math.subtract", 0, 0, Json::object()}}),
             function("tf.linalg.matmul", "linalg.matmul",
                      {{"tf.nn.gelu", 0, 0, {{"b", {"x", 0, 0}}, {"transpose_b", true}}}}),
             function("tf.math.reduce_mean", "math.reduce_mean",
                      {{"tf.linalg.matmul", 0, 0, {{"axis", {1}}, {"keepdims", true}}}})},
            "tf.math.reduce_mean");
  const LayerEntry& subtract = entry(config, "tf.math.subtract");
  EXPECT_TRUE(subtract.is_operation());
  EXPECT_EQ(subtract.class_name, "Subtract");
  ASSERT_EQ(subtract.calls[0].inputs.size(), 1u);
  EXPECT_EQ(subtract.calls[0].args, Json::array({2}));
  EXPECT_EQ(subtract.calls[0].kwargs, (Json{{"x2", {{"tensor", 0}}}}));
  // TensorFlow's default is exact, that of Keras is not.
  EXPECT_EQ(entry(config, "tf.nn.gelu").config, (Json{{"approximate", false}}));
  const LayerEntry& product = entry(config, "tf.linalg.matmul");
  EXPECT_EQ(product.class_name, "Einsum");
  EXPECT_EQ(product.config, (Json{{"subscripts", "...ij,...kj->...ik"}}));
  EXPECT_EQ(entry(config, "tf.math.reduce_mean").config, (Json{{"axis", {1}}, {"keepdims", true}}));
}

TEST(TensorFlowFunctions, WithoutACounterpartAreNamedAsMissing) {
  const FunctionalConfig config = model(
      {input("x"), function("tf.signal.stft", "signal.stft", {{"x", 0, 0, {{"frame_length", 4}}}})},
      "tf.signal.stft");
  const std::vector<UnknownLayer> unknown = unknown_layers(config);
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].class_name, "tf.signal.stft");
}

TEST(Masks, OfKeras2ReachTheRecurrentLayerBehindOthers) {
  const FunctionalConfig config =
      model({input("x"), layer("Embedding", "embedding", {{"mask_zero", true}}, {{"x", 0, 0}}),
             layer("Dense", "dense", {{"units", 3}}, {{"embedding", 0, 0}}),
             layer("LSTM", "lstm", {{"units", 3}}, {{"dense", 0, 0}}),
             layer("Dense", "after", {{"units", 3}}, {{"lstm", 0, 0}})},
            "after");
  const LayerCall& call = entry(config, "lstm").calls[0];
  ASSERT_EQ(call.inputs.size(), 2u);
  EXPECT_EQ(call.inputs[1].layer, "embedding_not_equal");
  EXPECT_EQ(call.kwargs, (Json{{"mask", {{"tensor", 1}}}}));
  const LayerEntry& mask = entry(config, "embedding_not_equal");
  EXPECT_EQ(mask.class_name, "NotEqual");
  EXPECT_EQ(mask.calls[0].inputs[0].layer, "x");
}

TEST(Masks, AreNotAddedAgainWhereTheyAreWrittenOut) {
  const FunctionalConfig once =
      model({input("x"), layer("Embedding", "embedding", {{"mask_zero", true}}, {{"x", 0, 0}}),
             layer("LSTM", "lstm", {{"units", 3}}, {{"embedding", 0, 0}})},
            "lstm");
  ASSERT_EQ(once.layers.size(), 4u);
  const FunctionalConfig again = parse_functional_config(to_json(once), "Functional");
  EXPECT_EQ(to_json(again), to_json(once));
}

TEST(Masks, GetNamesThatNoLayerHas) {
  FunctionalConfig config =
      model({input("x"), layer("Embedding", "embedding", {{"mask_zero", true}}, {{"x", 0, 0}}),
             layer("Dense", "embedding_not_equal", {{"units", 3}}, {{"embedding", 0, 0}}),
             layer("LSTM", "lstm", {{"units", 3}}, {{"embedding_not_equal", 0, 0}})},
            "lstm");
  EXPECT_EQ(entry(config, "lstm").calls[0].inputs.back().layer, "embedding_new_not_equal");
  EXPECT_EQ(entry(config, "embedding_new_not_equal").class_name, "NotEqual");
}

TEST(Masks, ThatNothingReadsAreLeftOut) {
  const FunctionalConfig config =
      model({input("x"), layer("Masking", "masking", {{"mask_value", 0.0}}, {{"x", 0, 0}}),
             layer("Flatten", "flatten", Json::object(), {{"masking", 0, 0}})},
            "flatten");
  EXPECT_EQ(config.layers.size(), 3u);
}

TEST(Masks, OfSequencesJoinedOneBehindTheOtherAreRefusedWhereTheyAreRead) {
  const auto joined = [](const std::string& reader) {
    return model({input("x"), layer("Masking", "masking", {{"mask_value", 0.0}}, {{"x", 0, 0}}),
                  layer("Concatenate", "concatenate", {{"axis", 1}},
                        Json::array({Json::array({{"masking", 0, 0}, {"x", 0, 0}})})),
                  layer(reader, "reader", {{"units", 3}}, {{"concatenate", 0, 0}})},
                 "reader");
  };
  EXPECT_NO_THROW(joined("Flatten"));
  try {
    joined("LSTM");
    FAIL() << "no refusal";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("masked sequences that are joined"), std::string::npos)
        << error.what();
  }
}

TEST(Masks, OfKeras3ReachHeadsWhichTakeThemOff) {
  FunctionalConfig config =
      model({input("x"), layer("Embedding", "embedding", {{"mask_zero", true}}, {{"x", 0, 0}}),
             layer("Flatten", "flatten", Json::object(), {{"embedding", 0, 0}})},
            "flatten");
  const auto attend = [&](const std::string& name) {
    LayerEntry heads{.name = name, .class_name = "MultiHeadAttention", .module = "keras.layers"};
    heads.calls = {{.inputs = {{"embedding"}, {"embedding"}},
                    .args = Json::array({{{"tensor", 0}}, {{"tensor", 1}}})}};
    config.layers.push_back(std::move(heads));
  };
  attend("first");
  attend("second");
  follow_masks(config, MaskRules::keras_3);
  EXPECT_TRUE(entry(config, "first").calls[0].kwargs.contains("query_mask"));
  EXPECT_TRUE(entry(config, "first").calls[0].kwargs.contains("value_mask"));
  EXPECT_TRUE(entry(config, "second").calls[0].kwargs.empty());
}

}  // namespace
}  // namespace brisk
