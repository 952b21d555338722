// Configurations are read in all the forms that Keras writes, and written so that they read again.

#include <gtest/gtest.h>

#include "brisk/base/json.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/snake_case.h"

namespace brisk {
namespace {

Json rewritten(std::string_view class_name, const std::string& config,
               std::vector<std::string>* notes = nullptr) {
  const std::string once = layer_from_config(class_name, config, notes)->config();
  EXPECT_EQ(layer_from_config(class_name, once)->config(), once) << class_name;
  return parse_json(once, "config").value();
}

std::string refusal(std::string_view class_name, const std::string& config) {
  try {
    layer_from_config(class_name, config);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(LayerConfig, ReadsActivationsAsNamesAndAsFunctions) {
  EXPECT_EQ(rewritten("Dense", R"({"units": 3, "activation": "relu"})")["activation"], "relu");
  EXPECT_EQ(rewritten("Dense",
                      R"({"units": 3, "activation": {"module": "builtins", "class_name": "function",
                               "config": "gelu", "registered_name": "function"}})")["activation"],
            "gelu");
  EXPECT_TRUE(rewritten("Dense", R"({"units": 3, "activation": null})")["activation"].is_null());
}

TEST(LayerConfig, ReadsInitializersWithAndWithoutArguments) {
  const Json plain = rewritten("Dense", R"({"units": 3, "kernel_initializer":
      {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null}, "registered_name": null}})");
  EXPECT_EQ(plain["kernel_initializer"], "GlorotUniform");
  const Json given = rewritten("Dense", R"({"units": 3, "kernel_initializer":
      {"module": "keras.initializers", "class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.02, "seed": 7}}})");
  EXPECT_EQ(given["kernel_initializer"]["class_name"], "RandomNormal");
  EXPECT_EQ(given["kernel_initializer"]["config"], (Json{{"mean", 0.0}, {"stddev", 0.02}}));
}

TEST(LayerConfig, ReadsANumberForAListOfOne) {
  EXPECT_EQ(rewritten("LayerNormalization", R"({"axis": -1})")["axis"], Json::array({-1}));
  EXPECT_EQ(rewritten("BatchNormalization", R"({"axis": [3]})")["axis"], 3);
}

TEST(LayerConfig, ReadsEdges) {
  EXPECT_EQ(rewritten("ZeroPadding2D", R"({"padding": [[1, 2], [0, 3]]})")["padding"],
            Json::parse("[[1, 2], [0, 3]]"));
  EXPECT_EQ(rewritten("ZeroPadding1D", R"({"padding": [1, 2]})")["padding"], Json::parse("[1, 2]"));
}

TEST(LayerConfig, ReadsNamesOfKeras2) {
  EXPECT_EQ(rewritten("LeakyReLU", R"({"alpha": 0.1})")["negative_slope"], 0.1);
}

TEST(LayerConfig, KeepsWhetherALayerIsTrained) {
  EXPECT_EQ(rewritten("Dense", R"({"units": 3, "trainable": false})")["trainable"], false);
  EXPECT_FALSE(layer_from_config("Dense", R"({"units": 3, "trainable": false})")->trainable());
}

TEST(LayerConfig, NotesWhatOnlyTrainingKnows) {
  std::vector<std::string> notes;
  rewritten(
      "Dense",
      R"({"units": 3, "name": "d", "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}}})",
      &notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "Dense 'd': its kernel_regularizer is left out");
}

TEST(LayerConfig, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal("Dens", "{}"), "there is no layer class 'Dens'; did you mean 'Dense'?");
  EXPECT_EQ(refusal("Dense", R"({"units": 3, "name": "d", "sparsity": 0.5})"),
            "Dense 'd': brisk knows no option 'sparsity' (here 0.5)");
  EXPECT_EQ(refusal("Dense", R"({"units": "many"})"),
            "Dense '': 'units' must be an integer, but is \"many\"");
  EXPECT_EQ(refusal("LSTM", R"({"units": 3, "stateful": true})"),
            "LSTM '': brisk knows no option 'stateful' (here true)");
}

TEST(LayerConfig, RefusesQuantisedPolicies) {
  const std::string text =
      refusal("Dense", R"({"units": 3, "dtype": {"module": "keras.dtype_policies",
      "class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}})");
  EXPECT_NE(text.find("quantised policy 'int8_from_float32'"), std::string::npos) << text;
}

TEST(SnakeCase, IsAsInKeras) {
  EXPECT_EQ(snake_case("Conv2DTranspose"), "conv2d_transpose");
  EXPECT_EQ(snake_case("MaxPooling2D"), "max_pooling2d");
  EXPECT_EQ(snake_case("ReLU"), "re_lu");
  EXPECT_EQ(snake_case("PReLU"), "p_re_lu");
  EXPECT_EQ(snake_case("LSTM"), "lstm");
  EXPECT_EQ(snake_case("SimpleRNN"), "simple_rnn");
  EXPECT_EQ(snake_case("RMSNormalization"), "rms_normalization");
}

}  // namespace
}  // namespace brisk
