#pragma once

/// Writes a TensorBoard event file: framed records (TFRecord) of events. A run is a directory; each
/// writer opens a file of its own in it, so a resumed training adds a file and leaves the earlier
/// ones alone. To be used from one thread.
///
///     auto events = EventWriter::create("logs/run1/train").value();
///     events.add_scalar("epoch_loss", epoch, loss);

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"
#include "brisk/formats/tfevents/event.h"
#include "brisk/formats/tfrecord/tfrecord.h"

namespace brisk {

class EventWriter {
 public:
  /// Makes the directory where there is none and a file `events.out.tfevents.<seconds>.<host>.
  /// <process>.<n>` in it. `resumed_at` is the first step that will be written again: what earlier
  /// files hold from there on is then not shown twice.
  static Result<EventWriter> create(const std::filesystem::path& run_directory,
                                    std::optional<int64_t> resumed_at = std::nullopt);

  Status add_scalar(std::string_view tag, int64_t step, double value);
  /// Markdown, UTF-8.
  Status add_text(std::string_view tag, int64_t step, std::string_view markdown);
  /// The distribution of the tensor's elements in `num_buckets` equal bars between its least and
  /// its largest; elements that are not finite are left out.
  Status add_histogram(std::string_view tag, int64_t step, const Tensor& values,
                       int64_t num_buckets = 30);
  /// One PNG image of `width` by `height` pixels.
  Status add_image(std::string_view tag, int64_t step, int64_t width, int64_t height,
                   std::string_view png);
  /// The graph of the run, for the graph tab.
  Status add_graph(std::span<const tfevents::GraphNode> nodes);

  /// Makes everything so far visible to a running TensorBoard.
  Status flush() { return records_.flush(); }
  /// Flushes, syncs and closes; nothing may follow.
  Status finish() { return records_.finish(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  EventWriter(std::filesystem::path path, TfrecordWriter records)
      : path_(std::move(path)), records_(std::move(records)) {}
  /// True the first time a tag is seen.
  bool is_new(std::string_view tag) { return described_.insert(std::string(tag)).second; }

  std::filesystem::path path_;
  TfrecordWriter records_;
  std::set<std::string> described_;  ///< tags whose metadata stands in this file
};

}  // namespace brisk
