// Shapes, weights, names and defaults of the layers, as Keras has them (keras_layers.json is what
// Keras itself said; tests/oracle/keras_layers.py asks it again).

#include "brisk/nn/layers.h"

#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/ops/control/control.h"
#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

struct LayerCase {
  std::string name;  ///< of the entry of keras_layers.json
  std::function<Value(ModelBuilder&, std::span<const Value>)> build;
};

template <LayerStruct L>
LayerCase layer(std::string name, L made) {
  return {std::move(name), [made](ModelBuilder& model, std::span<const Value> inputs) {
            return model.apply(*make_layer(made), inputs)[0];
          }};
}

std::vector<LayerCase> layer_cases() {
  return {
      layer("dense", Dense{}),
      layer("dense_no_bias_sequence", Dense{.units = 4, .activation = "relu", .use_bias = false}),
      layer("conv2d", Conv2D{}),
      layer("conv2d_same_strided",
            Conv2D{.filters = 8, .kernel_size = {3, 3}, .strides = {2, 2}, .padding = "same"}),
      layer("conv2d_valid_strided", Conv2D{.filters = 8, .kernel_size = {3, 2}, .strides = {2, 1}}),
      layer("conv2d_dilated", Conv2D{.filters = 8, .kernel_size = {3, 3}, .dilation_rate = {2, 1}}),
      layer("conv2d_groups",
            Conv2D{.filters = 6, .kernel_size = {3, 3}, .padding = "same", .groups = 3}),
      layer("depthwise_conv2d", DepthwiseConv2D{}),
      layer(
          "depthwise_conv2d_multiplier",
          DepthwiseConv2D{
              .kernel_size = {3, 3}, .strides = {2, 2}, .padding = "same", .depth_multiplier = 2}),
      layer("zero_padding2d", ZeroPadding2D{}),
      layer("zero_padding2d_uneven", ZeroPadding2D{.padding = {{1, 2}, {3, 4}}}),
      layer("max_pooling2d", MaxPooling2D{}),
      layer("max_pooling2d_same",
            MaxPooling2D{.pool_size = {3, 3}, .strides = {2, 2}, .padding = "same"}),
      layer("average_pooling2d", AveragePooling2D{}),
      layer("average_pooling2d_strided",
            AveragePooling2D{.pool_size = {3, 2}, .strides = {1, 2}, .padding = "same"}),
      layer("global_average_pooling2d", GlobalAveragePooling2D{}),
      layer("global_max_pooling2d_keepdims", GlobalMaxPooling2D{.keepdims = true}),
      layer("batch_normalization", BatchNormalization{}),
      layer("batch_normalization_bare", BatchNormalization{.center = false, .scale = false}),
      layer("layer_normalization", LayerNormalization{}),
      layer("layer_normalization_axes", LayerNormalization{.axis = {1, 2}}),
      layer("dropout", Dropout{}),
      layer("flatten", Flatten{}),
      layer("reshape", Reshape{.target_shape = {5, -1}}),
      layer("activation", ActivationLayer{.activation = "tanh"}),
      layer("re_lu", ReLU{}),
      layer("embedding", Embedding{.input_dim = 10, .output_dim = 4}),
      layer("add", Add{}),
      layer("multiply", Multiply{}),
      layer("concatenate", Concatenate{}),
      layer("concatenate_axis", Concatenate{.axis = 1}),
  };
}

Json keras_says(const std::string& name) {
  const std::filesystem::path path =
      std::filesystem::path(BRISK_SOURCE_DIR) / "tests" / "nn" / "keras_layers.json";
  const Json all = parse_json(read_file(path, 1 << 22).value(), path.string()).value();
  require(all.contains(name), "{} has no entry '{}'", path.string(), name);
  return all.at(name);
}

/// One layer over the inputs that Keras was given.
Model model_of(const LayerCase& layer_case, const Json& expected) {
  ModelBuilder builder("model");
  std::vector<Value> inputs;
  const DType type = *parse_dtype(expected.at("input_type").get<std::string>());
  for (const auto& sizes : expected.at("inputs"))
    inputs.push_back(
        builder.input(fmt::format("x{}", inputs.size()), sizes.get<std::vector<int64_t>>(), type));
  const Value y = layer_case.build(builder, inputs);
  return builder.finish({{"y", y}});
}

