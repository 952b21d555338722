#include "brisk/formats/tfevents/event_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "brisk/formats/protobuf_wire.h"
#include "brisk/formats/tfevents/histogram.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;
using testing::HasSubstr;
using testing::MatchesRegex;

/// `bytes` with its length, so that it may hold zeros.
template <size_t n>
std::string wire(const char (&bytes)[n]) {
  return std::string(bytes, n - 1);
}

/// wall_time 1.5, and the same with step 3.
const std::string kTime = wire("\x09\0\0\0\0\0\0\xf8\x3f");
const std::string kTimeAndStep = kTime + wire("\x10\x03");

// What protobuf's own serialiser makes of the same messages (the generated code of the tensorboard
// package).
TEST(Event, GoldenBytes) {
  using namespace tfevents;
  EXPECT_EQ(file_version(1.5), kTime + wire("\x1a\rbrain.Event:2"));
  EXPECT_EQ(session_start(1.5, 3), kTimeAndStep + wire(":\x02\x08\x01"));
  EXPECT_EQ(scalar(1.5, 3, "loss", 0.25f, true),
            kTimeAndStep +
                wire("*!\n\x1f\n\x04lossB\n\x08\x01\x12\0*\x04\0\0\x80>J\x0b\n\t\n\x07scalars"));
  EXPECT_EQ(scalar(1.5, 3, "loss", 0.25f, false),
            kTimeAndStep + wire("*\x14\n\x12\n\x04lossB\n\x08\x01\x12\0*\x04\0\0\x80>"));
  EXPECT_EQ(
      text(1.5, 3, "note", "*hi*", true),
      kTimeAndStep + wire("*\x1e\n\x1c\n\x04noteB\n\x08\x07\x12\0B\x04*hi*J\x08\n\x06\n\x04text"));
  EXPECT_EQ(histogram(1.5, 3, "h", std::vector<HistogramBucket>{{0, 1, 2}}, true),
            kTimeAndStep + wire("*=\n;\n\x01hB&\x08\x02\x12\x08\x12\x02\x08\x01\x12\x02\x08\x03"
                                "2\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0?\0\0\0\0\0\0\0@"
                                "J\x0e\n\x0c\n\nhistograms"));
  EXPECT_EQ(image(1.5, 3, "i", 2, 1, "PNG", true),
            kTimeAndStep + wire("*&\n$\n\x01iB\x13\x08\x07\x12\x04\x12\x02\x08\x03"
                                "B\x01"
                                "2B\x01"
                                "1B\x03PNGJ\n\n\x08\n\x06images"));
  EXPECT_EQ(graph(1.5, std::vector<GraphNode>{{"a", "Placeholder", {}}, {"b/c", "Relu", {"a"}}}),
            kTime + wire("\"\"\n\x10\n\x01"
                         "a\x12\x0bPlaceholder\n\x0e\n\x03"
                         "b/c\x12\x04Relu\x1a\x01"
                         "a"));
}

/// The fields of a message by number; of a repeated one the last.
std::map<int, ProtobufField> fields_of(std::string_view message) {
  std::map<int, ProtobufField> fields;
  ProtobufReader reader(message);
  while (auto field = reader.next().value()) fields[field->number] = *field;
  return fields;
}

std::vector<std::string> events_in(const fs::path& path) {
  const TfrecordFile file = TfrecordFile::open(path).value();
  std::vector<std::string> events;
  for (int64_t i = 0; i < file.size(); ++i) events.emplace_back(file.record(i).value());
  return events;
}

TEST(EventWriter, FilesStartWithTheirVersionAtOnce) {
  const TemporaryDirectory folder;
  const EventWriter writer = EventWriter::create(folder / "logs/train").value();
  EXPECT_EQ(writer.path().parent_path(), folder / "logs/train");
  EXPECT_THAT(writer.path().filename().string(),
              MatchesRegex("events\\.out\\.tfevents\\.[0-9]{10}\\..+\\.[0-9]+\\.0"));
  const std::vector<std::string> events = events_in(writer.path());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(fields_of(events[0])[3].bytes, "brain.Event:2");
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_NEAR(fields_of(events[0])[1].as_double(), now.count(), 60.0);
}

