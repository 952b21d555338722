#include "brisk/compress/quantization_training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "brisk/base/file.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/train/trainer.h"
#include "tests/compress/residual_model.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"
#include "tests/train/tfmot_network.h"
#include "tests/train/tiny_training.h"

// tfmot_quantization.json is a training by TFMOT's quantizers
// (tests/oracle/quantization_training.py).

namespace brisk::test {
namespace {

/// A training of `model` with the roundings of its integers, whose first ranges come from `data`.
struct Roundings {
  QuantizationTrainingPtr quantization;
  TrainerOptions options;

  Roundings(const Model& model, const Dataset& data, const QuantizationTrainingOptions& how = {},
            PruningPtr pruning = nullptr, ClusteringPtr clustering = nullptr) {
    quantization = std::make_shared<const QuantizationTraining>(
        model, calibrate_model(fold_weights(model), data, {.method = CalibrationMethod::min_max}),
        how);
    options.optimizer = adam({.learning_rate = 0.002});
    options.compile.threads = 1;
    options.pruning = std::move(pruning);
    options.clustering = std::move(clustering);
    options.deployed = [this](const Model& trained) {
      return quantization->deployed(trained.weights).model;
    };
  }
};

std::vector<Tensor> run(const Model& model, const Tensor& input) {
  const Program program =
      bind_dimensions(for_inference(model.program), {{"batch", input.sizes()[0]}});
  const auto executable = compile(program, **find_backend("cpu")).executable;
  executable->bind_state(model.weights);
  std::vector<Tensor> results;
  for (const Tensor& result : executable->run(std::vector{input}))
    results.push_back(result.clone());
  return results;
}

TEST(QuantizationTraining, TrainsWhatTfmotTrains) {
  const std::string path = BRISK_SOURCE_DIR "/tests/train/tfmot_quantization.json";
  const Json json = parse_json(read_file(path, 1 << 24).value(), path).value();
  const Model first = tfmot_network(json.at("first"), "relu");
  const auto labels = json.at("labels").get<std::vector<int32_t>>();
  const auto count = static_cast<int64_t>(labels.size());
  const auto features =
      Tensor::of<float>({count, 12}, json.at("features").get<std::vector<float>>());
  const int64_t batch = json.at("batch");
  const Dataset dataset =
      from_tensor_slices({features, Tensor::of<int32_t>({count}, labels)}).batch(batch);
  ValueRanges ranges = calibrate_model(fold_weights(first), dataset);
  ASSERT_EQ(ranges.size(), 2u);
  for (auto& [value, range] : ranges)
    range.magnitude = json.at("first_ranges").at(range.is_signed() ? "x" : "hidden");
  const QuantizationTraining quantization(first, ranges);
  TrainerOptions options;
  options.optimizer = sgd({.learning_rate = 0.05, .momentum = 0.9});
  Trainer trainer(quantization.training_model(), options);
  FitOptions fit;
  fit.epochs = json.at("epochs");
  int epochs = 0;
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics&) {
    const Model trained = trainer.model();
    const Json& wanted = json.at("after_epoch").at(static_cast<size_t>(report.epoch));
    const auto agrees = [&](const std::string& entry, const Json& numbers) {
      const Tensor& found = trained.weights[trained.program.state_index(entry)];
      const Tensor tensor = Tensor::of<float>(found.sizes(), numbers.get<std::vector<float>>());
      EXPECT_LT(relative_difference(tensor, found), 2e-5)
          << entry << " after epoch " << report.epoch;
    };
    for (const std::string layer : {"hidden", "logits"})
      for (const char* weight : {"kernel", "bias"})
        agrees(layer + "/" + weight, wanted.at(layer).at(weight));
    for (const std::string value : {"x", "hidden"})
      agrees("quantization/" + value + "/magnitude", Json::array({wanted.at("ranges").at(value)}));
    const Tensor rows = Tensor::of<float>(
        {batch, 12}, features.data<float>().first(static_cast<size_t>(batch * 12)));
    const Tensor outputs =
        Tensor::of<float>({batch, 5}, wanted.at("outputs").get<std::vector<float>>());
    EXPECT_LT(relative_difference(outputs, run(trained, rows)[0]), 2e-5);
    // The integers that are deployed are those numbers, halfway cases aside.
    const Model integers = quantization.deployed(trained.weights).model;
    EXPECT_LT(relative_difference(outputs, run(integers, rows)[0]), 2e-5);
    ++epochs;
  };
  trainer.fit(dataset, fit);
  EXPECT_EQ(epochs, 3);
}

/// A block with a residual, a pool and a depthwise convolution; what each layer makes is a result.
Model residual_block() {
  ModelBuilder model("block");
  const Value image = model.input("image", {8, 8, 2});
  const auto normalized = [&](Value y, const std::string& name) {
    y = model(Conv2D{.filters = 16, .padding = "same", .use_bias = false, .name = name}, y);
    return model(BatchNormalization{.name = name + "_norm"}, y);
  };
  const Value first = model(ReLU{}, normalized(image, "first"));
  const Value pooled = model(MaxPooling2D{}, first);
  const Value a = model(ReLU{}, normalized(pooled, "a"));
  const Value joined = model(ReLU{}, model(Add{}, {pooled, normalized(a, "b")}));
  const Value depthwise =
      model(ReLU{.max_value = 6},
            model(BatchNormalization{.name = "depthwise_norm"},
                  model(DepthwiseConv2D{.padding = "same", .use_bias = false, .name = "depthwise"},
                        joined)));
  const Value logits =
      model(Dense{.units = 3, .name = "logits"}, model(GlobalAveragePooling2D{}, depthwise));
  Model result = model.finish({{"logits", logits},
                               {"first", first},
                               {"a", a},
                               {"joined", joined},
                               {"depthwise", depthwise}});
  result.initialize(3);
  vary_normalizations(result);
  return result;
}

TEST(QuantizationTraining, RoundsAsTheIntegerGraphDoes) {
  const Model model = residual_block();
  const Dataset data = tiny_dataset(64).batch(16);
  Roundings roundings(model, data);
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 3});
  const Model trained = trainer.model();
  const QuantizedModel deployed = roundings.quantization->deployed(trained.weights);
  for (const QuantizedLayer& layer : deployed.layers) EXPECT_TRUE(layer.quantized) << layer.label;
  const Tensor input = tiny_images(32, 5)[0];
  const std::vector<Tensor> wanted = run(deployed.model, input), found = run(trained, input);
  // "first" feeds the pool, "a" and "joined" convolutions: integers, each a step apart at most
  // where a sum lies halfway. What is read by an average alone stays float in both.
  std::map<std::string, double> steps;
  for (size_t i = 0; i < trained.program.state.size(); ++i) {
    const std::string& name = trained.program.state[i].name;
    if (name.starts_with("quantization/"))
      steps[name.substr(13, name.rfind('/') - 13)] = std::fabs(trained.weights[i].get(0)) / 255;
  }
  int64_t apart = 0, elements = 0;
  for (const auto& [result, layer] : {std::pair(1, "first"), {2, "a"}, {3, "b"}}) {
    ASSERT_TRUE(steps.contains(layer)) << layer;
    const auto i = static_cast<size_t>(result);
    for (int64_t j = 0; j < wanted[i].num_elements(); ++j) {
      const double away = std::fabs(wanted[i].get(j) - found[i].get(j)) / steps.at(layer);
      EXPECT_LT(away, 1.01) << layer << " " << j;
      apart += away > 0.5 ? 1 : 0;
    }
    elements += wanted[i].num_elements();
  }
  EXPECT_LT(apart * 1000, elements) << "more than halfway cases";
  EXPECT_LT(relative_difference(wanted[4], found[4]), 0.01);
  EXPECT_LT(relative_difference(wanted[0], found[0]), 0.01);
}

