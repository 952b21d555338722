#include "brisk/train/checkpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "brisk/base/file.h"
#include "brisk/train/trainer.h"
#include "tests/support/child_process.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

Checkpoint sample(int64_t step, int64_t elements = 4) {
  return {.step = step,
          .position = {step / 10, step % 10},
          .names = {"weights", "key"},
          .state = {Tensor::zeros(DType::f32, {elements}), Tensor::of<uint32_t>({2}, {1, 2})},
          .history = R"({"epochs": []})",
          .recipe = "abc"};
}

/// Files may not grow beyond `bytes` while it lives: what a full disk does to a writer.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_{};
  sighandler_t previous_handler_ = SIG_DFL;
};

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

TEST(Checkpoint, ComesBackAsItWasWritten) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(23)));
  const auto read = read_newest_checkpoint(directory.path());
  ASSERT_TRUE(read.ok() && read->has_value());
  const Checkpoint& checkpoint = **read;
  EXPECT_EQ(checkpoint.step, 23);
  EXPECT_EQ(checkpoint.position.epoch, 2);
  EXPECT_EQ(checkpoint.position.offset, 3);
  EXPECT_EQ(checkpoint.history, R"({"epochs":[]})");
  EXPECT_EQ(checkpoint.recipe, "abc");
  for (size_t i = 0; i < 2; ++i) {
    const auto at = std::find(checkpoint.names.begin(), checkpoint.names.end(), sample(0).names[i]) - checkpoint.names.begin();
    EXPECT_TRUE(bit_equal(checkpoint.state.at(static_cast<size_t>(at)), sample(0).state[i]));
  }
}

TEST(Checkpoint, KeepsTheNewestTwoAndRemovesLaterOnes) {
  const TemporaryDirectory directory;
  for (const int64_t step : {5, 10, 15}) ASSERT_TRUE(write_checkpoint(directory.path(), sample(step)));
  EXPECT_EQ(names_in(directory.path()), (Names{"checkpoint-10", "checkpoint-15"}));
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(12)));
  EXPECT_EQ(names_in(directory.path()), (Names{"checkpoint-10", "checkpoint-12"}));
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(12))) << "the same step again";
  EXPECT_EQ((*read_newest_checkpoint(directory.path()))->step, 12);
}

TEST(Checkpoint, OtherNamesAreLetAlone) {
  const TemporaryDirectory directory;
  for (const char* name : {"checkpoint-", "checkpoint-1x", "checkpoint--3", "notes"})
    std::filesystem::create_directory(directory / name);
  std::vector<std::string> warnings;
  EXPECT_FALSE(read_newest_checkpoint(directory.path(), &warnings)->has_value());
  EXPECT_TRUE(warnings.empty());
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(1), 1));
  EXPECT_EQ(names_in(directory.path()).size(), 5u);
}

TEST(Checkpoint, WhatAKilledWriterLeftIsRemovedAndALivingOneIsNot) {
  const TemporaryDirectory directory;
  const ChildResult ended = run_child({"/bin/sh", "-c", "echo $$"});
  const std::string dead = ".checkpoint-3.tmp-" + std::to_string(std::stoi(ended.out)) + "-0";
  const std::string alive = ".checkpoint-3.tmp-" + std::to_string(::getppid()) + "-0";
  for (const std::string& name : {dead, alive}) {
    std::filesystem::create_directory(directory / name);
    std::ofstream(directory / name / "state.safetensors") << "half";
  }
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(4)));
  EXPECT_EQ(names_in(directory.path()), (Names{alive, "checkpoint-4"}));
}

TEST(Checkpoint, AFullDiskLeavesThePreviousOneAndSaysSo) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_checkpoint(directory.path(), sample(1)));
  for (const rlim_t room : {rlim_t{0}, rlim_t{100}, rlim_t{4096}, rlim_t{40'000}}) {
    Status written = Success{};
    {
      const SmallDisk full(room);
      written = write_checkpoint(directory.path(), sample(2, 20'000));
    }
    ASSERT_FALSE(written.ok()) << room;
    EXPECT_NE(written.error().find("state.safetensors"), std::string::npos) << written.error();
    EXPECT_NE(written.error().find("File too large"), std::string::npos) << written.error();
    EXPECT_EQ(names_in(directory.path()), Names{"checkpoint-1"}) << room;
    EXPECT_EQ((*read_newest_checkpoint(directory.path()))->step, 1);
  }
}

TEST(Checkpoint, ADirectoryThatCannotBeMadeIsNamed) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "in the way";
  const Status written = write_checkpoint(directory / "file" / "checkpoints", sample(1));
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().find((directory / "file").string()), std::string::npos) << written.error();
}

TEST(Checkpoint, AFullDiskDoesNotEndATrainingAndItsEndIsResumable) {
  const TemporaryDirectory directory;
  const auto fit_options = [&](std::vector<std::string>& messages) {
    FitOptions fit;
    fit.epochs = 2;
    fit.directory = directory.path();
    fit.checkpoint_every_steps = 1;
    fit.resume = true;
    fit.callbacks.on_message = [&](const std::string& text) { messages.push_back(text); };
    return fit;
  };
  TrainerOptions options;
  options.compile.threads = 1;
  const Dataset dataset = tiny_dataset(32).batch(8);
  std::vector<std::string> messages;
  {
    Trainer trainer(tiny_mlp(), options);
    FitOptions fit = fit_options(messages);
    std::optional<SmallDisk> full;
    fit.callbacks.on_step = [&](const StepReport& report) {
      if (report.step == 3) full.emplace(1000);
    };
    EXPECT_EQ(trainer.fit(dataset, fit).steps, 8) << "the training itself goes on";
  }
  ASSERT_EQ(messages.size(), 6u);
  EXPECT_NE(messages[0].find("checkpoint 3 was not written"), std::string::npos) << messages[0];
  EXPECT_NE(messages[0].find("the previous one is intact"), std::string::npos) << messages[0];
  EXPECT_EQ(names_in(directory.path()), (Names{"checkpoint-1", "checkpoint-2"}));

  messages.clear();
  Trainer trainer(tiny_mlp(), options), uninterrupted(tiny_mlp(), options);
  trainer.fit(dataset, fit_options(messages));
  EXPECT_NE(messages.at(0).find("after step 2"), std::string::npos) << messages[0];
  uninterrupted.fit(dataset, {.epochs = 2});
  for (size_t i = 0; i < trainer.step().state().size(); ++i)
    EXPECT_TRUE(bit_equal(trainer.step().state(i), uninterrupted.step().state(i)));
}

TEST(Checkpoint, WhenTheDiskIsFullAndTheUserStopsTheFitFails) {
  const TemporaryDirectory directory;
  TrainerOptions options;
  options.compile.threads = 1;
  Trainer trainer(tiny_mlp(), options);
  std::atomic<bool> stop = true;
  const SmallDisk full(1000);
  EXPECT_THROW(trainer.fit(tiny_dataset(32).batch(8), {.epochs = 1, .directory = directory.path(), .stop = &stop}), UserError);
}

}  // namespace
}  // namespace brisk::test
