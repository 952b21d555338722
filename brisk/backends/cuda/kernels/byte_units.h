#pragma once

/// Ops that only move elements copy units of bytes, as wide as every run of them allows.

#include <cstdint>
#include <string>

namespace brisk::cuda {

struct ByteUnit {
  int64_t bytes = 1;  ///< 1, 2, 4, 8 or 16
  /// The device type of that size.
  std::string type() const {
    switch (bytes) {
      case 16:
        return "uint4";
      case 8:
        return "u64";
      case 4:
        return "u32";
      case 2:
        return "u16";
      default:
        return "u8";
    }
  }
};

/// The widest unit that divides all of `lengths` (in bytes; zeros are passed over).
template <typename Lengths>
ByteUnit widest_unit(const Lengths& lengths) {
  ByteUnit unit{16};
  for (const int64_t length : lengths)
    while (length % unit.bytes != 0) unit.bytes /= 2;
  return unit;
}

}  // namespace brisk::cuda