TEST(QuantizationTraining, IsEvaluatedByTheIntegerGraph) {
  const Dataset data = tiny_dataset(64).batch(16), other = tiny_dataset(40, 9).batch(16);
  Roundings roundings(tiny_cnn(true), data);
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 4});
  const Model integers = roundings.quantization->deployed(trainer.model().weights).model;
  int64_t products = 0;
  for (const Node& node : integers.program.graph.nodes())
    products += node.op->name.starts_with("quantized_") ? 1 : 0;
  EXPECT_EQ(products, 3);
  Trainer plain(integers, {});
  EXPECT_EQ(trainer.evaluate(other), plain.evaluate(other));
  EXPECT_TRUE(bit_equal(trainer.predict(other), plain.predict(other)));
  EXPECT_GT(trainer.evaluate(other).at("accuracy"), 0.6);
}

TEST(QuantizationTraining, RangesFollowTheirRule) {
  const Dataset data = tiny_dataset(64).batch(16);
  for (const RangeRule rule : {RangeRule::moving_average, RangeRule::learned, RangeRule::fixed}) {
    Roundings roundings(tiny_cnn(true), data, {.ranges = rule, .ema_decay = 0.9});
    const Model& first = roundings.quantization->training_model();
    Trainer trainer(first, roundings.options);
    trainer.fit(data, {.epochs = 4});
    const Model trained = trainer.model();
    int ranges = 0, moved = 0;
    for (size_t i = 0; i < first.program.state.size(); ++i) {
      if (!first.program.state[i].name.starts_with("quantization/")) continue;
      ++ranges;
      moved += trained.weights[i].get(0) != first.weights[i].get(0) ? 1 : 0;
    }
    EXPECT_EQ(ranges, 3);
    // Learned ones move where something lies beyond them: the images never do.
    EXPECT_EQ(moved, rule == RangeRule::moving_average ? 3 : rule == RangeRule::learned ? 2 : 0);
  }
}

