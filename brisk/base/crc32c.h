#pragma once

/// The portable form of `crc32c` (brisk/base/file.h), which itself takes the processor's
/// instruction where there is one. Apart, so that each can be held against the other.

#include <cstdint>
#include <string_view>

namespace brisk {

uint32_t crc32c_by_tables(std::string_view bytes);

}  // namespace brisk
