#include "brisk/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;
using testing::HasSubstr;

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Lets no file grow beyond `bytes` while it lives: writes then fail with EFBIG, the way they fail
/// with ENOSPC on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    rlimit limit = previous_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_ = {};
  sighandler_t previous_handler_ = SIG_DFL;
};

TEST(File, WritesAndReadsBack) {
  const TemporaryDirectory folder;
  const std::string contents("first\0second\n", 13);
  ASSERT_TRUE(write_file_atomically(folder / "a.bin", contents).ok());
  EXPECT_EQ(read_file(folder / "a.bin").value(), contents);
  ASSERT_TRUE(write_file_atomically(folder / "a.bin", "").ok());
  EXPECT_EQ(read_file(folder / "a.bin").value(), "");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.bin"});
}

TEST(File, ReadsWhatReportsNoSize) {
  const Result<std::string> status = read_file("/proc/self/status");
  ASSERT_TRUE(status.ok());
  EXPECT_THAT(*status, HasSubstr("VmPeak"));
}

TEST(File, ReadFailuresNameThePathAndTheReason) {
  const TemporaryDirectory folder;
  EXPECT_THAT(read_file(folder / "absent").error(),
              testing::AllOf(HasSubstr("absent"), HasSubstr("No such file")));
  EXPECT_THAT(map_file(folder / "absent").error(), HasSubstr("No such file"));
  EXPECT_THAT(read_file(folder.path()).error(), HasSubstr("is a directory"));
  EXPECT_THAT(map_file(folder.path()).error(), HasSubstr("is a directory"));
  ASSERT_TRUE(write_file_atomically(folder / "ten", "0123456789").ok());
  EXPECT_THAT(read_file(folder / "ten", 9).error(), HasSubstr("limit of 9"));
  EXPECT_EQ(read_file(folder / "ten", 10).value().size(), 10u);
  EXPECT_THAT(read_file("/proc/self/status", 9).error(), HasSubstr("limit of 9"));
}

TEST(File, MapsOutliveTheNameAndKeepWritesPrivate) {
  const TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", "0123456789").ok());
  const MappedFile map = map_file(folder / "a").value();
  ASSERT_EQ(map.size, 10);
  const_cast<std::byte*>(map.bytes.get())[0] = std::byte{'x'};
  EXPECT_EQ(read_file(folder / "a").value(), "0123456789");
  fs::remove(folder / "a");
  EXPECT_EQ(std::memcmp(map.bytes.get(), "x123456789", 10), 0);
  ASSERT_TRUE(write_file_atomically(folder / "empty", "").ok());
  const MappedFile empty = map_file(folder / "empty").value();
  EXPECT_EQ(empty.size, 0);
  EXPECT_NE(empty.bytes, nullptr);
}

TEST(File, AFailedWriteKeepsThePreviousFileAndRemovesTheTemporaryOne) {
  const TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", "previous").ok());
  Status status = Success{};
  {
    const FileSizeLimit limit(4096);
    status = write_file_atomically(folder / "a", std::string(8192, 'x'));
  }
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error(), HasSubstr("File too large"));
  EXPECT_THAT(status.error(), HasSubstr(folder.path().string()));
  EXPECT_EQ(read_file(folder / "a").value(), "previous");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(File, AFullDiskIsReportedWithPathAndReason) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "/dev/full is Linux's";
  FileWriter writer = FileWriter::create("/dev/full").value();
  EXPECT_THAT(writer.write("x").error(),
              testing::AllOf(HasSubstr("/dev/full"), HasSubstr("No space left on device")));
}

TEST(File, WritingIntoAnAbsentFolderOrOverADirectoryFails) {
  const TemporaryDirectory folder;
  EXPECT_THAT(write_file_atomically(folder / "no/a", "x").error(), HasSubstr("No such file"));
  fs::create_directory(folder / "taken");
  EXPECT_FALSE(write_file_atomically(folder / "taken", "x").ok());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"taken"});
}

TEST(File, ALeftOverTemporaryNameIsSteppedOver) {
  const TemporaryDirectory folder;
  const std::string stale = fmt::format(".a.tmp-{}-0", ::getpid());
  ASSERT_TRUE(write_file_atomically(folder / stale, "of a killed process").ok());
  ASSERT_TRUE(write_file_atomically(folder / "a", "new").ok());
  EXPECT_EQ(read_file(folder / stale).value(), "of a killed process");
  EXPECT_EQ(read_file(folder / "a").value(), "new");
}

TEST(File, ABareNameIsWrittenIntoTheWorkingDirectory) {
  const TemporaryDirectory folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  const Status status = write_file_atomically("bare", "x");
  const Status directory = write_directory_atomically(
      "bare_directory/", [](const fs::path& p) { return write_file_atomically(p / "a", "x"); });
  fs::current_path(before);
  EXPECT_TRUE(status.ok());
  EXPECT_TRUE(directory.ok());
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"bare", "bare_directory"}));
}

