#include "brisk/compress/pruning.h"

#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/compress/prunable_parameters.h"
#include "brisk/compress/sparsity_report.h"
#include "brisk/train/trainer.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"
#include "tests/train/tfmot_network.h"
#include "tests/train/tiny_training.h"

// Training with masks: against a training that TFMOT pruned (tests/oracle/pruning_masks.py), and
// that masks are state which a resumed training goes on with.

namespace brisk::test {
namespace {

const Json& tfmot_training() {
  static const Json json = parse_json(read_file(std::filesystem::path(BRISK_SOURCE_DIR) /
                                                "tests/compress/tfmot_pruning.json")
                                          .value(),
                                      "tfmot_pruning.json")
                               .value()
                               .at("training");
  return json;
}

std::string bits_of(const Tensor& mask) {
  std::string bits;
  for (int64_t i = 0; i < mask.num_elements(); ++i) bits += mask.get(i) != 0 ? '1' : '0';
  return bits;
}

/// All weights of a layer after an epoch: TFMOT's and ours differ by rounding alone.
double difference_from(const Json& wanted, const Model& model) {
  double largest = 0;
  for (const auto& [layer, json] : wanted.items())
    for (const char* weight : {"kernel", "bias"}) {
      const Tensor& ours = model.weights[model.program.state_index(layer + "/" + weight)];
      largest = std::max(
          largest,
          relative_difference(
              Tensor::of<float>(ours.sizes(), json.at(weight).get<std::vector<float>>()), ours));
    }
  return largest;
}

TEST(Pruning, MovementIsThatOfAutograd) {
  const Json json = parse_json(read_file(std::filesystem::path(BRISK_SOURCE_DIR) /
                                         "tests/train/torch_movement.json")
                                   .value(),
                               "torch_movement.json")
                        .value();
  const Json& s = json.at("schedule");
  const Model first = tfmot_network(json.at("first"));
  TrainerOptions options;
  options.optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  options.precision = Precision::float64;
  options.pruning = std::make_shared<const Pruning>(
      first, PruningOptions{.schedule = polynomial_decay(s["initial_sparsity"], s["final_sparsity"],
                                                         s["begin_step"], s["end_step"],
                                                         {.frequency = s["frequency"]}),
                            .criterion = PruningCriterion::movement});
  const Program step = make_training_step(
      first, {.optimizer = options.optimizer, .pruning = options.pruning}, json.at("batch"));
  Trainer trainer(first, options);
  FitOptions fit;
  fit.epochs = json.at("epochs");
  fit.callbacks.on_step = [&](const StepReport& report) {
    for (const auto& [layer, wanted] :
         json.at("masks")[static_cast<size_t>(report.step - 1)].items())
      EXPECT_EQ(bits_of(trainer.step().state(step.state_index(mask_name(layer + "/kernel")))),
                wanted.get<std::string>())
          << layer << " in step " << report.step;
  };
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics&) {
    const Json& wanted = json.at("after_epoch")[static_cast<size_t>(report.epoch)];
    EXPECT_LT(difference_from(wanted, trainer.model()), 1e-6) << "after epoch " << report.epoch;
    for (const auto& [layer, of_layer] : wanted.items()) {
      const auto agrees = [&](const char* what, const std::string& entry) {
        const Tensor found = trainer.step().state(step.state_index(entry));
        EXPECT_LT(relative_difference(
                      Tensor::of<float>(found.sizes(), of_layer.at(what).get<std::vector<float>>()),
                      found),
                  1e-6)
            << what << " of " << layer;
      };
      agrees("beneath", layer + "/kernel");
      agrees("scores", score_name(layer + "/kernel"));
    }
  };
  trainer.fit(tfmot_examples(json), fit);
}

TEST(Pruning, MasksAreTheSameOnAnyNumberOfThreads) {
  const Model model = tiny_cnn(true);
  std::vector<Tensor> weights;
  for (const PruningScope scope : {PruningScope::tensor, PruningScope::model}) {
    const Pruning pruning(model, {.schedule = constant_sparsity(0.6, 0), .scope = scope});
    weights.clear();
    for (const std::string& name : pruning.parameters())
      weights.push_back(model.weights[model.program.state_index(name)]);
    const std::vector<Tensor> one = pruning.choose_masks(1, weights, 1);
    for (const int threads : {2, 3, 8}) {
      const std::vector<Tensor> many = pruning.choose_masks(1, weights, threads);
      for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(bit_equal(one[i], many[i]));
    }
  }
}

TEST(Pruning, MasksOfAWholeDecayAreTfmots) {
  const Json& json = tfmot_training();
  const Json& s = json.at("schedule");
  const Model first = tfmot_network(json.at("first"));
  TrainerOptions options;
  options.optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  options.pruning = std::make_shared<const Pruning>(
      first, PruningOptions{.schedule = polynomial_decay(s["initial_sparsity"], s["final_sparsity"],
                                                         s["begin_step"], s["end_step"],
                                                         {.frequency = s["frequency"]})});
  Trainer trainer(first, options);
  const Dataset dataset = tfmot_examples(json);
  FitOptions fit;
  fit.epochs = json.at("epochs");
  const Program step = make_training_step(
      first, {.optimizer = options.optimizer, .pruning = options.pruning}, json.at("batch"));
  size_t choices = 0;
  fit.callbacks.on_step = [&](const StepReport& report) {
    const Json& masks = json.at("masks")[static_cast<size_t>(report.step - 1)];
    for (const auto& [layer, wanted] : masks.items()) {
      const size_t entry = step.state_index(mask_name(layer + "/kernel"));
      EXPECT_EQ(bits_of(trainer.step().state(entry)), wanted.get<std::string>())
          << layer << " in step " << report.step;
    }
    choices += options.pruning->due(report.step) ? 1 : 0;
  };
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics&) {
    EXPECT_LT(
        difference_from(json.at("after_epoch")[static_cast<size_t>(report.epoch)], trainer.model()),
        2e-5)
        << "after epoch " << report.epoch;
  };
  trainer.fit(dataset, fit);
  EXPECT_EQ(choices, 8u);
  const SparsityReport report = sparsity_report(trainer.model());
  EXPECT_EQ(report.elements, 12 * 16 + 16 * 5);
  EXPECT_NEAR(static_cast<double>(report.zeros) / static_cast<double>(report.elements), 0.8, 0.005);
}

