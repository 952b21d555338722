#include "brisk/formats/tfrecord/tfrecord.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;

Result<TfrecordFile> parse(std::string_view bytes) {
  return TfrecordFile::over(bytes, nullptr, "the test's bytes");
}

/// As tensorboard's own record writer frames b"hello".
const std::string kHello(
    "\x05\0\0\0\0\0\0\0\xea\xb2\x04\x3e"
    "hello"
    "\xbb\x1f\x1c\x19",
    21);

TEST(Tfrecord, GoldenBytes) {
  EXPECT_EQ(frame_tfrecord("hello"), kHello);
  const TfrecordFile file = parse(kHello).value();
  ASSERT_EQ(file.size(), 1);
  EXPECT_EQ(file.record(0).value(), "hello");
}

TEST(Tfrecord, RecordsComeBack) {
  const TemporaryDirectory folder;
  std::vector<std::string> records = {"", "a", std::string("\0\n", 2), std::string(300'000, 'x')};
  for (int i = 0; i < 1000; ++i) records.push_back(fmt::format("record {}", i));
  TfrecordWriter writer = TfrecordWriter::create(folder / "a").value();
  for (const std::string& record : records) ASSERT_TRUE(writer.write(record).ok());
  ASSERT_TRUE(writer.finish().ok());
  const TfrecordFile file = TfrecordFile::open(folder / "a").value();
  ASSERT_EQ(file.size(), static_cast<int64_t>(records.size()));
  for (int64_t i = file.size(); i-- > 0;) {
    EXPECT_EQ(file.record(i).value(), records[static_cast<size_t>(i)]);
  }
  EXPECT_THROW((void)file.record(file.size()), UserError);
  EXPECT_THROW((void)file.record(-1), UserError);
}

TEST(Tfrecord, AnEmptyFileHasNoRecords) {
  const TemporaryDirectory folder;
  ASSERT_TRUE(TfrecordWriter::create(folder / "a").value().finish().ok());
  EXPECT_EQ(TfrecordFile::open(folder / "a").value().size(), 0);
  EXPECT_THAT(TfrecordFile::open(folder / "b").error(), HasSubstr("No such file"));
}

TEST(Tfrecord, FlushMakesRecordsVisible) {
  const TemporaryDirectory folder;
  TfrecordWriter writer = TfrecordWriter::create(folder / "a").value();
  ASSERT_TRUE(writer.write("one").ok());
  EXPECT_EQ(TfrecordFile::open(folder / "a").value().size(), 0) << "gathered in memory";
  ASSERT_TRUE(writer.flush().ok());
  EXPECT_EQ(TfrecordFile::open(folder / "a").value().size(), 1);
  ASSERT_TRUE(writer.write("two").ok());
  { const TfrecordWriter last = std::move(writer); }
  EXPECT_EQ(TfrecordFile::open(folder / "a").value().size(), 2) << "the destructor flushes";
}

TEST(Tfrecord, EveryCutIsRefusedExceptBetweenRecords) {
  const std::string whole = frame_tfrecord("first") + frame_tfrecord("second record");
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Result<TfrecordFile> file = parse(std::string_view(whole).substr(0, size));
    const bool between = size == 0 || size == 21 || size == whole.size();
    EXPECT_EQ(file.ok(), between) << size;
    if (!file.ok()) {
      EXPECT_THAT(file.error(),
                  AllOf(HasSubstr("cut off"), HasSubstr("the test's bytes"),
                        HasSubstr(size < 21 ? "record 0 at byte 0" : "record 1 at byte 21")));
    }
  }
}

TEST(Tfrecord, EveryFlippedBitIsSeen) {
  const std::string whole = frame_tfrecord("first") + frame_tfrecord("second record");
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Result<TfrecordFile> file = parse(damaged);
    if (!file.ok()) {
      EXPECT_THAT(file.error(), HasSubstr("damaged")) << bit;
      continue;
    }
    const int64_t record = bit / 8 < 21 ? 0 : 1;
    EXPECT_THAT(file->record(record).error(), HasSubstr("data does not match")) << bit;
    EXPECT_TRUE(file->record(1 - record).ok()) << "the other record is whole";
  }
}

TEST(Tfrecord, AHugeLengthWithAValidChecksumIsRefused) {
  // 2^64 - 1 and 2^63 bytes; the checksum of the length is right.
  for (const uint64_t length : {~uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0} - 15}) {
    std::string header(8, '\0');
    for (size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(length >> (8 * i));
    const uint32_t crc = crc32c(header);
    const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    for (size_t i = 0; i < 4; ++i) header += static_cast<char>(masked >> (8 * i));
    EXPECT_THAT(parse(header + std::string(40, 'x')).error(), HasSubstr("cut off within its data"));
  }
}

TEST(Tfrecord, CompressedFilesGetAHint) {
  EXPECT_THAT(parse("\x1f\x8b\x08 and what else a gzip file holds").error(), HasSubstr("gzip"));
  EXPECT_THAT(parse("\x78\x9c and what else a zlib stream holds").error(), HasSubstr("zlib"));
}

TEST(Tfrecord, AFailedWriterStaysFailed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is Linux's";
  TfrecordWriter writer = TfrecordWriter::create("/dev/full").value();
  ASSERT_TRUE(writer.write("x").ok()) << "gathered, not written yet";
  EXPECT_THAT(writer.flush().error(), HasSubstr("No space left"));
  EXPECT_THAT(writer.flush().error(), HasSubstr("No space left"));
  EXPECT_THAT(writer.finish().error(), HasSubstr("No space left"));
}

TEST(Tfrecord, MayBeReadFromSeveralThreads) {
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += frame_tfrecord(std::to_string(i));
  const TfrecordFile file = parse(bytes).value();
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < file.size(); ++i)
        wrong[t] += file.record(i).value() != std::to_string(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace brisk
