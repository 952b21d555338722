#include "brisk/compress/distillation.h"

#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/train/trainer.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"
#include "tests/train/tfmot_network.h"
#include "tests/train/tiny_training.h"

// Students against those that Keras's Distiller trained (tests/oracle/distillation.py), and what
// the teacher is in a step: constant, in inference mode, and in the way of no other technique.

namespace brisk::test {
namespace {

using testing::refusal;

const Json& keras_trainings() {
  static const Json json = parse_json(read_file(std::filesystem::path(BRISK_SOURCE_DIR) /
                                                "tests/train/keras_distillation.json")
                                          .value(),
                                      "keras_distillation.json")
                               .value()
                               .at("trainings");
  return json;
}

DistillationPtr taught_by(Model teacher, DistillationOptions options = {}) {
  return std::make_shared<const Distillation>(std::move(teacher), options);
}

class KerasDistillation : public ::testing::TestWithParam<size_t> {};

TEST_P(KerasDistillation, TrainsTheSameStudent) {
  const Json& json = keras_trainings().at(GetParam());
  TrainerOptions options;
  options.optimizer = sgd({.learning_rate = 0.1, .momentum = 0.9});
  options.distillation =
      taught_by(tfmot_network(json.at("teacher")),
                {.temperature = json.at("temperature"), .alpha = json.at("student_loss_weight")});
  Trainer trainer(tfmot_network(json.at("first")), options);
  const Dataset dataset = tfmot_examples(json);
  FitOptions fit;
  fit.epochs = json.at("epochs");
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics& metrics) {
    const auto epoch = static_cast<size_t>(report.epoch);
    EXPECT_NEAR(metrics.at("loss"), json.at("loss")[epoch].get<double>(), 1e-5);
    const Model model = trainer.model();
    for (const auto& [layer, wanted] : json.at("after_epoch")[epoch].items())
      for (const char* weight : {"kernel", "bias"}) {
        const Tensor& found = model.weights[model.program.state_index(layer + "/" + weight)];
        EXPECT_LT(relative_difference(
                      Tensor::of<float>(found.sizes(), wanted.at(weight).get<std::vector<float>>()),
                      found),
                  2e-5)
            << layer << " " << weight << " after epoch " << epoch;
      }
  };
  trainer.fit(dataset, fit);
}

INSTANTIATE_TEST_SUITE_P(Trainings, KerasDistillation, ::testing::Values(0, 1, 2));

/// A student of the images' three classes under a teacher with batch norm and dropout.
StepOptions taught(DistillationOptions options = {}) {
  StepOptions step;
  step.optimizer = sgd({.learning_rate = 0.05});
  step.distillation = taught_by(tiny_cnn(true), options);
  return step;
}

RunningStep running(const Model& student, const StepOptions& options, int64_t batch) {
  RunningStep step(student, options, batch);
  std::vector<Tensor> state = initial_step_state(step.program, student);
  options.distillation->place_teacher(step.program, state);
  step.executable->bind_state(state);
  return step;
}

TEST(Distillation, TheTeacherIsConstantAndInInferenceMode) {
  StepOptions options = taught({.alpha = 0});
  options.optimizer = sgd({.learning_rate = 0});
  RunningStep step = running(tiny_mlp(), options, 12);
  const std::vector<Tensor> batch = tiny_images(12);
  step.run(batch);
  const double first = step.results[0].item();
  step.run(batch);
  EXPECT_EQ(step.results[0].item(), first) << "something was dropped by chance";
  const Model& teacher = options.distillation->teacher();
  for (size_t i = 0; i < teacher.weights.size(); ++i)
    EXPECT_TRUE(
        bit_equal(step.state(teacher_entry(teacher.program.state[i].name)), teacher.weights[i]))
        << teacher.program.state[i].name;
  for (const std::string& slot : gradient_names(step.program))
    EXPECT_EQ(slot.find("teacher"), std::string::npos) << slot;
}

TEST(Distillation, AStudentThatIsItsTeacherHasNothingToLearn) {
  StepOptions options = gradient_options();
  options.distillation = taught_by(tiny_mlp(), {.temperature = 2, .alpha = 0});
  RunningStep step = running(tiny_mlp(), options, 6);
  step.run(tiny_images(6));
  EXPECT_NEAR(step.results[0].item(), 0, 1e-6);
  for (const std::string& slot : gradient_names(step.program)) {
    const Tensor gradient = step.state(slot);
    for (int64_t i = 0; i < gradient.num_elements(); ++i)
      EXPECT_NEAR(gradient.get(i), 0, 1e-6) << slot;
  }
}

TEST(Distillation, OfASoftmaxItsLogitsCount) {
  const auto network = [](const char* activation) {
    ModelBuilder model("network");
    const Value x = model(Flatten{}, model.input("image", {8, 8, 2}));
    Model result =
        model.finish({{"y", model(Dense{.units = 3, .activation = activation, .name = "d"}, x)}});
    result.initialize(9);
    return result;
  };
  std::vector<double> losses;
  for (const char* teacher : {"", "softmax"})
    for (const char* student : {"", "softmax"}) {
      StepOptions options = taught();
      options.distillation = taught_by(network(teacher));
      Model model = network(student);
      for (Tensor& weights : model.weights)
        for (int64_t i = 0; i < weights.num_elements(); ++i) weights.set(i, 0.5 * weights.get(i));
      RunningStep step = running(model, options, 6);
      step.run(tiny_images(6));
      losses.push_back(step.results[0].item());
    }
  for (const double loss : losses) EXPECT_NEAR(loss, losses[0], 1e-6);
}

TEST(Distillation, PartsOfABatchGiveTheSameStep) {
  const std::vector<Tensor> batch = tiny_images(12);
  std::vector<Tensor> kernels;
  for (const int64_t parts : {1, 3}) {
    StepOptions options = taught();
    options.accumulate = parts;
    RunningStep step = running(tiny_mlp(), options, 12);
    step.run(batch);
    kernels.push_back(step.state("dense/kernel"));
  }
  EXPECT_LT(relative_difference(kernels[0], kernels[1]), 1e-6);
}

TEST(Distillation, GoesTogetherWithOtherTechniques) {
  const Model student = tiny_cnn(false, 3);
  const Dataset dataset = tiny_dataset(64).batch(8);
  const auto trained = [&](TrainerOptions options) {
    options.optimizer = adam({.learning_rate = 0.005});
    options.distillation = taught_by(tiny_cnn(true));
    Trainer trainer(student, options);
    const History history = trainer.fit(dataset, {.epochs = 3});
    EXPECT_LT(history.epochs.back().at("loss"), history.epochs.front().at("loss"));
    return trainer.model();
  };
  const auto values_of = [](const Model& model) {
    const Tensor& kernel = model.weights[model.program.state_index("conv2d_1/kernel")];
    std::map<double, int64_t> counts;
    for (int64_t i = 0; i < kernel.num_elements(); ++i) ++counts[kernel.get(i)];
    return counts;
  };
  for (const Precision precision :
       {Precision::mixed_bfloat16, Precision::mixed_float16, Precision::float64}) {
    TrainerOptions options;
    options.precision = precision;
    trained(options);
  }
  TrainerOptions pruned;
  pruned.pruning = std::make_shared<const Pruning>(
      student, PruningOptions{.schedule = constant_sparsity(0.5, 0, {.frequency = 1})});
  EXPECT_EQ(values_of(trained(pruned))[0], 4 * 9 * 6 / 2);
  TrainerOptions clustered;
  clustered.clustering =
      std::make_shared<const Clustering>(student, ClusteringOptions{.number_of_clusters = 4});
  EXPECT_LE(values_of(trained(clustered)).size(), 4u);
}

TEST(Distillation, AResumedTrainingIsTheSame) {
  const Dataset dataset = tiny_dataset(64).batch(8);
  TrainerOptions options;
  options.distillation = taught_by(tiny_cnn(true));
  const TemporaryDirectory directory;
  Trainer whole(tiny_mlp(), options), first(tiny_mlp(), options), second(tiny_mlp(), options);
  whole.fit(dataset, {.epochs = 4});
  first.fit(dataset, {.epochs = 2, .directory = directory.path()});
  second.fit(dataset, {.epochs = 4, .directory = directory.path(), .resume = true});
  const Model a = whole.model(), b = second.model();
  for (size_t i = 0; i < a.weights.size(); ++i) EXPECT_TRUE(bit_equal(a.weights[i], b.weights[i]));
}

TEST(Distillation, RefusesTeachersThatDoNotFit) {
  const auto says = [](const auto& action, const std::string& part) {
    const std::string text = refusal(action);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says([&] { taught_by(tiny_mlp(), {.temperature = 0}); }, "must be positive");
  says([&] { taught_by(tiny_mlp(), {.alpha = 1.5}); }, "must be in [0, 1]");
  Model untrained = tiny_mlp();
  untrained.weights.clear();
  says([&] { taught_by(untrained); }, "has no weights");
  const Model other = tfmot_network(Json::object());
  says([&] { taught_by(other)->require_fits(tiny_mlp()); },
       "takes f32[batch, 12], but the student 'tiny_mlp' f32[batch, 8, 8, 2]");
  ModelBuilder builder("five");
  const Value x = builder(Flatten{}, builder.input("image", {8, 8, 2}));
  Model five = builder.finish({{"y", builder(Dense{.units = 5}, x)}});
  five.initialize();
  says([&] { taught_by(five)->require_fits(tiny_mlp()); }, "scores of the same classes");
}

}  // namespace
}  // namespace brisk::test