TEST(EventWriter, OnlyTheFirstValueOfATagCarriesMetadata) {
  const TemporaryDirectory folder;
  EventWriter writer = EventWriter::create(folder.path()).value();
  for (int64_t step : {1, 2}) {
    ASSERT_TRUE(writer.add_scalar("loss", step, 0.5 * static_cast<double>(step)).ok());
    ASSERT_TRUE(writer.add_scalar("accuracy", step, 0.75).ok());
  }
  ASSERT_TRUE(writer.finish().ok());
  const std::vector<std::string> events = events_in(writer.path());
  ASSERT_EQ(events.size(), 5u);
  for (size_t i = 1; i < events.size(); ++i) {
    auto event = fields_of(events[i]);
    auto value = fields_of(fields_of(event[5].bytes)[1].bytes);
    EXPECT_EQ(event[2].scalar, i < 3 ? 1u : 2u);
    EXPECT_EQ(value[1].bytes, i % 2 == 1 ? "loss" : "accuracy");
    EXPECT_EQ(value.contains(9), i < 3) << i;
  }
}

TEST(EventWriter, AResumedRunAddsAFileAndMarksItsFirstStep) {
  const TemporaryDirectory folder;
  EventWriter first = EventWriter::create(folder.path()).value();
  ASSERT_TRUE(first.add_scalar("loss", 7, 1.0).ok());
  ASSERT_TRUE(first.flush().ok());
  const EventWriter second = EventWriter::create(folder.path(), 5).value();
  EXPECT_NE(first.path(), second.path());
  EXPECT_LT(first.path(), second.path()) << "read in the order of names";
  EXPECT_EQ(events_in(first.path()).size(), 2u);
  const std::vector<std::string> events = events_in(second.path());
  ASSERT_EQ(events.size(), 3u);
  for (size_t i : {1u, 2u}) {
    auto start = fields_of(events[i]);
    EXPECT_EQ(start[2].scalar, 5u);
    EXPECT_EQ(fields_of(start[7].bytes)[1].scalar, 1u) << "SessionLog.START";
  }
}

TEST(EventWriter, ReportsWhyThereIsNoFile) {
  const TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "taken", "").ok());
  EXPECT_THAT(EventWriter::create(folder / "taken").error(), HasSubstr("taken"));
  EXPECT_FALSE(EventWriter::create(folder / "taken/run").ok());
}

TEST(Histogram, CountsInEqualBars) {
  const auto buckets = make_histogram(Tensor::of<float>({6}, {0, 1, 2, 3, 4, 4}), 4);
  ASSERT_EQ(buckets.size(), 4u);
  const double counts[] = {1, 1, 1, 3};  // the last bar is closed
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(buckets[i].left, static_cast<double>(i));
    EXPECT_EQ(buckets[i].right, static_cast<double>(i + 1));
    EXPECT_EQ(buckets[i].count, counts[i]);
  }
}

TEST(Histogram, EqualEmptyAndInfiniteElements) {
  const auto equal = make_histogram(Tensor::of<float>({3}, {2, 2, 2}), 3);
  ASSERT_EQ(equal.size(), 3u);
  EXPECT_EQ(equal[0].left, 2.0);
  EXPECT_EQ(equal[2].right, 2.0);
  EXPECT_EQ(equal[0].count, 0.0);
  EXPECT_EQ(equal[2].count, 3.0);
  EXPECT_TRUE(make_histogram(Tensor(DType::f32, {0}), 3).empty());
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(make_histogram(Tensor::of<float>({2}, {infinity, NAN}), 3).empty());
  EXPECT_EQ(make_histogram(Tensor::of<float>({3}, {infinity, 1, NAN}), 3)[2].count, 1.0);
  const double largest = std::numeric_limits<double>::max();
  const auto wide = make_histogram(Tensor::of<double>({3}, {-largest, 0, largest}), 3);
  for (const auto& bucket : wide) EXPECT_EQ(bucket.count, 1.0);
  EXPECT_THROW(make_histogram(Tensor(DType::f32, {1}), 0), UserError);
}

}  // namespace
}  // namespace brisk