const Node& call_of(const Model& model) {
  for (const Node& node : model.program.graph.nodes())
    if (node.op->name == "call") return node;
  refuse("the model has no layer");
}

class KerasLayer : public ::testing::TestWithParam<LayerCase> {};

TEST_P(KerasLayer, HasKerassOutputShape) {
  const Json expected = keras_says(GetParam().name);
  const Model model = model_of(GetParam(), expected);
  Shape shape{Extent(std::string("batch"))};
  for (const auto& size : expected.at("output")) shape.push_back(Extent(size.get<int64_t>()));
  EXPECT_EQ(model.program.graph.output_type(0), Type(DType::f32, shape));
}

TEST_P(KerasLayer, HasKerassWeights) {
  const Json expected = keras_says(GetParam().name);
  const Model model = model_of(GetParam(), expected);
  const std::string owner = call_of(model).attributes.as<CallAttributes>().name + "/";
  std::vector<std::string> found;
  for (const StateEntry& entry : model.program.state) {
    EXPECT_TRUE(entry.name.starts_with(owner)) << entry.name;
    if (entry.role == StateRole::random_key) continue;  // Keras counts its seed among the variables
    found.push_back(fmt::format("{} {} {}", entry.name.substr(owner.size()),
                                entry.type.shape().to_string(),
                                entry.trainable ? "trainable" : "frozen"));
    EXPECT_EQ(entry.role, entry.trainable ? StateRole::parameter : StateRole::statistic)
        << entry.name;
  }
  EXPECT_EQ(found, expected.at("weights").get<std::vector<std::string>>());
}

TEST_P(KerasLayer, HasKerassNameKindAndConfiguration) {
  const Json expected = keras_says(GetParam().name);
  const auto attributes = call_of(model_of(GetParam(), expected)).attributes.as<CallAttributes>();
  EXPECT_EQ(attributes.kind, expected.at("class_name").get<std::string>());
  EXPECT_EQ(attributes.name, expected.at("name").get<std::string>());
  const Json config = parse_json(attributes.config, "config").value();
  for (const auto& [field, value] : config.items()) {
    if (field == "call") continue;  // of the call, not of the layer
    ASSERT_TRUE(expected.at("config").contains(field)) << "Keras has no argument '" << field << "'";
    Json filled = value;  // Keras writes what None stands for
    if (field == "activation" && value.is_null()) filled = "linear";
    if (field == "strides" && value.empty()) filled = config.at("pool_size");
    EXPECT_EQ(filled, expected.at("config").at(field)) << field;
  }
}

