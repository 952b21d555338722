// What brisk writes for Keras it reads again: the same graph, the same weights. (Keras itself reads
// it in tests/oracle/keras_models.py.)

#include "brisk/formats/keras/keras_file.h"

#include <gtest/gtest.h>

#include <array>

#include "brisk/base/file.h"
#include "brisk/formats/hdf5/hdf5_writer.h"
#include "brisk/formats/keras/weight_places.h"
#include "brisk/formats/keras/write_keras.h"
#include "brisk/formats/model_file.h"
#include "brisk/ir/text.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

class KerasFile : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  /// Writes, reads, writes and reads again.
  void expect_round_trip(Model model) {
    model.initialize(7);
    ASSERT_TRUE(write_keras(model, path("once.keras")).ok())
        << write_keras(model, path("once.keras")).error();
    const Result<KerasModel> once = read_keras(path("once.keras"));
    ASSERT_TRUE(once.ok()) << once.error();
    ASSERT_TRUE(once->unknown.empty());
    ASSERT_EQ(once->model.weights.size(), model.weights.size());
    for (size_t i = 0; i < model.weights.size(); ++i) {
      EXPECT_EQ(once->model.program.state[i].name, model.program.state[i].name);
      if (model.program.state[i].role == StateRole::random_key) continue;
      EXPECT_TRUE(bit_equal(once->model.weights[i], model.weights[i]))
          << model.program.state[i].name;
    }
    ASSERT_TRUE(write_keras(once->model, path("twice.keras")).ok());
    const Result<KerasModel> twice = read_keras(path("twice.keras"));
    ASSERT_TRUE(twice.ok()) << twice.error();
    EXPECT_EQ(print(twice->model.program), print(once->model.program));
  }

  test::TemporaryDirectory directory_;
};

TEST_F(KerasFile, ZooModelsComeBack) {
  expect_round_trip(zoo::mlp({.hidden = {16, 8}, .dropout = 0.2}));
  expect_round_trip(zoo::small_cnn({}));
  expect_round_trip(zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true}));
}

TEST_F(KerasFile, RecurrentAndAttentionLayersComeBack) {
  ModelBuilder model("sequence");
  Value x = model.input("x", {6, 8});
  x = model(
      Bidirectional{
          .layer = {R"({"class_name": "LSTM", "module": "keras.layers", "registered_name": null,
                                        "config": {"name": "lstm", "units": 4, "return_sequences": true}})"}},
      x);
  x = model(MultiHeadAttention{.num_heads = 2, .key_dim = 4}, {x, x});
  x = model(GRU{.units = 5}, x);
  x = model(Dense{.units = 2, .activation = "softmax"}, x);
  expect_round_trip(model.finish({{"dense", x}}));
}

// As save_weights(max_shard_size=...) spreads them: here the first layer's kernel stands alone.
TEST_F(KerasFile, WeightsInSeveralFiles) {
  Model model = zoo::mlp({.input = {3}, .hidden = {4}, .classes = 2});
  model.initialize(1);
  ASSERT_TRUE(write_keras(model, path("m.keras")).ok());
  const KerasModel whole = read_keras(path("m.keras")).value();
  const std::vector<WeightPlace> places = weight_places(whole.config, whole.model.program.state);
  std::array<Hdf5Writer, 2> writers;
  for (size_t i = 0; i < places.size(); ++i)
    ASSERT_TRUE(writers[i == 0 ? 0 : 1]
                    .add_dataset(fmt::format("{}/vars/{}", places[i].group, places[i].index),
                                 whole.model.weights[i])
                    .ok());
  for (size_t i = 0; i < 2; ++i)
    ASSERT_TRUE(write_file_atomically(path(fmt::format("m_{:05}.weights.h5", i)),
                                      writers[i].finish().value())
                    .ok());
  const auto load_by = [&](const std::string& map) {
    EXPECT_TRUE(write_file_atomically(path("m.weights.json"), map).ok());
    return load(path("m.keras"), {.weights = path("m.weights.json")});
  };
  const std::string map =
      R"({"weight_map": {"/layers/dense/vars": ["m_00000.weights.h5", "m_00001.weights.h5"],
                         "/layers/dense_1/vars": "m_00001.weights.h5"}})";
  const Model spread = load_by(map).value();
  for (size_t i = 0; i < places.size(); ++i)
    EXPECT_TRUE(bit_equal(spread.weights[i], whole.model.weights[i])) << i;

  EXPECT_NE(load_by(R"({"weight_map": {"/layers/dense/vars": "m_00001.weights.h5"}})")
                .error()
                .find("layers/dense/vars"),
            std::string::npos);
  std::filesystem::create_symlink(path("m_00000.weights.h5"), path("link.weights.h5"));
  for (const char* name : {"../x.weights.h5", "/etc/passwd", "..", "", "a/b.weights.h5",
                           "link.weights.h5", "none.weights.h5"}) {
    const auto refused = load_by(fmt::format(R"({{"weight_map": {{"/vars": "{}"}}}})", name));
    EXPECT_FALSE(refused.ok()) << name;
  }
  for (const char* json : {"[]", "{}", R"({"weight_map": {"/vars": 3}})", R"({"weight_map": {}})"})
    EXPECT_FALSE(load_by(json).ok()) << json;
}

