#pragma once

/// The head of an HDF5 file.

#include <string_view>

namespace brisk::hdf5 {

/// The address of the root group; UserError when `file` is no HDF5 file or is cut short.
uint64_t read_superblock(std::string_view file);

}  // namespace brisk::hdf5
