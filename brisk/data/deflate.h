#pragma once

/// How well bytes compress, by zlib (RFC 1951).

#include <cstddef>
#include <cstdint>
#include <span>

namespace brisk {

/// Bytes that `bytes` take when deflated at level 9, as gzip does it, without gzip's header.
int64_t deflated_size(std::span<const std::byte> bytes);

}  // namespace brisk
