#include <gtest/gtest.h>

#include <fstream>

#include "brisk/train/trainer.h"
#include "tests/support/temporary_directory.h"
#include "tests/train/tiny_training.h"

// A training that was interrupted anywhere and went on must end with the bits of one that was not:
// weights, statistics, slots, dropout keys and the order of the data.

namespace brisk::test {
namespace {

constexpr int64_t kEpochs = 3, kStepsPerEpoch = 7;  // 59 examples in batches of 8, the rest is left over

Dataset shuffled_dataset() { return tiny_dataset(59).shuffle(32).batch(8).prefetch(2); }

TrainerOptions training_options() {
  TrainerOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.schedule = cosine_decay(0.01, kEpochs * kStepsPerEpoch);
  options.seed = 5;
  options.compile.threads = 1;
  return options;
}

struct Outcome {
  std::vector<Tensor> state;
  History history;
  std::vector<std::string> messages;
};

/// Trains, or goes on, until `stop_after` steps are done in all.
Outcome train(const std::filesystem::path& directory, bool resume, int64_t stop_after = 1 << 30,
              TrainerOptions options = training_options(), const Dataset& dataset = shuffled_dataset()) {
  Outcome outcome;
  std::atomic<bool> stop = false;
  Trainer trainer(tiny_cnn(true), std::move(options));
  FitOptions fit;
  fit.epochs = kEpochs;
  fit.directory = directory;
  fit.resume = resume;
  fit.stop = &stop;
  fit.callbacks.on_step = [&](const StepReport& report) { stop = report.step >= stop_after; };
  fit.callbacks.on_message = [&](const std::string& text) { outcome.messages.push_back(text); };
  outcome.history = trainer.fit(dataset, fit);
  outcome.state = trainer.step().state();
  return outcome;
}

void expect_bit_equal(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.state.size(), b.state.size());
  for (size_t i = 0; i < a.state.size(); ++i) EXPECT_TRUE(bit_equal(a.state[i], b.state[i])) << "state entry " << i;
  EXPECT_EQ(a.history.steps, b.history.steps);
  EXPECT_EQ(a.history.epochs, b.history.epochs);
}

std::string refusal_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

void overwrite_byte(const std::filesystem::path& path, int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const auto old = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(old ^ 1));
}

TEST(Resume, TwoRunsOfOneSeedAreBitEqualAndAnotherSeedIsNot) {
  const TemporaryDirectory a, b, c;
  const Outcome first = train(a.path(), false), second = train(b.path(), false);
  expect_bit_equal(first, second);
  TrainerOptions other = training_options();
  other.seed = 6;
  const Outcome third = train(c.path(), false, 1 << 30, other);
  EXPECT_FALSE(bit_equal(first.state[0], third.state[0]));
}

class StoppedAfter : public testing::TestWithParam<int64_t> {};

TEST_P(StoppedAfter, GoesOnToTheSameBits) {
  const TemporaryDirectory whole, parts;
  const Outcome uninterrupted = train(whole.path(), false);
  EXPECT_EQ(uninterrupted.history.steps, kEpochs * kStepsPerEpoch);
  const Outcome stopped = train(parts.path(), false, GetParam());
  EXPECT_TRUE(stopped.history.stopped);
  const Outcome resumed = train(parts.path(), true);
  EXPECT_FALSE(resumed.history.stopped);
  expect_bit_equal(uninterrupted, resumed);
  ASSERT_EQ(resumed.messages.size(), 1u);
  EXPECT_NE(resumed.messages[0].find("going on after step"), std::string::npos) << resumed.messages[0];
}

// The first step, amid an epoch, the last step of an epoch, the first of the next, the last but one.
INSTANTIATE_TEST_SUITE_P(Steps, StoppedAfter, testing::Values(1, 4, 7, 8, 17, 20),
                         [](const auto& info) { return "Step" + std::to_string(info.param); });

TEST(Resume, EveryStepInAProcessOfItsOwnIsTheSameToo) {
  const TemporaryDirectory whole, parts;
  const Outcome uninterrupted = train(whole.path(), false);
  Outcome last;
  for (int64_t step = 1; step <= kEpochs * kStepsPerEpoch; ++step) last = train(parts.path(), step > 1, step);
  expect_bit_equal(uninterrupted, last);
}

TEST(Resume, AFinishedTrainingIsNotTrainedAgain) {
  const TemporaryDirectory directory;
  const Outcome done = train(directory.path(), false);
  expect_bit_equal(done, train(directory.path(), true));
}

