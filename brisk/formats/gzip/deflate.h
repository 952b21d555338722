#pragma once

/// Bytes compressed as gzip does it (RFC 1952), by zlib at level 9.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "brisk/base/error.h"

namespace brisk {

/// Bytes that `bytes` take as a gzip member.
int64_t gzipped_size(std::span<const std::byte> bytes);

/// Writes them atomically as one.
Status write_gzip(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace brisk
