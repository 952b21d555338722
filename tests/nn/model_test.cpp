// Models: published sizes of the zoo, and what for_training and for_inference make of a program.

#include "brisk/nn/model.h"

#include <gtest/gtest.h>

#include "brisk/ir/text.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

Type logits(int64_t classes) {
  return Type(DType::f32, {Extent(std::string("batch")), classes});
}

struct Published {
  std::string name;
  std::vector<int64_t> input;
  int64_t classes, parameters;
};

class Zoo : public ::testing::TestWithParam<Published> {};

TEST_P(Zoo, HasThePublishedNumberOfParameters) {
  const Model model = zoo::by_name(GetParam().name, GetParam().input, GetParam().classes);
  EXPECT_EQ(model.num_parameters(), GetParam().parameters);
  EXPECT_EQ(model.program.graph.output_type(0), logits(GetParam().classes));
  verify(model.program);
}

// Keras's "Simple MNIST convnet" prints 34,826 and its first MLP example 101,770; torchvision lists
// 11,689,512, 25,557,032 and 3,504,872 for ResNet-18 and 50 and MobileNet v2; ResNet-18 for 32
// pixels has a 3x3 stem. airbench is brisk's own: the sum over its convolutions of 9 in out + 2
// out, and the last layer.
INSTANTIATE_TEST_SUITE_P(
    , Zoo,
    ::testing::Values(Published{"small_cnn", {28, 28, 1}, 10, 34'826},
                      Published{"mlp", {28, 28, 1}, 10, 101'770},
                      Published{"airbench", {32, 32, 3}, 10, 4'655'434},
                      Published{"resnet18", {224, 224, 3}, 1000, 11'689'512},
                      Published{"resnet50", {224, 224, 3}, 1000, 25'557'032},
                      Published{"mobilenet_v2", {224, 224, 3}, 1000, 3'504'872},
                      Published{"resnet18", {32, 32, 3}, 10, 11'173'962}),
    [](const auto& info) { return fmt::format("{}_{}", info.param.name, info.param.input[0]); });

TEST(ZooNames, AResidualNetworkResizesItsImages) {
  const Model model = zoo::by_name("resnet18", {32, 32, 3}, 1000, -1, {224, 224});
  const Graph& graph = model.program.graph;
  EXPECT_EQ(graph.input_type(model.program.state.size()).to_string(), "f32[batch, 32, 32, 3]");
  EXPECT_EQ(model.num_parameters(), 11'689'512) << "the stem for large images";
}

// The papers' 124 million and 110 million: without the padding of the vocabulary 124,439,808, as
// the published checkpoint has, and 109,482,240 of the encoder with its pooler, with 1,538 of the
// classifier.
TEST(ZooTransformers, HaveThePublishedNumberOfParameters) {
  const Model gpt2 = zoo::by_name("gpt2", {1024}, 50257), bert = zoo::by_name("bert_base");
  EXPECT_EQ(gpt2.num_parameters(), 124'439'808);
  EXPECT_EQ(bert.num_parameters(), 109'482'240 + 1'538);
  const Extent batch(std::string("batch"));
  EXPECT_EQ(gpt2.program.graph.output_type(0), Type(DType::f32, {batch, 1024, 50257}));
  EXPECT_EQ(bert.program.graph.output_type(0), logits(2));
  verify(gpt2.program);
  verify(bert.program);
}

TEST(ZooNames, AreKnown) {
  for (const std::string& name : zoo::names()) EXPECT_EQ(zoo::by_name(name).name, name);
}

TEST(ZooNames, StepsAreThoseOfText) {
  EXPECT_EQ(zoo::by_name("gpt2", 16).program.graph.output_type(0).shape()[1], Extent(16));
  EXPECT_THROW(zoo::by_name("resnet18", 16), UserError);
  EXPECT_THROW(zoo::by_name("gpt2", {32, 32, 3}, 10), UserError);
}

/// With a batch normalization and a dropout, whose ops know of training.
Model regularised() {
  ModelBuilder model("m");
  Value x = model.input("x", {4});
  x = model(BatchNormalization{}, x);
  x = model(Dropout{.rate = 0.25}, x);
  return model.finish({{"y", model(Dense{.units = 2}, x)}});
}

int count(const Graph& graph, std::string_view op, bool training) {
  int found = 0;
  for (const Node& node : graph.nodes()) {
    for (const NamedAttribute& field : node.attributes.list())
      if (node.op->name == op && field.name == "training")
        found += std::get<bool>(field.value) == training ? 1 : 0;
    for (const Graph& region : node.regions) found += count(region, op, training);
  }
  return found;
}

TEST(Model, ForTrainingFlipsWhatKnowsOfTrainingAndKeepsUpdates) {
  const Model model = regularised();
  for (const char* op : {"batch_norm", "dropout"}) {
    EXPECT_EQ(count(model.program.graph, op, false), 1) << op;
    EXPECT_EQ(count(for_training(model.program).graph, op, true), 1) << op;
  }
  EXPECT_EQ(for_training(model.program).updates.size(), 3u) << "mean, variance, key";
  verify(for_training(model.program));
}

TEST(Model, FrozenBatchNormalizationKeepsItsStatisticsInTraining) {
  const std::string alone =
      R"({"class_name": "BatchNormalization", "config": {"name": "b", "trainable": false}})";
  const std::string in_a_model =
      R"({"class_name": "Sequential", "config": {"name": "base", "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "i"}}, )" +
      alone + "]}}";
  for (const std::string& object : {alone, in_a_model}) {
    const auto layer = layer_from_object(object);
    ModelBuilder builder("m");
    const Value x = builder.input("x", {4});
    const Model model =
        builder.finish({{"y", builder.apply(*layer, std::span<const Value>(&x, 1))[0]}});
    const Graph graph = for_training(model.program).graph;
    EXPECT_EQ(count(graph, "batch_norm", true), 0) << object;
    EXPECT_EQ(count(graph, "batch_norm", false), 1) << object;
    verify(for_training(model.program));
  }
}