TEST(QuantizationTraining, AResumedTrainingEndsInTheSameBits) {
  const Model model = tiny_cnn(true);
  const Dataset data = tiny_dataset(59).shuffle(32).batch(8);
  const auto train = [&](const std::filesystem::path& directory, bool resume, int64_t stop_after) {
    const Roundings roundings(model, tiny_dataset(32).batch(8));
    std::atomic<bool> stop = false;
    Trainer trainer(roundings.quantization->training_model(), roundings.options);
    FitOptions fit{.epochs = 3, .directory = directory, .resume = resume, .stop = &stop};
    fit.callbacks.on_step = [&](const StepReport& report) { stop = report.step >= stop_after; };
    trainer.fit(data, fit);
    return trainer.step().state();
  };
  const TemporaryDirectory whole, parts;
  const std::vector<Tensor> wanted = train(whole.path(), false, 1 << 30);
  train(parts.path(), false, 10);
  const std::vector<Tensor> resumed = train(parts.path(), true, 1 << 30);
  ASSERT_EQ(wanted.size(), resumed.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(bit_equal(wanted[i], resumed[i])) << i;
}

/// Every second weight of the convolutions is zero.
Model half_pruned() {
  Model model = tiny_cnn(true);
  for (const char* name : {"conv2d/kernel", "conv2d_1/kernel"}) {
    Tensor& kernel = model.weights[model.program.state_index(name)];
    for (int64_t i = 0; i < kernel.num_elements(); i += 2) kernel.set(i, 0);
  }
  return model;
}

void expect_zeros_kept(const Model& integers, const Model& pruned) {
  for (const char* name : {"conv2d/kernel", "conv2d_1/kernel"}) {
    const Tensor& stored = integers.weights[integers.program.state_index(name)];
    EXPECT_EQ(stored.dtype(), DType::i8);
    const Tensor& first = pruned.weights[pruned.program.state_index(name)];
    int64_t others = 0;
    for (int64_t i = 0; i < stored.num_elements(); ++i) {
      if (first.get(i) == 0)
        EXPECT_EQ(stored.get(i), 0) << name << " " << i;
      else
        others += stored.get(i) != 0 ? 1 : 0;
    }
    EXPECT_GT(others, 0);
  }
}

TEST(QuantizationTraining, KeepsEveryZeroOfAPrunedModel) {
  const Model pruned = half_pruned();
  const Dataset data = tiny_dataset(64).batch(16);
  Roundings roundings(
      pruned, data, {},
      std::make_shared<const Pruning>(pruned, PruningOptions{.preserve_sparsity = true}));
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 3});
  expect_zeros_kept(roundings.quantization->deployed(trainer.model().weights).model, pruned);
}

