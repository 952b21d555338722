#include "brisk/formats/tfrecord/tf_example.h"

#include <cstring>
#include <functional>
#include <optional>

#include "brisk/formats/protobuf_wire.h"

// Example { 1: Features { 1: map<string, Feature> } }, a map entry being { 1: key, 2: value };
// Feature is one of { 1: BytesList, 2: FloatList, 3: Int64List }, each with the repeated field 1.
// As protobuf demands, a message that stands twice is merged and fields of other numbers are
// skipped.

namespace brisk {
namespace {

constexpr int kVarint = 0;
constexpr int kBytes = 2;
constexpr int kFixed32 = 5;

/// Calls `visit` with each field of the message until it fails.
Status for_each_field(std::string_view message,
                      const std::function<Status(const ProtobufField&)>& visit) {
  ProtobufReader reader(message);
  for (;;) {
    auto field = reader.next();
    if (!field) return field.failure();
    if (!field->has_value()) return Success{};
    if (Status status = visit(**field); !status) return status;
  }
}

Status expect_bytes(const ProtobufField& field) {
  if (field.wire_type == kBytes) return Success{};
  return fail("field {} has the wire type {}, not a message or text", field.number,
              field.wire_type);
}

/// The list of type T in the feature; what was there of another type is dropped.
template <typename T>
std::vector<T>& list_in(std::optional<TfFeature>& feature) {
  if (!feature || !std::holds_alternative<std::vector<T>>(*feature)) feature = std::vector<T>();
  return std::get<std::vector<T>>(*feature);
}

Status read_bytes(std::string_view list, std::vector<std::string_view>& values) {
  return for_each_field(list, [&](const ProtobufField& field) -> Status {
    if (field.number != 1) return Success{};
    if (Status status = expect_bytes(field); !status) return status;
    values.push_back(field.bytes);
    return Success{};
  });
}

Status read_floats(std::string_view list, std::vector<float>& values) {
  return for_each_field(list, [&](const ProtobufField& field) -> Status {
    if (field.number != 1) return Success{};
    if (field.wire_type == kFixed32) {
      values.push_back(field.as_float());
      return Success{};
    }
    if (Status status = expect_bytes(field); !status) return status;
    if (field.bytes.size() % sizeof(float) != 0) {
      return fail("{} bytes are not a whole number of floats", field.bytes.size());
    }
    const size_t before = values.size();
    values.resize(before + field.bytes.size() / sizeof(float));
    if (!field.bytes.empty()) {
      std::memcpy(values.data() + before, field.bytes.data(), field.bytes.size());
    }
    return Success{};
  });
}

Status read_integers(std::string_view list, std::vector<int64_t>& values) {
  return for_each_field(list, [&](const ProtobufField& field) -> Status {
    if (field.number != 1) return Success{};
    if (field.wire_type == kVarint) {
      values.push_back(static_cast<int64_t>(field.scalar));
      return Success{};
    }
    if (Status status = expect_bytes(field); !status) return status;
    for (std::string_view packed = field.bytes; !packed.empty();) {
      const std::optional<uint64_t> value = take_varint(packed);
      if (!value) return fail("a packed integer is cut off");
      values.push_back(static_cast<int64_t>(*value));
    }
    return Success{};
  });
}

Status read_feature(std::string_view message, std::optional<TfFeature>& feature) {
  return for_each_field(message, [&](const ProtobufField& field) -> Status {
    if (field.number < 1 || field.number > 3) return Success{};
    if (Status status = expect_bytes(field); !status) return status;
    if (field.number == 1) return read_bytes(field.bytes, list_in<std::string_view>(feature));
    if (field.number == 2) return read_floats(field.bytes, list_in<float>(feature));
    return read_integers(field.bytes, list_in<int64_t>(feature));
  });
}

/// One entry of the map of features; of a key that stands twice the last counts.
Status read_entry(std::string_view message, TfExample& example) {
  std::string key;
  std::optional<TfFeature> feature;
  Status status = for_each_field(message, [&](const ProtobufField& field) -> Status {
    if (field.number != 1 && field.number != 2) return Success{};
    if (Status bytes = expect_bytes(field); !bytes) return bytes;
    if (field.number == 2) return read_feature(field.bytes, feature);
    key = field.bytes;
    return Success{};
  });
  if (!status) return fail("feature '{}': {}", key, status.error());
  if (feature)
    example.insert_or_assign(std::move(key), std::move(*feature));
  else
    example.erase(key);
  return Success{};
}

ProtobufMessage make_feature(const TfFeature& feature) {
  ProtobufMessage list;
  if (const auto* texts = std::get_if<std::vector<std::string_view>>(&feature)) {
    for (std::string_view text : *texts) list.bytes(1, text);
    return ProtobufMessage().message(1, list);
  }
  if (const auto* floats = std::get_if<std::vector<float>>(&feature)) {
    if (!floats->empty()) list.packed_floats(1, *floats);
    return ProtobufMessage().message(2, list);
  }
  const auto& integers = std::get<std::vector<int64_t>>(feature);
  if (!integers.empty()) list.packed_integers(1, integers);
  return ProtobufMessage().message(3, list);
}

}  // namespace

Result<TfExample> parse_tf_example(std::string_view record) {
  TfExample example;
  Status status = for_each_field(record, [&](const ProtobufField& features) -> Status {
    if (features.number != 1) return Success{};
    if (Status bytes = expect_bytes(features); !bytes) return bytes;
    return for_each_field(features.bytes, [&](const ProtobufField& entry) -> Status {
      if (entry.number != 1) return Success{};
      if (Status bytes = expect_bytes(entry); !bytes) return bytes;
      return read_entry(entry.bytes, example);
    });
  });
  if (!status) return fail("[tf.train.Example] the record is refused: {}", status.error());
  return example;
}

std::string serialize_tf_example(const TfExample& example) {
  ProtobufMessage features;
  for (const auto& [key, feature] : example) {
    features.message(1, ProtobufMessage().bytes(1, key).message(2, make_feature(feature)));
  }
  return ProtobufMessage().message(1, features).wire();
}

std::string_view kind_of(const TfFeature& feature) {
  constexpr std::string_view kKinds[] = {"bytes", "float", "int64"};
  return kKinds[feature.index()];
}

}  // namespace brisk
