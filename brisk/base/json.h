#pragma once

/// The door to nlohmann-json.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

using Json = nlohmann::json;

inline constexpr int64_t kMaxJsonDepth = 100;

/// Parses a whole JSON text (RFC 8259). Fails with `what` (a file name, "request body"), line,
/// column and reason when the text is malformed, is nested deeper than `max_depth`, or names a key
/// twice in one object (where JSON readers disagree about which value counts).
Result<Json> parse_json(std::string_view text, std::string_view what,
                        int64_t max_depth = kMaxJsonDepth);

/// The text of a JSON value, on one line where `indent` is negative. Bytes that are no UTF-8 (names
/// of files are any bytes) become U+FFFD, so that the text is JSON whatever it was made from.
std::string json_text(const Json& json, int indent = -1);

}  // namespace brisk