TEST_F(KerasFile, TheTableOfFormatsKnowsKeras) {
  Model model = zoo::mlp({});
  model.initialize(1);
  ASSERT_TRUE(save(model, path("m.keras")).ok());
  EXPECT_EQ(find_model_format(path("m.keras")).value().name, "keras");
  EXPECT_EQ(load(path("m.keras")).value().weights.size(), model.weights.size());
  const ModelDescription description = describe(path("m.keras")).value();
  EXPECT_EQ(description.format, "keras");
  EXPECT_EQ(description.parameters, model.num_parameters());
}

TEST_F(KerasFile, AModelWithOpsOutsideOfLayersIsRefused) {
  ModelBuilder model("bare");
  const Value x = model.input("x", {4});
  Model made = model.finish({{"y", model(Dense{.units = 2}, x) + 1.0}});
  made.initialize(1);
  const Status status = write_keras(made, path("m.keras"));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().find("ops outside of layers"), std::string::npos) << status.error();
}

TEST_F(KerasFile, AModelWithoutWeightsIsRefused) {
  EXPECT_NE(write_keras(zoo::mlp({}), path("m.keras")).error().find("initialise or load it first"),
            std::string::npos);
}

/// x -> p -> q, x -> r, concatenate([r, q]): Keras's own order is x, p, r, q, c, whatever the
/// names.
TEST(WeightPlaces, FollowTheGraphAndNotTheNames) {
  ModelBuilder model("order");
  const Value x = model.input("x", {4});
  const Value p = model(Dense{.units = 4, .name = "dense_9"}, x);
  const Value q = model(Dense{.units = 4, .name = "dense_1"}, p);
  const Value r = model(Dense{.units = 4, .name = "dense_5"}, x);
  const Model made = model.finish({{"c", model(Concatenate{}, {r, q})}});
  FunctionalConfig config;
  config.layers = {{.name = "x", .class_name = "InputLayer"},
                   {.name = "dense_9", .class_name = "Dense", .calls = {{.inputs = {{"x"}}}}},
                   {.name = "dense_1", .class_name = "Dense", .calls = {{.inputs = {{"dense_9"}}}}},
                   {.name = "dense_5", .class_name = "Dense", .calls = {{.inputs = {{"x"}}}}},
                   {.name = "c",
                    .class_name = "Concatenate",
                    .calls = {{.inputs = {{"dense_5"}, {"dense_1"}}}}}};
  config.inputs = {{"x"}};
  config.outputs = {{"c"}};
  EXPECT_EQ(keras_layer_order(config), (std::vector<size_t>{0, 1, 3, 2, 4}));
  const std::vector<WeightPlace> places = weight_places(config, made.program.state);
  EXPECT_EQ(made.program.state[2].name, "dense_1/kernel");
  EXPECT_EQ(places[2].group, "layers/dense_2");
  EXPECT_EQ(places[4].group, "layers/dense_1");
  EXPECT_EQ(places[5].index, 1);
}

}  // namespace
}  // namespace brisk