TEST(QuantizationTraining, KeepsClustersAndZeros) {
  const Model pruned = half_pruned();
  const Dataset data = tiny_dataset(64).batch(16);
  Roundings roundings(
      pruned, data, {}, nullptr,
      std::make_shared<const Clustering>(
          pruned, ClusteringOptions{.number_of_clusters = 5, .preserve_sparsity = true}));
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 3});
  const Model trained = trainer.model();
  const Model integers = roundings.quantization->deployed(trained.weights).model;
  expect_zeros_kept(integers, pruned);
  const Tensor& stored = integers.weights[integers.program.state_index("conv2d_1/kernel")];
  const int64_t channels = stored.sizes().back();
  for (int64_t c = 0; c < channels; ++c) {
    std::set<double> values;
    for (int64_t i = c; i < stored.num_elements(); i += channels) values.insert(stored.get(i));
    EXPECT_LE(values.size(), 5u) << "channel " << c;
  }
}

TEST(QuantizationTraining, WorksInDoublePrecision) {
  const Dataset data = tiny_dataset(64).batch(16);
  Roundings roundings(tiny_cnn(true), data);
  roundings.options.precision = Precision::float64;
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 4});
  EXPECT_GT(trainer.evaluate(data).at("accuracy"), 0.6);
}

TEST(QuantizationTraining, MovesItsRangesInEachPartOfABatch) {
  const Dataset data = tiny_dataset(64).batch(16);
  Roundings roundings(tiny_cnn(true), data, {.ema_decay = 0.5});
  roundings.options.accumulate = 4;
  Trainer trainer(roundings.quantization->training_model(), roundings.options);
  trainer.fit(data, {.epochs = 1});
  // The images' range, which no weight moves, by the definition.
  const Tensor images = tiny_images(64)[0];
  double range = 0;
  for (int64_t i = 0; i < images.num_elements(); ++i)
    range = std::max(range, std::fabs(images.get(i)));
  const int64_t part = images.num_elements() / 16;  // four parts in each of four steps
  for (int64_t first = 0; first < images.num_elements(); first += part) {
    double greatest = 0;
    for (int64_t i = first; i < first + part; ++i)
      greatest = std::max(greatest, std::fabs(images.get(i)));
    range = 0.5 * range + 0.5 * greatest;
  }
  const Model trained = trainer.model();
  const size_t entry = trained.program.state_index("quantization/image/magnitude");
  EXPECT_NEAR(trained.weights[entry].get(0), range, 1e-6);
}

TEST(QuantizationTraining, RefusesWhatItCannotTrain) {
  const auto says = [](const auto& action, const std::string& part) {
    const std::string text = testing::refusal(action);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const Model model = tiny_mlp();
  const ValueRanges ranges = calibrate_model(fold_weights(model), tiny_dataset(16).batch(8));
  says([&] { QuantizationTraining(model, ranges, {.ema_decay = 1}); }, "must be in (0, 1)");
  says(
      [&] {
        QuantizationTraining(model, ranges, {.float_layers = {"dense", "dense_1"}});
      },
      "has no product to quantize: chosen to stay float");
  Model fresh = model;
  fresh.weights.clear();
  says([&] { QuantizationTraining(fresh, ranges); }, "has no weights yet");
}

}  // namespace
}  // namespace brisk::test