INSTANTIATE_TEST_SUITE_P(, KerasLayer, ::testing::ValuesIn(layer_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(ModelBuilder, NamesLayersAsKerasDoes) {
  ModelBuilder model("m");
  Value x = model.input("x", {8, 8, 3});
  for (int i = 0; i < 3; ++i) x = model(Conv2D{.filters = 2, .kernel_size = {1, 1}}, x);
  x = model(ReLU{}, x);
  x = model(Conv2D{.filters = 2, .kernel_size = {1, 1}, .name = "mine"}, x);
  x = model(ReLU{}, x);
  const Model made = model.finish({{"y", x}});
  std::vector<std::string> names;
  for (const Node& node : made.program.graph.nodes())
    if (node.op->name == "call") names.push_back(node.label);
  EXPECT_EQ(names, (std::vector<std::string>{"conv2d", "conv2d_1", "conv2d_2", "re_lu", "mine",
                                             "re_lu_1"}));
}

struct Misuse {
  std::string name;
  std::function<void(ModelBuilder&, Value image)> use;
  std::string message;
};

class RefusedLayer : public ::testing::TestWithParam<Misuse> {};

TEST_P(RefusedLayer, NamesLayerAndValues) {
  ModelBuilder model("m");
  const Value image = model.input("image", {7, 5, 3});
  const std::string message = refusal([&] { GetParam().use(model, image); });
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    , RefusedLayer,
    ::
        testing::
            Values(
                Misuse{"TwoOfOneName",
                       [](auto& m, Value x) { m(ReLU{.name = "a"}, m(ReLU{.name = "a"}, x)); },
                       "two layers are named 'a'"},
                Misuse{"ImageExpected", [](auto& m, Value x) { m(Conv2D{}, m(Flatten{}, x)); },
                       "layer 'conv2d' (Conv2D): the input must be [batch, spatial..., channels] "
                       "with 2 spatial axes, but is f32[batch, 105]"},
                Misuse{"Padding", [](auto& m, Value x) { m(Conv2D{.padding = "full"}, x); },
                       "padding must be 'valid' or 'same', but is 'full'"},
                Misuse{"KernelSize", [](auto& m, Value x) { m(Conv2D{.kernel_size = {3}}, x); },
                       "kernel_size must be 2 positive numbers, but is [3]"},
                Misuse{"ZeroStride",
                       [](auto& m, Value x) {
                         m(Conv2D{.strides = {0, 1}}, x);
                       },
                       "strides must be 2 positive numbers, but is [0, 1]"},
                Misuse{"Groups", [](auto& m, Value x) { m(Conv2D{.filters = 4, .groups = 2}, x); },
                       "groups is 2, but must divide 3 channels and 4 filters"},
                Misuse{"Filters", [](auto& m, Value x) { m(Conv2D{.filters = -1}, x); },
                       "filters is -1, but must be positive"},
                Misuse{"KernelLargerThanImage",
                       [](auto& m, Value x) {
                         m(Conv2D{.kernel_size = {9, 9}}, x);
                       },
                       "layer 'conv2d' (Conv2D): [convolution]"},
                Misuse{"Units", [](auto& m, Value x) { m(Dense{.units = 0}, x); },
                       "units is 0, but must be positive"},
                Misuse{"Activation", [](auto& m, Value x) { m(Dense{.activation = "rellu"}, x); },
                       "there is no activation 'rellu'; did you mean 'relu'?"},
                Misuse{"Rate", [](auto& m, Value x) { m(Dropout{.rate = 1}, x); },
                       "rate is 1, but must be in [0, 1)"},
                Misuse{"DepthMultiplier",
                       [](auto& m, Value x) { m(DepthwiseConv2D{.depth_multiplier = 0}, x); },
                       "depth_multiplier is 0"},
                Misuse{"FourPaddings",
                       [](auto& m, Value x) { m(ZeroPadding2D{.padding = {{1, 1}}}, x); },
                       "padding must have 2 pairs, but has 1"},
                Misuse{"PoolLargerThanImage",
                       [](auto& m, Value x) {
                         m(MaxPooling2D{.pool_size = {8, 8}}, x);
                       },
                       "[max_pool]"},
                Misuse{"ReshapeSizes",
                       [](auto& m, Value x) {
                         m(Reshape{.target_shape = {4, -1}}, x);
                       },
                       "[reshape]"},
                Misuse{"NormalizedAxis",
                       [](auto& m, Value x) { m(LayerNormalization{.axis = {4}}, x); },
                       "[LayerNormalization] axis 4 is out of range for rank 4"},
                Misuse{"NormalizedAxisTwice",
                       [](auto& m, Value x) {
                         m(LayerNormalization{.axis = {3, -1}}, x);
                       },
                       "[layer_norm]"},
                Misuse{"AddOfOne", [](auto& m, Value x) { m(Add{}, {x}); },
                       "at least two inputs are needed, but 1 are given"},
                Misuse{"AddOfOtherShapes", [](auto& m, Value x) { m(Add{}, {x, m(Flatten{}, x)}); },
                       "[add]"},
                Misuse{"NoInput", [](auto& m, Value) { m(Dense{}, {}); },
                       "layer 'dense' (Dense) needs an input"},
                Misuse{"UndefinedInput", [](auto& m, Value) { m(Dense{}, Value{}); },
                       "layer 'dense' (Dense): input 0 is not defined"},
                Misuse{
                    "ForeignInput",
                    [](auto& m, Value) {
                      ModelBuilder other("o");
                      m(Dense{}, other.input("x", {3}));
                    },
                    "layer 'dense' (Dense): input 0 belongs to another model"},
                Misuse{"MoreInputsThanItTakes", [](auto& m, Value x) { m(Dense{}, {x, x}); },
                       "layer 'dense' (Dense) takes 1 input, but 2 are given"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace brisk::testing
