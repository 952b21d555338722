#pragma once

/// The bytes of an HDF5 file, read in order from an address: little-endian numbers, signatures,
/// names. Every step is checked against the end of the bytes and refused (UserError) with the name
/// of the structure.

#include <cstdint>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk::hdf5 {

/// "There is nothing", where an address stands.
inline constexpr uint64_t kNoAddress = ~uint64_t{0};

class FileBytes {
 public:
  /// `structure` names what the bytes are, for messages.
  FileBytes(std::string_view bytes, const char* structure)
      : all_(bytes), rest_(bytes), structure_(structure) {}
  /// From an address of the file to its end.
  static FileBytes at(std::string_view file, uint64_t address, const char* structure);
  /// `size` bytes of the file, all of which must be there.
  static FileBytes at(std::string_view file, uint64_t address, uint64_t size,
                      const char* structure);

  std::string_view take(uint64_t size);
  void skip(uint64_t size) { take(size); }
  /// An unsigned number of 1 to 8 bytes.
  uint64_t number(int bytes);
  uint64_t address() { return number(8); }
  /// Refuses bytes that do not begin with a structure's signature.
  void expect(std::string_view signature);
  /// Refuses a version (one byte) outside of [first, last]; gives it.
  int version(int first, int last);
  /// Up to the next multiple of 8 from where these bytes began.
  void align();
  uint64_t remaining() const { return rest_.size(); }

 private:
  std::string_view all_, rest_;
  const char* structure_;
};

}  // namespace brisk::hdf5
