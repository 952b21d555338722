#include "brisk/formats/tfevents/event.h"

#include "brisk/formats/protobuf_wire.h"

// Field numbers are those of the .proto files named in the header; each stands here once.

namespace brisk::tfevents {
namespace {

using Message = ProtobufMessage;

constexpr uint64_t kDtFloat = 1;
constexpr uint64_t kDtDouble = 2;
constexpr uint64_t kDtString = 7;

/// tensorflow.Event with its time and, but for 0, its step.
Message event(double wall_time, int64_t step) {
  Message message;
  message.float64(1, wall_time);
  if (step != 0) message.integer(2, step);
  return message;
}

/// tensorflow.TensorProto without its values.
Message tensor(uint64_t type, std::span<const int64_t> sizes) {
  Message shape;
  for (int64_t size : sizes) shape.message(2, Message().integer(1, size));
  return Message().varint(1, type).message(2, shape);
}

/// tensorflow.SummaryMetadata: the plugin; empty contents stand for version 0 of its own message.
Message plugin_metadata(std::string_view plugin) {
  return Message().message(1, Message().bytes(1, plugin));
}

/// An Event with one Summary.Value.
std::string summary(double wall_time, int64_t step, std::string_view tag, const Message& value,
                    std::string_view plugin, bool describe) {
  Message entry;
  entry.bytes(1, tag).message(8, value);
  if (describe) entry.message(9, plugin_metadata(plugin));
  return event(wall_time, step).message(5, Message().message(1, entry)).wire();
}

}  // namespace

std::string file_version(double wall_time) {
  return event(wall_time, 0).bytes(3, "brain.Event:2").wire();
}

std::string session_start(double wall_time, int64_t step) {
  constexpr uint64_t kStart = 1;
  return event(wall_time, step).message(7, Message().varint(1, kStart)).wire();
}

std::string scalar(double wall_time, int64_t step, std::string_view tag, float value,
                   bool describe) {
  Message number = tensor(kDtFloat, {});
  number.packed_floats(5, {&value, 1});
  return summary(wall_time, step, tag, number, "scalars", describe);
}

std::string text(double wall_time, int64_t step, std::string_view tag, std::string_view markdown,
                 bool describe) {
  Message content = tensor(kDtString, {});
  content.bytes(8, markdown);
  return summary(wall_time, step, tag, content, "text", describe);
}

std::string histogram(double wall_time, int64_t step, std::string_view tag,
                      std::span<const HistogramBucket> buckets, bool describe) {
  std::vector<double> rows;
  for (const HistogramBucket& bucket : buckets) {
    rows.insert(rows.end(), {bucket.left, bucket.right, bucket.count});
  }
  const int64_t sizes[] = {static_cast<int64_t>(buckets.size()), 3};
  Message table = tensor(kDtDouble, sizes);
  table.packed_doubles(6, rows);
  return summary(wall_time, step, tag, table, "histograms", describe);
}

std::string image(double wall_time, int64_t step, std::string_view tag, int64_t width,
                  int64_t height, std::string_view png, bool describe) {
  const int64_t sizes[] = {3};
  Message content = tensor(kDtString, sizes);
  content.bytes(8, std::to_string(width)).bytes(8, std::to_string(height)).bytes(8, png);
  return summary(wall_time, step, tag, content, "images", describe);
}

std::string graph(double wall_time, std::span<const GraphNode> nodes) {
  Message definition;
  for (const GraphNode& node : nodes) {
    Message entry;
    entry.bytes(1, node.name).bytes(2, node.op);
    for (const std::string& input : node.inputs) entry.bytes(3, input);
    definition.message(1, entry);
  }
  return event(wall_time, 0).message(4, definition).wire();
}

}  // namespace brisk::tfevents
