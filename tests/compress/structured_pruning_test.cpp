#include "brisk/compress/structured_pruning.h"

#include <gtest/gtest.h>

#include "brisk/formats/keras/write_keras.h"
#include "brisk/formats/model_file.h"
#include "brisk/formats/package/package.h"
#include "brisk/runtime/backend.h"
#include "tests/compress/prunable_networks.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tolerances.h"

// A model that lost channels against the whole one in which the same channels are zero wherever
// weights stand for them: the outputs are the same but for rounding.

namespace brisk::test {
namespace {

using testing::refusal;

Tensor input_of(const Model& model, int64_t count) {
  const Shape& shape = model.program.graph.input_type(model.program.state.size()).shape();
  std::vector<int64_t> sizes = {count};
  for (int64_t axis = 1; axis < shape.rank(); ++axis) sizes.push_back(shape.size(axis));
  Tensor input(DType::f32, sizes);
  PhiloxSequence random(4);
  for (int64_t i = 0; i < input.num_elements(); ++i) input.set(i, random.next_normal());
  return input;
}

Tensor outputs(const Model& model, const Tensor& input) {
  const Program program =
      bind_dimensions(for_inference(model.program), {{"batch", input.sizes()[0]}});
  const auto executable = compile(program, **find_backend("cpu")).executable;
  executable->bind_state(model.weights);
  return executable->run(std::vector{input})[0].clone();
}

/// `model` with zeros in all weights that are not among `kept`.
Model masked_model(Model model, const std::vector<std::vector<std::vector<int64_t>>>& kept) {
  for (size_t entry = 0; entry < model.weights.size(); ++entry) {
    Tensor& weights = model.weights[entry];
    weights = weights.clone();
    const std::vector<int64_t> strides = row_major_strides(weights.sizes());
    for (int64_t i = 0; i < weights.num_elements(); ++i)
      for (size_t axis = 0; axis < kept[entry].size(); ++axis) {
        const std::vector<int64_t>& left = kept[entry][axis];
        if (!std::binary_search(left.begin(), left.end(),
                                i / strides[axis] % weights.sizes()[axis]))
          weights.set(i, 0);
      }
  }
  return model;
}

int64_t size_of(const Model& model, const std::string& entry, int64_t axis) {
  return model.program.state[model.program.state_index(entry)].type.shape().size(axis);
}

std::string group_of(const StructuredPruning& pruned, const std::string& layer) {
  for (const ChannelGroup& group : pruned.groups)
    if (std::find(group.layers.begin(), group.layers.end(), layer) != group.layers.end())
      return fmt::format("{}: {} of {}{}{}", fmt::join(group.layers, " "), group.kept,
                         group.channels, group.reason.empty() ? "" : "; ", group.reason);
  return "";
}

/// Holds what is left of a model against the masked one.
void check_smaller(const Model& model, const SmallerModel& smaller) {
  EXPECT_LT(smaller.model.num_parameters(), model.num_parameters()) << model.name;
  const Tensor input = input_of(model, 3);
  const Tensor wanted = outputs(masked_model(model, smaller.kept), input),
               found = outputs(smaller.model, input);
  EXPECT_EQ(
      testing::difference(wanted, found, testing::ErrorModel::sum, 4 * testing::kWinogradRoundings),
      "")
      << model.name;
  EXPECT_NE(testing::difference(outputs(model, input), found, testing::ErrorModel::sum, 1000), "")
      << "as if nothing had been taken out of " << model.name;
}

StructuredPruning checked(const Model& model, const StructuredPruningOptions& options) {
  StructuredPruning pruned = prune_channels(model, options);
  check_smaller(model, pruned.smaller);
  return pruned;
}

/// Of all classes that may go a third by chance, so that each axis keeps an index.
std::set<int32_t> classes_by_chance(const UnitTable& units, uint64_t seed) {
  std::map<int32_t, std::map<AxisId, int64_t>> places;
  for (AxisId axis = 0; axis < units.num_axes(); ++axis)
    for (int64_t i = 0; i < units.extent(axis); ++i) ++places[units.class_of(axis, i)][axis];
  std::map<AxisId, int64_t> taken;
  std::set<int32_t> gone;
  PhiloxSequence random(seed);
  for (const auto& [number, axes] : places) {
    bool goes = units.pinned(number).empty() && random.next_below(3) == 0;
    for (const auto& [axis, count] : axes) goes &= taken[axis] + count < units.extent(axis);
    if (!goes) continue;
    gone.insert(number);
    for (const auto& [axis, count] : axes) taken[axis] += count;
  }
  return gone;
}

TEST(StructuredPruning, AFlattenedImageLosesAllPlacesOfAChannel) {
  const Model model = drawn(zoo::small_cnn());
  const StructuredPruning pruned = checked(model, {.sparsity = 0.5});
  EXPECT_EQ(group_of(pruned, "conv2d"), "conv2d: 16 of 32");
  EXPECT_EQ(group_of(pruned, "conv2d_1"), "conv2d_1: 32 of 64");
  EXPECT_EQ(group_of(pruned, "dense"), "dense: 10 of 10; it is the model's result");
  EXPECT_EQ(size_of(pruned.smaller.model, "dense/kernel", 0), 800);
}

TEST(StructuredPruning, LayersOfAResidualSumLoseTheSameChannels) {
  const Model model =
      drawn(zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true}));
  const StructuredPruning pruned = checked(model, {.sparsity = 0.5});
  EXPECT_EQ(group_of(pruned, "conv1_conv"),
            "conv1_conv conv2_block1_2_conv conv2_block2_2_conv: 32 of 64");
  EXPECT_EQ(group_of(pruned, "conv5_block2_1_conv"), "conv5_block2_1_conv: 256 of 512");
  EXPECT_EQ(size_of(pruned.smaller.model, "predictions/kernel", 0), 256);
  EXPECT_TRUE(pruned.smaller.dissolved.empty());
}

