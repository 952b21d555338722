#include "brisk/formats/tfrecord/tf_example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brisk/formats/protobuf_wire.h"

namespace brisk {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Texts = std::vector<std::string_view>;
using Floats = std::vector<float>;
using Integers = std::vector<int64_t>;

/// What tf.train.Example gives for {a: [b"xy", b""], b: [1.5, -2.0], c: [300, -1], e: []} with
/// SerializeToString(deterministic=True).
const std::string kFromTensorFlow(
    "\x0a\x42\x0a\x0d\x0a\x01\x61\x12\x08\x0a\x06\x0a\x02\x78\x79\x0a\x00\x0a\x11\x0a\x01\x62\x12"
    "\x0c\x12\x0a\x0a\x08\x00\x00\xc0\x3f\x00\x00\x00\xc0\x0a\x15\x0a\x01\x63\x12\x10\x1a\x0e\x0a"
    "\x0c\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0a\x07\x0a\x01\x65\x12\x02\x1a\x00",
    68);

TfExample sample() {
  return {{"a", Texts{"xy", ""}},
          {"b", Floats{1.5f, -2.0f}},
          {"c", Integers{300, -1}},
          {"e", Integers{}}};
}

/// An Example with one feature named "x" of these bytes.
std::string with_feature(const ProtobufMessage& feature) {
  const ProtobufMessage entry = ProtobufMessage().bytes(1, "x").message(2, feature);
  return ProtobufMessage().message(1, ProtobufMessage().message(1, entry)).wire();
}

TEST(TfExample, GoldenBytes) {
  EXPECT_EQ(serialize_tf_example(sample()), kFromTensorFlow);
  EXPECT_EQ(parse_tf_example(kFromTensorFlow).value(), sample());
}

TEST(TfExample, UnpackedListsAreReadToo) {
  const ProtobufMessage integers = ProtobufMessage().integer(1, 5).integer(1, -6);
  EXPECT_EQ(parse_tf_example(with_feature(ProtobufMessage().message(3, integers))).value(),
            (TfExample{{"x", Integers{5, -6}}}));
  const ProtobufMessage floats = ProtobufMessage().float32(1, 0.5f).float32(1, 2);
  EXPECT_EQ(parse_tf_example(with_feature(ProtobufMessage().message(2, floats))).value(),
            (TfExample{{"x", Floats{0.5f, 2.0f}}}));
}

TEST(TfExample, FollowsProtobufsRules) {
  EXPECT_TRUE(parse_tf_example("").value().empty());
  EXPECT_TRUE(parse_tf_example(with_feature({})).value().empty()) << "no list: missing";
  const ProtobufMessage five = ProtobufMessage().integer(1, 5);
  const ProtobufMessage half = ProtobufMessage().float32(1, 0.5f);
  EXPECT_EQ(
      parse_tf_example(with_feature(ProtobufMessage().message(3, five).message(3, five))).value(),
      (TfExample{{"x", Integers{5, 5}}}))
      << "the same list twice is merged";
  EXPECT_EQ(
      parse_tf_example(with_feature(ProtobufMessage().message(3, five).message(2, half))).value(),
      (TfExample{{"x", Floats{0.5f}}}))
      << "of two kinds the last counts";
  const std::string one = with_feature(ProtobufMessage().message(3, five));
  const std::string other = with_feature(ProtobufMessage().message(2, half));
  EXPECT_EQ(parse_tf_example(one + other).value(), (TfExample{{"x", Floats{0.5f}}}))
      << "of two entries the last counts";
  const ProtobufMessage unknown =
      ProtobufMessage().varint(9, 1).message(3, five).bytes(10, "later");
  EXPECT_EQ(parse_tf_example(with_feature(unknown)).value(), (TfExample{{"x", Integers{5}}}));
}

TEST(TfExample, MalformedRecordsAreRefusedWithTheFeaturesName) {
  const auto list = [](int field, std::string_view bytes) {
    return with_feature(ProtobufMessage().message(field, ProtobufMessage().bytes(1, bytes)));
  };
  EXPECT_THAT(
      parse_tf_example(list(2, "12345")).error(),
      AllOf(HasSubstr("feature 'x'"), HasSubstr("5 bytes are not a whole number of floats")));
  EXPECT_THAT(parse_tf_example(list(3, "\xff")).error(),
              AllOf(HasSubstr("feature 'x'"), HasSubstr("packed integer is cut off")));
  EXPECT_THAT(parse_tf_example(with_feature(ProtobufMessage().varint(1, 3))).error(),
              HasSubstr("field 1 has the wire type 0"));
  EXPECT_FALSE(parse_tf_example(ProtobufMessage().varint(1, 3).wire()).ok());
  EXPECT_FALSE(parse_tf_example("not an example").ok());
  for (size_t size = 1; size < kFromTensorFlow.size(); ++size) {
    EXPECT_FALSE(parse_tf_example(std::string_view(kFromTensorFlow).substr(0, size)).ok()) << size;
  }
}

TEST(TfExample, KindsAreNamed) {
  EXPECT_EQ(kind_of(Texts{}), "bytes");
  EXPECT_EQ(kind_of(Floats{}), "float");
  EXPECT_EQ(kind_of(Integers{}), "int64");
}

}  // namespace
}  // namespace brisk