TrainerOptions pruned_options(const Model& model, PruningOptions pruning) {
  TrainerOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.seed = 5;
  options.compile.threads = 1;
  options.pruning = std::make_shared<const Pruning>(model, std::move(pruning));
  return options;
}

PruningOptions decay() {
  return {.schedule = polynomial_decay(0.2, 0.7, 0, 18, {.frequency = 3})};
}

std::vector<Tensor> train(const std::filesystem::path& directory, bool resume, int64_t stop_after,
                          const TrainerOptions& options) {
  std::atomic<bool> stop = false;
  Trainer trainer(tiny_cnn(true), options);
  FitOptions fit{.epochs = 3, .directory = directory, .resume = resume, .stop = &stop};
  fit.callbacks.on_step = [&](const StepReport& report) { stop = report.step >= stop_after; };
  trainer.fit(tiny_dataset(59).shuffle(32).batch(8), fit);
  return trainer.step().state();
}

TEST(Pruning, AResumedTrainingHasTheSameMasksAndWeights) {
  for (const PruningCriterion criterion :
       {PruningCriterion::magnitude, PruningCriterion::movement}) {
    PruningOptions pruning = decay();
    pruning.criterion = criterion;
    const TrainerOptions options = pruned_options(tiny_cnn(true), pruning);
    const TemporaryDirectory whole;
    const std::vector<Tensor> wanted = train(whole.path(), false, 1 << 30, options);
    for (const int64_t stop : {1, 3, 5, 7, 8, 20}) {
      const TemporaryDirectory parts;
      train(parts.path(), false, stop, options);
      const std::vector<Tensor> resumed = train(parts.path(), true, 1 << 30, options);
      ASSERT_EQ(wanted.size(), resumed.size());
      for (size_t i = 0; i < wanted.size(); ++i)
        EXPECT_TRUE(bit_equal(wanted[i], resumed[i]))
            << "stopped after " << stop << ", entry " << i;
    }
  }
}

TEST(Pruning, ACheckpointOfAnotherPruningIsRefused) {
  const TemporaryDirectory directory;
  train(directory.path(), false, 4, pruned_options(tiny_cnn(true), decay()));
  PruningOptions other = decay();
  other.schedule.final_sparsity = 0.6;
  const TrainerOptions options = pruned_options(tiny_cnn(true), other);
  const std::string text =
      testing::refusal([&] { train(directory.path(), true, 1 << 30, options); });
  EXPECT_NE(text.find("belongs to another training"), std::string::npos) << text;
}