TEST(File, WriterWritesInPiecesAndMoves) {
  const TemporaryDirectory folder;
  FileWriter first = FileWriter::create(folder / "a").value();
  ASSERT_TRUE(first.write("one ").ok());
  FileWriter second = std::move(first);
  ASSERT_TRUE(second.write("two").ok());
  ASSERT_TRUE(second.finish().ok());
  EXPECT_EQ(read_file(folder / "a").value(), "one two");
  EXPECT_THROW((void)second.write("three"), InternalError);
  EXPECT_THROW((void)second.finish(), InternalError);
}

Status fill_with(const fs::path& directory, std::string_view contents) {
  fs::create_directory(directory / "nested");
  return write_file_atomically(directory / "nested" / "a", contents);
}

TEST(File, DirectoriesAppearWholeAndAreReplacedWhole) {
  const TemporaryDirectory folder;
  const fs::path target = folder / "checkpoint";
  ASSERT_TRUE(write_directory_atomically(target, [&](const fs::path& temporary) {
                EXPECT_FALSE(fs::exists(target));
                return fill_with(temporary, "one");
              }).ok());
  ASSERT_TRUE(write_directory_atomically(target, [&](const fs::path& temporary) {
                EXPECT_EQ(read_file(target / "nested/a").value(), "one");
                return fill_with(temporary, "two");
              }).ok());
  EXPECT_EQ(read_file(target / "nested/a").value(), "two");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"checkpoint"});
}

TEST(File, AFailedFillLeavesTheDirectoryAsItWas) {
  const TemporaryDirectory folder;
  const fs::path target = folder / "checkpoint";
  ASSERT_TRUE(write_directory_atomically(target, [](const fs::path& p) {
                return fill_with(p, "one");
              }).ok());
  const Status failed = write_directory_atomically(target, [](const fs::path& p) -> Status {
    if (Status status = fill_with(p, "half"); !status) return status;
    return fail("the disk is full");
  });
  EXPECT_EQ(failed.error(), "the disk is full");
  EXPECT_THROW((void)write_directory_atomically(
                   target, [](const fs::path&) -> Status { refuse("thrown while filling"); }),
               UserError);
  EXPECT_EQ(read_file(target / "nested/a").value(), "one");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"checkpoint"});
}

TEST(File, ADirectoryDoesNotReplaceAFile) {
  const TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", "file").ok());
  const Status status =
      write_directory_atomically(folder / "a", [](const fs::path& p) { return fill_with(p, "x"); });
  EXPECT_THAT(status.error(), HasSubstr("is not a directory"));
  EXPECT_EQ(read_file(folder / "a").value(), "file");
}

/// A child that replaces a directory over and over is killed at some instant; whatever the instant,
/// the directory must hold one generation, whole.
TEST(File, AKillAtAnyInstantLeavesAWholeDirectory) {
  const TemporaryDirectory folder;
  const fs::path target = folder / "checkpoint";
  const auto generation = [](const fs::path& directory, int number) -> Status {
    for (const char* name : {"weights", "optimizer", "position"}) {
      Status status = write_file_atomically(directory / name, std::to_string(number));
      if (!status) return status;
    }
    return Success{};
  };
  ASSERT_TRUE(
      write_directory_atomically(target, [&](const fs::path& p) { return generation(p, 0); }).ok());
  for (int trial = 0; trial < 20; ++trial) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int number = 1;; ++number) {
        const auto fill = [&](const fs::path& p) { return generation(p, number); };
        if (!write_directory_atomically(target, fill)) ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(500 + 1370 * trial));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed before it was killed";
    const std::string weights = read_file(target / "weights").value();
    EXPECT_EQ(read_file(target / "optimizer").value(), weights);
    EXPECT_EQ(read_file(target / "position").value(), weights);
  }
}

TEST(File, CacheDirectoryFollowsTheEnvironment) {
  const std::string before = std::getenv("BRISK_CACHE") ? std::getenv("BRISK_CACHE") : "";
  const std::string xdg = std::getenv("XDG_CACHE_HOME") ? std::getenv("XDG_CACHE_HOME") : "";
  ::setenv("BRISK_CACHE", "/somewhere/else", 1);
  EXPECT_EQ(cache_directory(), "/somewhere/else");
  ::unsetenv("BRISK_CACHE");
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(cache_directory(), "/xdg/brisk");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_THAT(cache_directory().string(), testing::Not(HasSubstr("relative")));
  xdg.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", xdg.c_str(), 1);
  if (!before.empty()) ::setenv("BRISK_CACHE", before.c_str(), 1);
}

}  // namespace
}  // namespace brisk