TEST(Model, ForInferenceHasResultsAlone) {
  const Program inference = for_inference(for_training(regularised().program));
  verify(inference);
  EXPECT_TRUE(inference.updates.empty());
  EXPECT_EQ(inference.graph.outputs().size(), 1u);
  EXPECT_EQ(count(inference.graph, "dropout", true) + count(inference.graph, "batch_norm", true),
            0);
  EXPECT_EQ(inference.state.size(), regularised().program.state.size());
}

TEST(Model, TextReadsBack) {
  for (const Model& model :
       {regularised(), zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true})}) {
    const std::string text = print(model.program);
    const Result<Program> again = parse_program(text, standard_ops());
    ASSERT_TRUE(again.ok()) << again.error();
    EXPECT_EQ(print(*again), text);
    EXPECT_EQ(again->state, model.program.state);
  }
}

TEST(Model, InitialisationIsDeterminedByItsSeed) {
  Model a = regularised(), b = regularised(), c = regularised();
  a.initialize(3), b.initialize(3), c.initialize(4);
  ASSERT_EQ(a.weights.size(), a.program.state.size());
  bool differs = false;
  for (size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_EQ(Type(a.weights[i].dtype(), Shape(a.weights[i].sizes())), a.program.state[i].type);
    EXPECT_TRUE(bit_equal(a.weights[i], b.weights[i])) << a.program.state[i].name;
    differs |= !bit_equal(a.weights[i], c.weights[i]);
  }
  EXPECT_TRUE(differs);
}

TEST(Model, CountsTrainedValuesOnly) {
  EXPECT_EQ(regularised().num_parameters(), 4 + 4 + 4 * 2 + 2);
}

}  // namespace
}  // namespace brisk::testing
