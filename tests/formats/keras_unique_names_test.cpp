#include "brisk/formats/keras/unique_names.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

LayerEntry function(const std::string& name, Json config) {
  LayerEntry entry{.name = name,
                   .class_name = "Concatenate",
                   .module = "keras.src.ops.numpy",
                   .config = std::move(config)};
  entry.calls = {{.inputs = {{"x"}, {"x"}}}};
  return entry;
}

FunctionalConfig with_layer_and(LayerEntry operation) {
  FunctionalConfig config{.name = "m"};
  LayerEntry layer{.name = "concatenate", .class_name = "Concatenate", .module = "keras.layers"};
  layer.calls = {{.inputs = {{operation.name}, {"x"}}}};
  config.layers = {{.name = "x", .class_name = "InputLayer"}, std::move(operation), layer};
  config.inputs = {{"x"}};
  config.outputs = {{"concatenate"}};
  return config;
}

TEST(UniqueNames, ALayerGivesWayToTheNameThatAFunctionWillGet) {
  const FunctionalConfig config =
      with_unique_names(with_layer_and(function("join", {{"axis", 1}})));
  EXPECT_EQ(config.layers[2].name, "concatenate_layer");
  EXPECT_EQ(config.outputs[0].layer, "concatenate_layer");
  EXPECT_EQ(config.layers[1].name, "join");
  EXPECT_EQ(config.layers[2].calls[0].inputs[0].layer, "join");
}

TEST(UniqueNames, AFunctionThatIsWrittenWithItsNameIsInNobodysWay) {
  const FunctionalConfig config =
      with_unique_names(with_layer_and(function("join", Json::object())));
  EXPECT_EQ(config.layers[2].name, "concatenate");
  EXPECT_EQ(config.outputs[0].layer, "concatenate");
}

}  // namespace
}  // namespace brisk
