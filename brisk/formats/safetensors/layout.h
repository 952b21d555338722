#pragma once

/// What reader and writer of safetensors agree on.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "brisk/base/dtype.h"

namespace brisk::safetensors {

inline constexpr int64_t kMaxHeaderBytes = 100'000'000;
inline constexpr int64_t kLengthBytes = 8;
inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr std::string_view kChecksumKey = "brisk.xxh3";

/// "F32", "BF16", ...; none for i4.
std::optional<std::string_view> type_name(DType type);
std::optional<DType> parse_type_name(std::string_view name);
/// All names, for messages.
std::string all_type_names();

}  // namespace brisk::safetensors
