#include "brisk/formats/protobuf_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace brisk {
namespace {

using testing::HasSubstr;

TEST(ProtobufWire, EncodesTheDocumentedExamples) {  // protobuf.dev, "Encoding"
  EXPECT_EQ(ProtobufMessage().varint(1, 150).wire(), "\x08\x96\x01");
  EXPECT_EQ(ProtobufMessage().bytes(2, "testing").wire(), "\x12\x07testing");
  EXPECT_EQ(ProtobufMessage().message(3, ProtobufMessage().varint(1, 150)).wire(),
            "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(ProtobufMessage().packed_integers(6, std::vector<int64_t>{3, 270, 86942}).wire(),
            "\x32\x06\x03\x8e\x02\x9e\xa7\x05");
  EXPECT_EQ(ProtobufMessage().integer(1, -2).wire(),
            "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(ProtobufWire, FieldsComeBack) {
  ProtobufMessage message;
  message.varint(1, std::numeric_limits<uint64_t>::max()).integer(2, -5).float32(3, 1.5f);
  message.float64(1000, -2.25).bytes(5, "").bytes(6, std::string(300, 'x'));
  ProtobufReader reader(message.wire());
  const auto next = [&] { return reader.next().value().value(); };
  EXPECT_EQ(next().scalar, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(static_cast<int64_t>(next().scalar), -5);
  EXPECT_EQ(next().as_float(), 1.5f);
  const ProtobufField wide = next();
  EXPECT_EQ(wide.number, 1000);
  EXPECT_EQ(wide.as_double(), -2.25);
  EXPECT_EQ(next().bytes, "");
  EXPECT_EQ(next().bytes, std::string(300, 'x'));
  EXPECT_FALSE(reader.next().value().has_value());
  EXPECT_FALSE(reader.next().value().has_value()) << "the end stays the end";
}

TEST(ProtobufWire, MalformedMessagesAreFailures) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x08", "cut off"},      // a varint without bytes
      {"\x08\xff", "cut off"},  // or without its end
      {std::string("\x08") + std::string(10, '\xff') + "\x01", "cut off"},  // longer than ten bytes
      {std::string("\x08") + std::string(9, '\xff') + "\x02", "cut off"},   // more than 64 bits
      {std::string("\x09") + std::string(7, 'x'), "cut off"},               // seven of eight bytes
      {std::string("\x0d") + std::string(3, 'x'), "cut off"},               // three of four
      {"\x12\x07testin", "claims 7 bytes, but 6 are left"},                 //
      {std::string("\x12") + std::string(9, '\xff') + "\x01", "claims 18446744073709551615"},
      {"\x0b", "wire type 3"},                               // groups are long gone
      {std::string("\x00\x01", 2), "no valid number"},       // field 0
      {std::string(6, '\xff') + "\x01", "no valid number"},  // field above 2^29
  };
  for (const auto& [wire, reason] : cases) {
    const auto field = ProtobufReader(wire).next();
    ASSERT_FALSE(field.ok()) << reason;
    EXPECT_THAT(field.error(), HasSubstr(reason));
  }
}

}  // namespace
}  // namespace brisk
