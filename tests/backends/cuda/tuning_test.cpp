#include "brisk/backends/cuda/tuning.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "brisk/backends/cuda/tuning_file.h"
#include "brisk/base/file.h"

namespace brisk::cuda {
namespace {

class Tuning : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / fmt::format("brisk-tuning-{}", getpid());
    std::filesystem::create_directories(directory_);
    path_ = (directory_ / "tuning.json").string();
    device_.name = "NVIDIA H200";
    device_.major = 9;
    device_.multiprocessors = 132;
    if (const char* before = std::getenv("BRISK_CACHE")) cache_before_ = before;
    ::setenv("BRISK_CACHE", directory_.c_str(), 1);
  }
  void TearDown() override {
    if (cache_before_)
      ::setenv("BRISK_CACHE", cache_before_->c_str(), 1);
    else
      ::unsetenv("BRISK_CACHE");
    std::filesystem::remove_all(directory_);
  }

  std::filesystem::path directory_;
  std::string path_;
  DeviceProperties device_;
  std::optional<std::string> cache_before_;
};

TEST_F(Tuning, RemembersWithinAProcess) {
  TuningDatabase database(device_, "cudnn 9.19", false);
  EXPECT_FALSE(database.find("a"));
  database.store("a", {"engine 1", "plan text", 0.5});
  const auto found = database.find("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->plan, "plan text");
  EXPECT_EQ(database.hits(), 1);
  EXPECT_EQ(database.misses(), 1);
}

TEST_F(Tuning, RemembersOnDiskByDeviceAndVersions) {
  {
    TuningDatabase database(device_, "cudnn 9.19", true);
    database.store("a", {"engine 1", "line\n\"quoted\"", 0.25});
    database.save();
    TuningDatabase other(device_, "cudnn 9.19", true);
    other.store("b", {"engine 2", "", 1});
  }
  TuningDatabase again(device_, "cudnn 9.19", true);
  TuningDatabase newer(device_, "cudnn 9.20", true);
  device_.name = "NVIDIA H100";
  TuningDatabase elsewhere(device_, "cudnn 9.19", true);
  ASSERT_TRUE(again.find("a"));
  EXPECT_EQ(again.find("a")->plan, "line\n\"quoted\"");
  EXPECT_TRUE(again.find("b"));
  EXPECT_FALSE(newer.find("a"));
  EXPECT_FALSE(elsewhere.find("a"));
}

TEST_F(Tuning, TheFirstOfTwoProcessesChoosesForBoth) {
  TuningDatabase first(device_, "cudnn 9.19", true), second(device_, "cudnn 9.19", true);
  for (TuningDatabase* each : {&first, &second}) {
    EXPECT_FALSE(each->find("a"));
    each->store("a", {each == &first ? "engine 1" : "engine 2", "", 1});
    each->store("b", {"engine 3", "", each == &first ? 1.0 : 2.0});
  }
  EXPECT_EQ(first.save(), 0u);
  EXPECT_EQ(second.save(), 1u);
  EXPECT_EQ(second.find("a")->choice, "engine 1");
  EXPECT_EQ(second.save(), 0u);
}

TEST_F(Tuning, AChoiceThatCannotBeUsedIsReplaced) {
  {
    TuningDatabase database(device_, "cudnn 9.19", true);
    database.store("a", {"engine 1", "of another build", 1});
  }
  TuningDatabase database(device_, "cudnn 9.19", true);
  ASSERT_TRUE(database.find("a"));
  database.store("a", {"engine 2", "", 2});
  EXPECT_EQ(database.save(), 0u);
  EXPECT_EQ(TuningDatabase(device_, "cudnn 9.19", true).find("a")->choice, "engine 2");
}

TEST_F(Tuning, MergesAndStaysBounded) {
  merge_into_tuning_file(path_, {{"a", {"x", "", 1}}, {"b", {"y", "", 2}}}, {}, 3);
  const auto others = merge_into_tuning_file(path_, {{"b", {"z", "", 3}}}, {}, 3);
  ASSERT_TRUE(others.contains("b"));
  EXPECT_EQ(others.at("b").choice, "y");
  EXPECT_TRUE(merge_into_tuning_file(path_, {{"a", {"x", "", 5}}}, {}, 3).empty());
  EXPECT_EQ(read_tuning_file(path_).size(), 2u);
  EXPECT_EQ(read_tuning_file(path_).at("b").choice, "y");
  EXPECT_TRUE(merge_into_tuning_file(path_, {{"b", {"z", "", 3}}}, {"b"}, 3).empty());
  EXPECT_EQ(read_tuning_file(path_).at("b").choice, "z");
  merge_into_tuning_file(path_, {{"c", {"", "", 1}}, {"d", {"", "", 1}}}, {}, 3);
  EXPECT_EQ(read_tuning_file(path_).size(), 2u);
}

TEST_F(Tuning, SetsADamagedFileAside) {
  merge_into_tuning_file(path_, {{"a", {"x", "", 1}}}, {}, 10);
  const std::string text = read_file(path_).value();
  ASSERT_TRUE(write_file_atomically(path_, text.substr(0, text.size() / 2)));
  EXPECT_TRUE(read_tuning_file(path_).empty());
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged"));
  merge_into_tuning_file(path_, {{"b", {"y", "", 2}}}, {}, 10);
  EXPECT_EQ(read_tuning_file(path_).size(), 1u);
}

TEST_F(Tuning, RefusesForeignText) {
  EXPECT_FALSE(parse_tuning(""));
  EXPECT_FALSE(parse_tuning("[]"));
  EXPECT_FALSE(parse_tuning("{\"format\": 2, \"choices\": {}}"));
  EXPECT_FALSE(parse_tuning("{\"format\": 1}"));
  EXPECT_FALSE(parse_tuning("{\"format\": 1, \"choices\": {\"a\": 3}}"));
  EXPECT_FALSE(parse_tuning(
      R"({"format": 1, "choices": {"a": {"choice": "", "plan": "", "milliseconds": -1}}})"));
  const std::map<std::string, TunedChoice> choices = {{"p", {"c", "plan", 2.5}}};
  const auto again = parse_tuning(print_tuning(choices));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->at("p").milliseconds, 2.5);
}

}  // namespace
}  // namespace brisk::cuda
