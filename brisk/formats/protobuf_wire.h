#pragma once

/// Protocol buffers on the wire, for the few messages that need no schema compiler: a message is a
/// sequence of (field number, wire type, value). Wire types: 0 varint, 1 eight bytes, 2 bytes with
/// their length, 5 four bytes; all little-endian. (protobuf.dev, "Encoding".)

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

/// A message being written; fields stand in the order of the calls. Unlike generated code it writes
/// default values too: leave a call out to leave the field out.
class ProtobufMessage {
 public:
  /// uint32, uint64, bool and enum fields.
  ProtobufMessage& varint(int field, uint64_t value);
  /// int32 and int64 fields: a negative number takes ten bytes.
  ProtobufMessage& integer(int field, int64_t value);
  ProtobufMessage& float32(int field, float value);
  ProtobufMessage& float64(int field, double value);
  /// string and bytes fields.
  ProtobufMessage& bytes(int field, std::string_view value);
  ProtobufMessage& message(int field, const ProtobufMessage& value);
  /// Repeated scalars in one field, as proto3 packs them.
  ProtobufMessage& packed_integers(int field, std::span<const int64_t> values);
  ProtobufMessage& packed_floats(int field, std::span<const float> values);
  ProtobufMessage& packed_doubles(int field, std::span<const double> values);

  const std::string& wire() const { return wire_; }

 private:
  std::string wire_;
};

/// One field of a message being read.
struct ProtobufField {
  int number = 0;
  int wire_type = 0;
  uint64_t scalar = 0;     ///< of wire types 0, 1 and 5: the bits
  std::string_view bytes;  ///< of wire type 2

  float as_float() const;
  double as_double() const;
};

/// Reads a message's fields one after another. The bytes are not believed: lengths and varints
/// that leave the message are failures, not reads.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view wire) : rest_(wire) {}
  /// The next field; none at the end of the message.
  Result<std::optional<ProtobufField>> next();
  /// What is not read yet.
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Takes one varint from the front of `wire`; none when it is cut off or longer than ten bytes.
std::optional<uint64_t> take_varint(std::string_view& wire);

}  // namespace brisk
