#pragma once

/// The messages of TensorBoard's event files, encoded: tensorflow.Event and what it holds. Each
/// function gives one serialised Event. `wall_time` is in seconds since 1970. A value that comes
/// with `describe` carries the metadata by which TensorBoard finds the plugin to show it; the first
/// value of a tag in a file needs it. (tensorflow/core/util/event.proto, framework/summary.proto,
/// tensorboard/plugins/*/metadata.py.)

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace brisk::tfevents {

/// The first record of every file: "brain.Event:2".
std::string file_version(double wall_time);

/// Marks a start of the program. At the second mark of a run and all later ones, readers drop what
/// stands before it at `step` and later steps.
std::string session_start(double wall_time, int64_t step);

std::string scalar(double wall_time, int64_t step, std::string_view tag, float value,
                   bool describe);

/// Markdown text, UTF-8.
std::string text(double wall_time, int64_t step, std::string_view tag, std::string_view markdown,
                 bool describe);

/// One bar of a histogram: `count` values in [left, right), the last bar closed.
struct HistogramBucket {
  double left;
  double right;
  double count;
};
std::string histogram(double wall_time, int64_t step, std::string_view tag,
                      std::span<const HistogramBucket> buckets, bool describe);

/// One PNG image.
std::string image(double wall_time, int64_t step, std::string_view tag, int64_t width,
                  int64_t height, std::string_view png, bool describe);

/// A node of the graph tab: `inputs` name other nodes; names group by their slashes.
struct GraphNode {
  std::string name;
  std::string op;
  std::vector<std::string> inputs;
};
std::string graph(double wall_time, std::span<const GraphNode> nodes);

}  // namespace brisk::tfevents