TEST(Resume, WithoutACheckpointStartsAnew) {
  const TemporaryDirectory whole, empty;
  expect_bit_equal(train(whole.path(), false), train(empty / "not" / "there", true));
}

TEST(Resume, ADivergedTrainingCanGoOn) {
  const TemporaryDirectory directory;
  TrainerOptions options = training_options();
  options.schedule = constant_schedule(INFINITY);
  const Outcome stopped = train(directory.path(), false, 10, options);
  ASSERT_TRUE(std::isnan(stopped.history.epochs.at(0).at("loss")));
  const Outcome resumed = train(directory.path(), true, 12, options);
  EXPECT_TRUE(std::isnan(resumed.history.epochs.at(0).at("loss")));
  EXPECT_EQ(resumed.history.steps, 12);
}

TEST(Resume, RefusesACheckpointOfAnotherTraining) {
  const TemporaryDirectory directory;
  train(directory.path(), false, 4);
  const auto refused = [&](const auto& change, const Dataset& dataset = shuffled_dataset()) {
    TrainerOptions options = training_options();
    change(options);
    return refusal_of([&] { train(directory.path(), true, 1 << 30, options, dataset); });
  };
  const auto nothing = [](TrainerOptions&) {};
  for (const std::string& message :
       {refused([](TrainerOptions& o) { o.optimizer = sgd({.momentum = 0.9}); }),
        refused([](TrainerOptions& o) { o.optimizer = adam({.beta_1 = 0.8}); }),
        refused([](TrainerOptions& o) { o.precision = Precision::float64; }),
        refused([](TrainerOptions& o) { o.accumulate = 2; }), refused([](TrainerOptions& o) { o.seed = 6; }),
        refused([](TrainerOptions& o) { o.fingerprint = "other data"; }),
        refused(nothing, tiny_dataset(59).shuffle(32).batch(4)), refused(nothing, tiny_dataset(48).shuffle(32).batch(8))}) {
    EXPECT_NE(message.find("belongs to another training"), std::string::npos) << message;
    EXPECT_NE(message.find(directory.path().string()), std::string::npos) << message;
  }
  EXPECT_EQ(refused(nothing), "no refusal");
}

TEST(Resume, ADamagedNewestCheckpointIsPassedOverWithAWarning) {
  const TemporaryDirectory whole;
  const Outcome uninterrupted = train(whole.path(), false);
  for (const std::string file : {"state.safetensors", "checkpoint.json"})
    for (const double place : {0.1, 0.5, 0.9}) {
      const TemporaryDirectory directory;
      train(directory.path(), false, 17);  // checkpoints 14, of the epoch's end, and 17
      const std::filesystem::path damaged = directory / "checkpoint-17" / file;
      const auto size = static_cast<double>(std::filesystem::file_size(damaged));
      overwrite_byte(damaged, static_cast<int64_t>(size * place));
      const Outcome resumed = train(directory.path(), true);
      ASSERT_EQ(resumed.messages.size(), 2u) << file << " at " << place;
      EXPECT_NE(resumed.messages[0].find("passed over"), std::string::npos) << resumed.messages[0];
      EXPECT_NE(resumed.messages[0].find("checkpoint-17"), std::string::npos) << resumed.messages[0];
      EXPECT_NE(resumed.messages[1].find("after step 14"), std::string::npos) << resumed.messages[1];
      expect_bit_equal(uninterrupted, resumed);
    }
}

TEST(Resume, MissingOrCutFilesArePassedOverToo) {
  const TemporaryDirectory directory;
  train(directory.path(), false, 17);
  std::filesystem::resize_file(directory / "checkpoint-17" / "state.safetensors", 100);
  EXPECT_NE(train(directory.path(), true, 15).messages.at(1).find("after step 14"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory / "checkpoint-17")) << "what was passed over is in the way";
  std::filesystem::remove(directory / "checkpoint-15" / "checkpoint.json");
  EXPECT_NE(train(directory.path(), true, 15).messages.at(1).find("after step 14"), std::string::npos);
}

TEST(Resume, WhenNoCheckpointCanBeReadItRefusesAndDoesNotStartAnew) {
  const TemporaryDirectory directory;
  train(directory.path(), false, 4);
  std::filesystem::resize_file(directory / "checkpoint-4" / "state.safetensors", 100);
  const std::string message = refusal_of([&] { train(directory.path(), true); });
  EXPECT_NE(message.find("no checkpoint in"), std::string::npos) << message;
  EXPECT_NE(message.find("checkpoint-4"), std::string::npos) << message;
}

}  // namespace
}  // namespace brisk::test
