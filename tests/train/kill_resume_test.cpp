#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "brisk/base/philox.h"
#include "brisk/formats/safetensors/safetensors.h"
#include "tests/support/child_process.h"

// The program is killed at random instants and told to go on until it ends. Checkpoints come every
// second step, so that many of the instants fall into the writing of one.

namespace brisk::test {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr const char* kRecipe = R"(
model: {name: mlp, classes: 1000}
data:
  train: {name: synthetic, size: [6, 6], channels: 1, take: 512}
batch_size: 32
epochs: 2
augment: [random_flip_horizontal]
optimizer: {name: adam, learning_rate: 0.01}
schedule: cosine_decay
seed: 3
threads: 1
data_threads: 1
checkpoint_every_steps: 2
output: run
)";

class Training {
 public:
  Training() { std::ofstream(directory_ / "recipe.yaml") << kRecipe; }

  std::vector<std::string> command(bool resume) const {
    std::vector<std::string> arguments = {brisk_program(BRISK_BINARY_DIR).string(), "train",
                                          (directory_ / "recipe.yaml").string(), "--quiet"};
    if (resume) arguments.emplace_back("--resume");
    return arguments;
  }
  std::vector<NamedTensor> weights() const {
    return read_safetensors(directory_ / "run" / "model" / "weights.safetensors").value().tensors;
  }
  std::filesystem::path checkpoints() const { return directory_ / "run" / "checkpoints"; }
  void restart() const { std::filesystem::remove_all(directory_ / "run"); }

 private:
  TemporaryDirectory directory_;
};

void expect_bit_equal(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_TRUE(bit_equal(a[i].tensor, b[i].tensor)) << a[i].name;
  }
}

/// Names in the directory that no finished writer leaves.
std::vector<std::string> leftovers(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (!entry.path().filename().string().starts_with("checkpoint-")) names.push_back(entry.path().filename().string());
  return names;
}

TEST(KillResume, SigkillAtAnyInstantLosesNothing) {
  const Training whole;
  ASSERT_EQ(run_child(whole.command(false)).code, 0) << "warms the cache of compiled loops";
  whole.restart();
  const auto start = Clock::now();
  const ChildResult done = run_child(whole.command(false));
  const double duration = Seconds(Clock::now() - start).count();
  ASSERT_EQ(done.code, 0) << done.err;
  const std::vector<NamedTensor> wanted = whole.weights();

  const int wanted_kills = std::getenv("BRISK_SLOW") != nullptr ? 200 : 20;
  const uint64_t seed = 20240;
  PhiloxSequence random(seed);
  const Training interrupted;
  int kills = 0, endings = 0, resumed_from_checkpoint = 0;
  bool resume = false;
  while (kills < wanted_kills || endings == 0) {
    ChildProcess child(interrupted.command(resume));
    const bool to_be_killed = kills < wanted_kills;
    if (to_be_killed) {
      std::this_thread::sleep_for(Seconds(random.next_unit() * duration));
      child.send(SIGKILL);
    }
    const ChildResult result = child.wait();
    resumed_from_checkpoint += result.err.find("going on after step") != std::string::npos ? 1 : 0;
    if (result.signal == SIGKILL) {
      ++kills;
      resume = true;
      continue;
    }
    ASSERT_EQ(result.code, 0) << result.err << "after " << kills << " kills, seed " << seed;
    expect_bit_equal(wanted, interrupted.weights());
    EXPECT_TRUE(leftovers(interrupted.checkpoints()).empty())
        << testing::PrintToString(leftovers(interrupted.checkpoints()));
    ++endings;
    interrupted.restart();
    resume = false;
  }
  EXPECT_GE(endings, 1);
  EXPECT_GE(resumed_from_checkpoint, wanted_kills / 5) << "too few of the kills came after a checkpoint to prove much";
}

class StopSignal : public testing::TestWithParam<int> {};

TEST_P(StopSignal, SavesExits130AndTellsHowToGoOn) {
  const Training whole, stopped;
  ASSERT_EQ(run_child(whole.command(false)).code, 0);
  ChildProcess child(stopped.command(false));
  std::error_code error;
  while (!child.has_ended() && !std::filesystem::exists(stopped.checkpoints() / "checkpoint-2", error))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  child.send(GetParam());
  const ChildResult result = child.wait();
  ASSERT_EQ(result.code, 130) << result.err;
  EXPECT_NE(result.out.find("stopped after step "), std::string::npos) << result.out;
  const std::string told = fmt::format("brisk train {} --resume", stopped.command(false)[2]);
  EXPECT_NE(result.out.find(told), std::string::npos) << result.out;
  EXPECT_FALSE(std::filesystem::exists(stopped.checkpoints().parent_path() / "model"));

  const ChildResult resumed = run_child(stopped.command(true));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_bit_equal(whole.weights(), stopped.weights());
}

INSTANTIATE_TEST_SUITE_P(Signals, StopSignal, testing::Values(SIGTERM, SIGINT),
                         [](const auto& info) { return info.param == SIGTERM ? "Term" : "Int"; });

TEST(KillResume, AnEarlierTrainingIsNotOverwritten) {
  const Training training;
  ASSERT_EQ(run_child(training.command(false)).code, 0);
  const ChildResult again = run_child(training.command(false));
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("holds an earlier training: go on with it by --resume"), std::string::npos) << again.err;
}

}  // namespace
}  // namespace brisk::test
