// Versions 0 and 1 end with the root group's entry in a symbol table, versions 2 and 3 with its
// address. Addresses and lengths of 8 bytes are asked for, and a file without a head of its user's:
// nothing else is ever written.

#include "brisk/formats/hdf5/superblock.h"

#include "brisk/formats/hdf5/file_bytes.h"

namespace brisk::hdf5 {

uint64_t read_superblock(std::string_view file) {
  FileBytes head(file, "superblock");
  require(file.starts_with("\x89HDF\r\n\x1a\n"), "it does not begin as an HDF5 file does");
  head.skip(8);
  const int version = head.version(0, 3);
  const bool is_old = version < 2;
  if (is_old) head.skip(4);  // versions of parts, reserved
  const uint64_t address_size = head.number(1), length_size = head.number(1);
  require(address_size == 8 && length_size == 8, "addresses of {} bytes and lengths of {}",
          address_size, length_size);
  if (is_old) head.skip(1 + 4);  // reserved, sizes of nodes
  head.skip(is_old ? 4 : 1);     // flags
  if (version == 1) head.skip(4);
  require(head.address() == 0, "its addresses do not count from its begin");
  head.skip(8);  // free space, or the extension
  const uint64_t end = head.address();
  require(end <= file.size(), "it is cut short: {} bytes of {} are there", file.size(), end);
  if (is_old) head.skip(8 + 8);  // driver, the root's name
  return head.address();
}

}  // namespace brisk::hdf5
