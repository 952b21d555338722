#include "brisk/formats/hdf5/file_bytes.h"

#include <algorithm>

namespace brisk::hdf5 {

FileBytes FileBytes::at(std::string_view file, uint64_t address, const char* structure) {
  require(address < file.size(), "the address {:#x} of a {} lies behind the file's end", address,
          structure);
  return {file.substr(address), structure};
}

FileBytes FileBytes::at(std::string_view file, uint64_t address, uint64_t size,
                        const char* structure) {
  return {at(file, address, structure).take(size), structure};
}

std::string_view FileBytes::take(uint64_t size) {
  require(size <= rest_.size(), "a {} is cut short: {} bytes of {} are there", structure_,
          rest_.size(), size);
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint64_t FileBytes::number(int bytes) {
  const std::string_view digits = take(static_cast<uint64_t>(bytes));
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | static_cast<uint8_t>(digits[static_cast<size_t>(i)]);
  return value;
}

void FileBytes::expect(std::string_view signature) {
  require(take(signature.size()) == signature, "where a {} should be, there is none", structure_);
}

int FileBytes::version(int first, int last) {
  const int version = static_cast<int>(number(1));
  require(version >= first && version <= last, "a {} of version {} is not known", structure_,
          version);
  return version;
}

void FileBytes::align() {
  skip(std::min<uint64_t>((8 - (all_.size() - rest_.size()) % 8) % 8, rest_.size()));
}

}  // namespace brisk::hdf5
