#include "brisk/formats/tfevents/event_writer.h"

#include <unistd.h>

#include <array>
#include <chrono>

#include "brisk/formats/tfevents/histogram.h"

namespace brisk {
namespace {

namespace fs = std::filesystem;

double seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::string host_name() {
  std::array<char, 256> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  std::string text(name.data());
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// A name that no file of the directory has. TensorBoard reads a run's files in the order of their
/// names: the time stands first in it, then comes the counter of files made within one second.
fs::path unused_name(const fs::path& directory, double now) {
  for (int counter = 0;; ++counter) {
    fs::path path =
        directory / fmt::format("events.out.tfevents.{:010d}.{}.{}.{}", static_cast<int64_t>(now),
                                host_name(), ::getpid(), counter);
    if (!fs::exists(path)) return path;
  }
}

}  // namespace

Result<EventWriter> EventWriter::create(const fs::path& run_directory,
                                        std::optional<int64_t> resumed_at) {
  std::error_code error;
  fs::create_directories(run_directory, error);
  if (error) return fail("cannot create '{}': {}", run_directory.string(), error.message());
  const double now = seconds_now();
  fs::path path = unused_name(run_directory, now);
  Result<TfrecordWriter> records = TfrecordWriter::create(path);
  if (!records) return records.failure();
  EventWriter writer(std::move(path), std::move(*records));
  Status status = writer.records_.write(tfevents::file_version(now));
  // Twice, because TensorBoard takes the first mark of a run for its beginning and drops nothing.
  for (int i = 0; i < 2 && status && resumed_at; ++i) {
    status = writer.records_.write(tfevents::session_start(now, *resumed_at));
  }
  if (status) status = writer.flush();  // a file without its version is not an event file yet
  if (!status) return status.failure();
  return writer;
}

Status EventWriter::add_scalar(std::string_view tag, int64_t step, double value) {
  const auto number = static_cast<float>(value);
  return records_.write(tfevents::scalar(seconds_now(), step, tag, number, is_new(tag)));
}

Status EventWriter::add_text(std::string_view tag, int64_t step, std::string_view markdown) {
  return records_.write(tfevents::text(seconds_now(), step, tag, markdown, is_new(tag)));
}

Status EventWriter::add_histogram(std::string_view tag, int64_t step, const Tensor& values,
                                  int64_t num_buckets) {
  const auto buckets = make_histogram(values, num_buckets);
  return records_.write(tfevents::histogram(seconds_now(), step, tag, buckets, is_new(tag)));
}

Status EventWriter::add_image(std::string_view tag, int64_t step, int64_t width, int64_t height,
                              std::string_view png) {
  return records_.write(tfevents::image(seconds_now(), step, tag, width, height, png, is_new(tag)));
}

Status EventWriter::add_graph(std::span<const tfevents::GraphNode> nodes) {
  return records_.write(tfevents::graph(seconds_now(), nodes));
}

}  // namespace brisk
