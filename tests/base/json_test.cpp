#include "brisk/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace brisk {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Json, BuildsEveryKindOfValue) {
  const std::string text =
      R"({"a": [1, -2, 2.5, true, false, null, "é\n"], "b": {"c": {}, "d": []}, "e": 18446744073709551615})";
  const Json document = parse_json(text, "test").value();
  EXPECT_EQ(document, Json::parse(text));
  EXPECT_TRUE(document["e"].is_number_unsigned());
  EXPECT_TRUE(document["a"][1].is_number_integer());
  EXPECT_EQ(parse_json("3", "test").value(), Json(3));
  EXPECT_EQ(parse_json(" \"x\" ", "test").value(), Json("x"));
}

TEST(Json, SyntaxErrorsNameFileLineColumnAndReason) {
  EXPECT_THAT(
      parse_json("{\n  \"a\": 1,\n  \"b\": ?\n}", "model.json").error(),
      AllOf(HasSubstr("model.json"), HasSubstr("line 3, column 8"), HasSubstr("invalid literal")));
  for (const char* text :
       {"", "{", "[1,", "[1 2]", "{\"a\" 1}", "nul", "\"open", "1 2", "[NaN]", "'a'", "{a: 1}",
        "[1,]", "\"\x01\"", "\"\xff\"", "\"\\u12\"", "01", "1e999"}) {
    const Result<Json> result = parse_json(text, "test");
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_THAT(result.error(),
                AllOf(HasSubstr("line 1"), testing::Not(HasSubstr("json.exception"))));
  }
  EXPECT_THAT(parse_json(std::string_view("[1]\0]", 5), "test").error(),
              AllOf(HasSubstr("zero byte"), HasSubstr("line 1, column 4")));
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(100), "test").ok());
  EXPECT_THAT(parse_json(nested(101), "test").error(),
              AllOf(HasSubstr("deeper than 100"), HasSubstr("line 1, column 101")));
  EXPECT_FALSE(parse_json(std::string(10'000'000, '['), "test").ok());
  EXPECT_TRUE(parse_json("{\"a\":{}}", "test", 2).ok());
  EXPECT_FALSE(parse_json("{\"a\":{}}", "test", 1).ok());
  EXPECT_TRUE(parse_json("1", "test", 0).ok());
}

TEST(Json, RepeatedKeysAreRefused) {
  EXPECT_THAT(parse_json("{\"a\": 1,\n\"a\": 2}", "test").error(),
              AllOf(HasSubstr("'a' stands twice"), HasSubstr("line 2")));
  EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "test").ok());
  EXPECT_FALSE(parse_json(R"({"a": 1, "\u0061": 2})", "test").ok()) << "the same key, escaped";
}

}  // namespace
}  // namespace brisk