TEST(Pruning, WhatIsHandedOutAndEvaluatedIsMasked) {
  const Model model = tiny_cnn(true);
  const TrainerOptions options =
      pruned_options(model, {.schedule = constant_sparsity(0.5, 0, {.frequency = 1})});
  Trainer trainer(model, options);
  bool seen = false;
  FitOptions fit;
  fit.callbacks.on_step = [&](const StepReport& report) {
    if (report.step != 3) return;
    seen = true;
    const SparsityReport size = sparsity_report(trainer.model());
    EXPECT_NEAR(static_cast<double>(size.zeros) / static_cast<double>(size.elements), 0.5, 0.01);
  };
  trainer.fit(tiny_dataset(64).batch(16), fit);
  EXPECT_TRUE(seen);
}

class InPruningPrecision : public ::testing::TestWithParam<Precision> {};

TEST_P(InPruningPrecision, ZerosStayThroughTraining) {
  const Model model = tiny_cnn(true);
  TrainerOptions options =
      pruned_options(model, {.group_zeros = 2, .group_size = 4, .exclude_layers = {"conv2d/"}});
  options.precision = GetParam();
  options.accumulate = 2;
  Trainer trainer(model, options);
  trainer.fit(tiny_dataset(64).batch(16), {.epochs = 2});
  // Of 54 inputs of the last layer two are no whole group.
  const std::map<std::string, int64_t> zeros = {
      {"conv2d/kernel", 0}, {"conv2d_1/kernel", 108}, {"dense/kernel", 78}};
  for (const ParameterSparsity& p : sparsity_report(trainer.model()).parameters)
    if (zeros.contains(p.name)) EXPECT_EQ(p.zeros, zeros.at(p.name)) << p.name;
}

INSTANTIATE_TEST_SUITE_P(, InPruningPrecision,
                         ::testing::Values(Precision::float32, Precision::float64,
                                           Precision::mixed_bfloat16, Precision::mixed_float16));

TEST(Pruning, OfAWholeModelTakesMoreFromLargeLayers) {
  const Model model = tiny_mlp();
  TrainerOptions options = pruned_options(
      model,
      {.schedule = constant_sparsity(0.5, 1, {.frequency = 1}), .scope = PruningScope::model});
  Trainer trainer(model, options);
  trainer.fit(tiny_dataset(64).batch(16));
  const SparsityReport report = sparsity_report(trainer.model());
  EXPECT_EQ(report.zeros, report.elements / 2);
  EXPECT_NE(report.parameters[0].zeros * 2, report.parameters[0].elements);
}

TEST(PrunableParameters, AreFactorsOfProductsOfAnyLayer) {
  ModelBuilder model("mixed");
  Value x = model.input("image", {8, 8, 4});
  x = model(Conv2D{.filters = 4, .name = "conv"}, x);
  x = model(DepthwiseConv2D{.name = "depthwise"}, x);
  x = model(SeparableConv2D{.filters = 4, .kernel_size = {1, 1}, .name = "separable"}, x);
  x = model(BatchNormalization{.name = "norm"}, x);
  x = model(Conv2DTranspose{.filters = 2, .name = "transposed"}, x);
  x = model(Reshape{.target_shape = {-1, 4}}, x);
  x = model(LSTM{.units = 3, .name = "lstm"}, x);
  const Model built = model.finish({{"y", model(Dense{.units = 2, .name = "dense"}, x)}});
  EXPECT_EQ(
      prunable_parameters(built),
      (std::vector<std::string>{"conv/kernel", "separable/pointwise_kernel", "transposed/kernel",
                                "lstm/cell/kernel", "lstm/cell/recurrent_kernel", "dense/kernel"}));
}

TEST(Pruning, RefusesWhatCannotBePruned) {
  const Model model = tiny_cnn(false);
  const auto refused = [&](PruningOptions options) {
    return testing::refusal([&] { Pruning(model, std::move(options)); });
  };
  const auto says = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says(refused({.exclude_layers = {"kernel"}}), "exclude_layers names them all");
  says(refused({.block = {1, 4}}),
       "blocks of weights are for parameters of two axes, but 'conv2d/kernel' is f32[3, 3, 2, 4]");
  says(refused({.block = {0, 4}}), "holds none");
  says(refused({.group_zeros = 4, .group_size = 4}), "give fewer zeros than weights");
  says(refused({.scope = PruningScope::model, .group_zeros = 2, .group_size = 4}),
       "no scope 'model'");
  EXPECT_EQ(refused({.block = {1, 4}, .exclude_layers = {"conv2d"}}), "");
}

}  // namespace
}  // namespace brisk::test
