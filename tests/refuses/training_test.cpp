// Misuse of optimizers, schedules, steps and the trainer.

#include "brisk/data/memory_source.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/trainer.h"
#include "tests/refuses/misuse.h"

namespace brisk::testing {
namespace {

Model model() {
  Model made = zoo::mlp({.input = {4}, .hidden = {3}, .classes = 2});
  made.initialize();
  return made;
}

Dataset rows(std::vector<int64_t> sizes = {8, 4}, DType labels = DType::i32) {
  const int64_t count = sizes[0];
  return from_tensor_slices(
      {Tensor::zeros(DType::f32, std::move(sizes)), Tensor::zeros(labels, {count})});
}

/// Eight rows of which number 3 has this label.
Dataset labelled(int32_t label) {
  return from_tensor_slices(
      {Tensor::zeros(DType::f32, {8, 4}), Tensor::of<int32_t>({8}, {0, 1, 0, label, 1, 0, 1, 0})});
}

StepOptions step_options() {
  StepOptions options;
  options.optimizer = sgd();
  return options;
}

template <typename Change>
void make_step(const Change& change, int64_t batch_size = 8) {
  StepOptions options = step_options();
  change(options);
  make_training_step(model(), options, batch_size);
}

void fit(const Dataset& dataset, TrainerOptions options = {}, FitOptions fit_options = {}) {
  Trainer(model(), std::move(options)).fit(dataset, fit_options);
}

class RefusesTraining : public Refuses {};
TEST_P(RefusesTraining, WithBothValues) {
  expect_refusal();
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, RefusesTraining,
    ::testing::Values(
        Misuse{"NegativeRate", [] { sgd({.learning_rate = -1}); }, "[sgd] learning_rate is -1"},
        Misuse{"RateThatIsNoNumber", [] { adam({.learning_rate = std::nan("")}); },
               "[adam] learning_rate is nan"},
        Misuse{"Momentum", [] { sgd({.momentum = 1.5}); },
               "[sgd] momentum is 1.5, but must be in [0, 1]"},
        Misuse{"NesterovWithoutMomentum", [] { sgd({.nesterov = true}); },
               "nesterov needs a momentum"},
        Misuse{"Beta", [] { adam({.beta_2 = 1}); }, "[adam] beta is 1, but must be in [0, 1)"},
        Misuse{"Epsilon", [] { adamw({.epsilon = -1}); }, "[adamw] epsilon is -1"},
        Misuse{"TwoClippings", [] { adam({.clipnorm = 1, .clipvalue = 2}); },
               "at most one of clipnorm (1), global_clipnorm (0) and clipvalue (2)"},
        Misuse{"DecaySteps", [] { cosine_decay(0.1, 0); }, "[cosine_decay] decay_steps is 0"},
        Misuse{"WarmupSteps", [] { cosine_decay(0.1, 5, {.warmup_steps = -1}); },
               "warmup_steps is -1"},
        Misuse{"TotalSteps", [] { one_cycle(0.1, 0); }, "[one_cycle] total_steps is 0"},
        Misuse{"PctStart", [] { one_cycle(0.1, 5, {.pct_start = 1}); },
               "pct_start is 1, but must be in (0, 1)"}),
    misuse_name);

INSTANTIATE_TEST_SUITE_P(
    Steps, RefusesTraining,
    ::testing::Values(
        Misuse{"NoOptimizer", [] { make_step([](StepOptions& o) { o.optimizer = nullptr; }); },
               "needs an optimizer"},
        Misuse{"PartsThatDoNotDivide", [] { make_step([](StepOptions& o) { o.accumulate = 3; }); },
               "a batch of 8 examples cannot be split into 3 equal parts"},
        Misuse{"NoParts", [] { make_step([](StepOptions& o) { o.accumulate = 0; }); },
               "into 0 equal parts"},
        Misuse{"EmptyBatch", [] { make_step([](StepOptions&) {}, 0); },
               "the batch size is 0, but must be positive"},
        Misuse{"NegativeBatch", [] { make_step([](StepOptions&) {}, -8); },
               "the batch size is -8, but must be positive"},
        Misuse{"EmptyEvaluation", [] { make_evaluation_step(model(), step_options(), 0); },
               "the batch size is 0, but must be positive"},
        Misuse{"UnknownMetric", [] { make_step([](StepOptions& o) { o.metrics = {"acuracy"}; }); },
               "did you mean 'accuracy'?"},
        Misuse{"UnknownLoss", [] { make_step([](StepOptions& o) { o.loss.name = "mse2"; }); },
               "there is no loss 'mse2'"},
        Misuse{"UnknownPass",
               [] { make_step([](StepOptions& o) { o.disabled_passes = {"simplfy"}; }); },
               "did you mean 'simplify'?"},
        Misuse{"WeightsOfAnUninitialisedModel",
               [] {
                 const Model bare = zoo::mlp({.input = {4}, .hidden = {3}, .classes = 2});
                 initial_step_state(make_training_step(bare, step_options(), 8), bare);
               },
               "model 'mlp' has no weights yet"}),
    misuse_name);

INSTANTIATE_TEST_SUITE_P(
    Trainers, RefusesTraining,
    ::testing::Values(
        Misuse{"UnknownBackend", [] { Trainer(model(), {.backend = "tpu"}); },
               "there is no backend 'tpu'"},
        Misuse{"DatasetWithoutBatches", [] { fit(rows()); }, "the dataset is not batched"},
        Misuse{"FeaturesOfOtherSizes",
               [] {
                 fit(rows({8, 5}).batch(4));
               },
               "is f32[5], but input 'image' of model 'mlp' takes f32[4]"},
        Misuse{"NoLabels",
               [] {
                 fit(from_tensor_slices({Tensor::zeros(DType::f32, {8, 4})}).batch(4));
               },
               "the dataset has 1 components, but model 'mlp' takes 2"},
        Misuse{"LabelsOfAnotherType",
               [] {
                 fit(rows({8, 4}, DType::f32).batch(4));
               },
               "i32[4], but f32[4] is given"},
        Misuse{"MoreComponentsThanTaken",
               [] {
                 fit(from_tensor_slices({Tensor::zeros(DType::f32, {8, 4}),
                                         Tensor::zeros(DType::i32, {8}),
                                         Tensor::zeros(DType::i32, {8})})
                         .batch(4));
               },
               "2"},
        Misuse{"LabelsOfNoClass", [] { fit(labelled(2).batch(4)); },
               "example 3 of a batch has the label 2, but model 'mlp' has the classes 0 to 1"},
        Misuse{"NegativeLabels", [] { Trainer(model(), {}).evaluate(labelled(-1).batch(4)); },
               "has the label -1"},
        Misuse{"NotOneBatch", [] { fit(rows().batch(16)); }, "not one full batch of 16 examples"},
        Misuse{"NegativeEpochs", [] { fit(rows().batch(4), {}, {.epochs = -1}); }, "epochs is -1"},
        Misuse{"EndlessEvaluation", [] { Trainer(model(), {}).evaluate(rows().repeat().batch(4)); },
               "no end"},
        Misuse{"EmptyEvaluation", [] { Trainer(model(), {}).evaluate(rows().take(0).batch(4)); },
               "no examples"},
        Misuse{"EndlessPrediction", [] { Trainer(model(), {}).predict(rows().repeat().batch(4)); },
               "no end"},
        Misuse{"EmptyPrediction", [] { Trainer(model(), {}).predict(rows().take(0).batch(4)); },
               "no examples"},
        Misuse{"StepBeforeItIsCompiled", [] { Trainer(model(), {}).step(); },
               "the step is not compiled yet"},
        Misuse{"ZooName",
               [] {
                 zoo::by_name("resnet5", {32, 32, 3}, 10);
               },
               "did you mean 'resnet50'?"},
        Misuse{"ZooClasses", [] { zoo::by_name("mlp", {4}, 0); }, "units is 0"},
        Misuse{"ZooDropout",
               [] {
                 zoo::by_name("resnet18", {32, 32, 3}, 10, 0.5);
               },
               "model 'resnet18' has no dropout, so its rate cannot be 0.5"},
        Misuse{"ZooInput", [] { zoo::by_name("small_cnn", {4}, 10); },
               "with 2 spatial axes, but is f32[batch, 4]"},
        Misuse{"ZooSmallImage",
               [] {
                 zoo::by_name("small_cnn", {3, 3, 1}, 10);
               },
               "[max_pool]"},
        Misuse{"AirbenchSmallImage",
               [] {
                 zoo::by_name("airbench", {32, 7, 3}, 10);
               },
               "at least 8 by 8, not [32, 7, 3]"},
        Misuse{"ZooResize",
               [] {
                 zoo::by_name("airbench", {32, 32, 3}, 10, -1, {64, 64});
               },
               "model 'airbench' takes images as they come"},
        Misuse{"NoInputSizes", [] { zoo::by_name("resnet18", {}, 10); },
               "[batch, spatial..., channels]"}),
    misuse_name);

}  // namespace
}  // namespace brisk::testing
