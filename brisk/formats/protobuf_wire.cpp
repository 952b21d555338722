#include "brisk/formats/protobuf_wire.h"

#include <bit>
#include <cstring>

namespace brisk {
namespace {

constexpr int kVarint = 0;
constexpr int kFixed64 = 1;
constexpr int kBytes = 2;
constexpr int kFixed32 = 5;

void append_varint(std::string& wire, uint64_t value) {
  for (; value >= 0x80; value >>= 7) wire += static_cast<char>(value | 0x80);
  wire += static_cast<char>(value);
}

template <typename Word>
void append_word(std::string& wire, Word word) {
  for (size_t i = 0; i < sizeof word; ++i) wire += static_cast<char>(word >> (8 * i));
}

void append_tag(std::string& wire, int field, int wire_type) {
  append_varint(wire, (static_cast<uint64_t>(field) << 3) | static_cast<uint64_t>(wire_type));
}

template <typename Word>
std::optional<uint64_t> take_word(std::string_view& wire) {
  Word word = 0;
  if (wire.size() < sizeof word) return std::nullopt;
  std::memcpy(&word, wire.data(), sizeof word);
  wire.remove_prefix(sizeof word);
  return word;
}

}  // namespace

ProtobufMessage& ProtobufMessage::varint(int field, uint64_t value) {
  append_tag(wire_, field, kVarint);
  append_varint(wire_, value);
  return *this;
}

ProtobufMessage& ProtobufMessage::integer(int field, int64_t value) {
  return varint(field, static_cast<uint64_t>(value));
}

ProtobufMessage& ProtobufMessage::float32(int field, float value) {
  append_tag(wire_, field, kFixed32);
  append_word(wire_, std::bit_cast<uint32_t>(value));
  return *this;
}

ProtobufMessage& ProtobufMessage::float64(int field, double value) {
  append_tag(wire_, field, kFixed64);
  append_word(wire_, std::bit_cast<uint64_t>(value));
  return *this;
}

ProtobufMessage& ProtobufMessage::bytes(int field, std::string_view value) {
  append_tag(wire_, field, kBytes);
  append_varint(wire_, value.size());
  wire_ += value;
  return *this;
}

ProtobufMessage& ProtobufMessage::message(int field, const ProtobufMessage& value) {
  return bytes(field, value.wire_);
}

ProtobufMessage& ProtobufMessage::packed_integers(int field, std::span<const int64_t> values) {
  std::string packed;
  for (int64_t value : values) append_varint(packed, static_cast<uint64_t>(value));
  return bytes(field, packed);
}

ProtobufMessage& ProtobufMessage::packed_floats(int field, std::span<const float> values) {
  std::string packed;
  for (float value : values) append_word(packed, std::bit_cast<uint32_t>(value));
  return bytes(field, packed);
}

ProtobufMessage& ProtobufMessage::packed_doubles(int field, std::span<const double> values) {
  std::string packed;
  for (double value : values) append_word(packed, std::bit_cast<uint64_t>(value));
  return bytes(field, packed);
}

float ProtobufField::as_float() const {
  return std::bit_cast<float>(static_cast<uint32_t>(scalar));
}
double ProtobufField::as_double() const {
  return std::bit_cast<double>(scalar);
}

std::optional<uint64_t> take_varint(std::string_view& wire) {
  uint64_t value = 0;
  for (size_t i = 0; i < 10 && i < wire.size(); ++i) {
    const auto byte = static_cast<uint8_t>(wire[i]);
    if (i == 9 && byte > 1) return std::nullopt;  // more than 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      wire.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

Result<std::optional<ProtobufField>> ProtobufReader::next() {
  if (rest_.empty()) return std::optional<ProtobufField>();
  const std::optional<uint64_t> tag = take_varint(rest_);
  constexpr uint64_t kMaxTag = 0xffffffffu;
  if (!tag || *tag > kMaxTag || (*tag >> 3) == 0) return fail("a field has no valid number");
  ProtobufField field;
  field.number = static_cast<int>(*tag >> 3);
  field.wire_type = static_cast<int>(*tag & 7);
  std::optional<uint64_t> value;
  switch (field.wire_type) {
    case kVarint:
    case kBytes:
      value = take_varint(rest_);
      break;
    case kFixed64:
      value = take_word<uint64_t>(rest_);
      break;
    case kFixed32:
      value = take_word<uint32_t>(rest_);
      break;
    default:
      return fail("field {} has the wire type {}", field.number, field.wire_type);
  }
  if (!value) return fail("field {} is cut off", field.number);
  if (field.wire_type != kBytes) {
    field.scalar = *value;
    return std::optional(field);
  }
  if (*value > rest_.size()) {
    return fail("field {} claims {} bytes, but {} are left", field.number, *value, rest_.size());
  }
  field.bytes = rest_.substr(0, static_cast<size_t>(*value));
  rest_.remove_prefix(field.bytes.size());
  return std::optional(field);
}

}  // namespace brisk