TEST(StructuredPruning, ADepthwiseConvolutionGoesWithItsChannel) {
  const StructuredPruning pruned = checked(mobile_network(), {.sparsity = 0.5});
  EXPECT_EQ(group_of(pruned, "block1_expand"), "block1_expand block1_depthwise: 48 of 96");
  EXPECT_EQ(group_of(pruned, "block1_project"),
            "block1_project block2_project block3_project: 16 of 24");
}

TEST(StructuredPruning, AConcatenationKeepsPartsApart) {
  const StructuredPruning pruned = checked(dense_network(), {.sparsity = 0.5});
  EXPECT_EQ(group_of(pruned, "stem"), "stem: 16 of 24");
  EXPECT_EQ(group_of(pruned, "block0_1_2"), "block0_1_2: 8 of 16");
  EXPECT_EQ(size_of(pruned.smaller.model, "transition0_norm/gamma", 0), 16 + 3 * 8);
}

TEST(StructuredPruning, GroupsShufflesExcitationsAndTransposesFollow) {
  const Model model = odd_network();
  const StructuredPruning pruned = checked(model, {.sparsity = 0.5});
  const Model& smaller = pruned.smaller.model;
  EXPECT_EQ(group_of(pruned, "grouped"), "grouped: 32 of 64");
  EXPECT_EQ(size_of(smaller, "grouped/kernel", 2), 8) << "each of the two groups lost as much";
  EXPECT_EQ(group_of(pruned, "excite"), "grouped_again excite doubling separable: 64 of 128");
  EXPECT_EQ(size_of(smaller, "doubling/kernel", 2), 32);
  EXPECT_EQ(size_of(smaller, "hidden/kernel", 0), 4 * 4 * 16);
  EXPECT_TRUE(pruned.smaller.dissolved.empty())
      << fmt::format("{}", fmt::join(pruned.smaller.dissolved, " "));
}

TEST(StructuredPruning, WhatALayerNormalizationAveragesStays) {
  const StructuredPruning pruned = checked(feed_forward_network(), {.sparsity = 0.5});
  EXPECT_EQ(group_of(pruned, "widen"), "widen: 32 of 64");
  EXPECT_EQ(group_of(pruned, "in"), "in narrow: 32 of 32; layer_norm averages over it");
}

TEST(StructuredPruning, EveryImportanceAndScopeGivesAModelThatAgrees) {
  for (const ChannelImportance importance :
       {ChannelImportance::l1, ChannelImportance::l2, ChannelImportance::gamma})
    for (const ChannelScope scope : {ChannelScope::group, ChannelScope::model})
      checked(mobile_network(), {.sparsity = 0.4, .importance = importance, .scope = scope});
}

