#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "brisk/train/checkpoint.h"
#include "tests/support/child_process.h"
#include "tests/train/tiny_training.h"

// A file system that really is full: a small one in memory, mounted for the test, which takes root.
// (checkpoint_test.cpp limits the size of files instead, which everybody may.)

namespace brisk::test {
namespace {

/// A file system of `kilobytes` at `path` while it lives.
class TinyDisk {
 public:
  TinyDisk(std::filesystem::path path, int kilobytes) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    const std::string size = fmt::format("size={}k", kilobytes);
    if (::mount("none", path_.c_str(), "tmpfs", 0, size.c_str()) != 0)
      reason_ = std::strerror(errno);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (reason_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
  }
  void grow(int kilobytes) const {
    const std::string size = fmt::format("size={}k", kilobytes);
    if (::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, size.c_str()) != 0) std::abort();
  }
  /// Why it could not be mounted; empty when it was.
  const std::string& reason() const { return reason_; }

 private:
  std::filesystem::path path_;
  std::string reason_;
};

/// Fills what is left of the disk.
void fill(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  const std::string block(1024, 'x');
  while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

Checkpoint sample(int64_t step, int64_t elements) {
  return {.step = step,
          .position = {0, step},
          .names = {"weights"},
          .state = {Tensor::zeros(DType::f32, {elements})},
          .history = R"({"epochs": []})",
          .recipe = "abc"};
}

TEST(FullDisk, LeavesThePreviousCheckpointAndSaysSo) {
  const TemporaryDirectory directory;
  const TinyDisk disk(directory / "disk", 256);
  if (!disk.reason().empty())
    GTEST_SKIP() << "a file system cannot be mounted here: " << disk.reason();
  const std::filesystem::path checkpoints = directory / "disk/checkpoints";
  ASSERT_TRUE(write_checkpoint(checkpoints, sample(1, 10'000)));  // 40 kB
  for (const int64_t elements : {60'000, 100'000}) {
    const Status written = write_checkpoint(checkpoints, sample(2, elements));
    ASSERT_FALSE(written.ok()) << elements;
    EXPECT_NE(written.error().find("No space left on device"), std::string::npos)
        << written.error();
    EXPECT_NE(written.error().find("state.safetensors"), std::string::npos) << written.error();
    EXPECT_EQ((*read_newest_checkpoint(checkpoints))->step, 1);
  }
  fill(directory / "disk/rest");  // not even a directory entry fits
  ASSERT_FALSE(write_checkpoint(checkpoints, sample(3, 10)).ok());
  EXPECT_EQ((*read_newest_checkpoint(checkpoints))->step, 1);
  std::filesystem::remove(directory / "disk/rest");
  ASSERT_TRUE(write_checkpoint(checkpoints, sample(4, 10'000)))
      << "what was left half done is in the way";
  EXPECT_EQ((*read_newest_checkpoint(checkpoints))->step, 4);
}

/// The program on a disk too small for a second checkpoint: it trains on, says what it could not
/// write, and goes on from the checkpoint that fitted when there is room again.
TEST(FullDisk, TheProgramTrainsOnAndCanBeResumed) {
  const TemporaryDirectory directory;
  const TinyDisk disk(directory / "disk", 2600);
  if (!disk.reason().empty())
    GTEST_SKIP() << "a file system cannot be mounted here: " << disk.reason();
  std::ofstream(directory / "recipe.yaml")
      << "model: {name: mlp, classes: 1000}\n"
         "data: {train: {name: synthetic, size: [6, 6], channels: 1, take: 256}}\n"
         "batch_size: 32\nepochs: 2\nthreads: 1\ncheckpoint_every_steps: 3\noutput: disk/run\n";
  const std::vector<std::string> command = {brisk_program(BRISK_BINARY_DIR).string(), "train",
                                            (directory / "recipe.yaml").string(), "--quiet"};
  const ChildResult full = run_child(command);
  EXPECT_NE(full.err.find("was not written"), std::string::npos) << full.err << full.out;
  EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("the previous one is intact"), std::string::npos) << full.err;
  const auto kept = read_newest_checkpoint(directory / "disk/run/checkpoints");
  ASSERT_TRUE(kept.ok() && kept->has_value());
  EXPECT_EQ((*kept)->step, 3) << "there was room for one";

  disk.grow(20'000);
  std::vector<std::string> resume = command;
  resume.emplace_back("--resume");
  const ChildResult resumed = run_child(resume);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("going on after step 3"), std::string::npos) << resumed.err;
  EXPECT_EQ((*read_newest_checkpoint(directory / "disk/run/checkpoints"))->step, 16);
}

}  // namespace
}  // namespace brisk::test
