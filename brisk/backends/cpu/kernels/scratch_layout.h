#pragma once

/// Where a launch's parts of the scratch memory begin.

#include <cstddef>
#include <cstdint>

namespace brisk::cpu {

class ScratchLayout {
 public:
  /// Appends `count` floats, aligned to 64 bytes; the offset in bytes.
  int64_t add_floats(int64_t count) { return add_bytes(count * 4); }
  int64_t add_bytes(int64_t count) {
    const int64_t offset = bytes_;
    bytes_ += (count + 63) / 64 * 64;
    return offset;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

inline float* floats_at(std::byte* scratch, int64_t offset) {
  return reinterpret_cast<float*>(scratch + offset);
}

}  // namespace brisk::cpu