TEST(StructuredPruning, WhateverMayGoGoesWithoutChangingTheRest) {
  for (const Model& model :
       {mobile_network(), dense_network(), odd_network(), feed_forward_network()})
    for (const uint64_t seed : {1, 2, 3}) {
      const ChannelUnits channels = channel_units(model.program);
      const std::set<int32_t> gone = classes_by_chance(channels.units, seed);
      check_smaller(model, remove_channels(model, channels,
                                           [&](int32_t number) { return gone.contains(number); }));
    }
}

TEST(StructuredPruning, TheLeastChannelsGo) {
  Model model = drawn(zoo::mlp({.input = {4, 4, 1}, .hidden = {12}}));
  Tensor& kernel = model.weights[model.program.state_index("dense/kernel")];
  Tensor& reader = model.weights[model.program.state_index("dense_1/kernel")];
  for (int64_t i = 0; i < kernel.num_elements(); ++i) kernel.set(i, i % 12 % 2 == 0 ? 0.1 : 1);
  for (int64_t i = 0; i < reader.num_elements(); ++i) reader.set(i, i / 10 == 4 ? 9 : 0.01);
  const StructuredPruningOptions options{.sparsity = 0.5, .min_channels = 1, .round_to = 1};
  // Of the even ones, which the first layer makes small, number 4 is read by large weights.
  EXPECT_EQ(prune_channels(model, options).smaller.kept[model.program.state_index("dense/bias")][0],
            (std::vector<int64_t>{1, 3, 4, 5, 7, 9}));
}

TEST(StructuredPruning, TheWholeModelRankedTogetherLosesTheAskedShare) {
  const Model model = mobile_network();
  const StructuredPruning pruned =
      prune_channels(model, {.sparsity = 0.3, .scope = ChannelScope::model, .round_to = 1});
  int64_t before = 0, after = 0;
  for (const ChannelGroup& group : pruned.groups)
    if (group.layers[0] != "logits") before += group.channels, after += group.kept;
  EXPECT_NEAR(static_cast<double>(after) / static_cast<double>(before), 0.7, 0.01);
}

TEST(StructuredPruning, AnExcludedLayerKeepsItsGroup) {
  const StructuredPruning pruned =
      checked(mobile_network(), {.sparsity = 0.5, .exclude_layers = {"block2_project"}});
  EXPECT_EQ(group_of(pruned, "block1_project"),
            "block1_project block2_project block3_project: 24 of 24; exclude_layers names "
            "'block2_project'");
}

TEST(StructuredPruning, TheSmallerModelIsWrittenReadAndTheSame) {
  const TemporaryDirectory directory;
  const Model smaller = prune_channels(odd_network(), {.sparsity = 0.5}).smaller.model;
  const Tensor input = input_of(smaller, 2), wanted = outputs(smaller, input);
  const std::filesystem::path package = directory / "package", keras = directory / "small.keras";
  write_package(package, {smaller.program, smaller.weights, smaller.name, {}, "", "", false})
      .value();
  const Package read = read_package(package).value();
  EXPECT_TRUE(bit_equal(wanted, outputs({read.name, read.program, read.weights, {}}, input)));
  write_keras(smaller, keras).value();
  EXPECT_TRUE(bit_equal(wanted, outputs(load(keras).value(), input)));
}

TEST(StructuredPruning, RefusesWhatMeansNothing) {
  const Model model = mobile_network();
  const auto says = [](const auto& action, const std::string& part) {
    const std::string text = refusal(action);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says([&] { prune_channels(model, {.sparsity = 1}); }, "must be in [0, 1)");
  says([&] { prune_channels(model, {.round_to = 0}); }, "both must be positive");
  says([&] { prune_channels(model, {.exclude_layers = {""}}); },
       "no channel of model 'mobile' can go:\n  stem");
  says([&] { prune_channels(zoo::mlp(), {}); }, "has no weights");
  ModelBuilder flat("flat");
  const Model nothing = flat.finish({{"y", flat(Flatten{}, flat.input("x", {2, 2}))}});
  says([&] { prune_channels(nothing, {}); }, "it has no product of floats with weights");
  says([&] { prune_channels(drawn(zoo::mlp()), {.importance = ChannelImportance::gamma}); },
       "dense: no batch normalization scales it");
}

}  // namespace
}  // namespace brisk::test
