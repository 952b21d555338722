#pragma once

/// What the elements of a dataset or attribute are, and how many: HDF5's datatype and dataspace
/// messages.

#include <optional>
#include <vector>

#include "brisk/base/dtype.h"
#include "brisk/formats/hdf5/file_bytes.h"

namespace brisk::hdf5 {

struct Datatype {
  enum class Kind { number, text, variable_text, other };
  Kind kind = Kind::other;
  uint64_t size = 0;          ///< bytes of an element in the file
  DType number = DType::f32;  ///< of numbers: as stored
  bool big_endian = false;
};
Datatype read_datatype(FileBytes& message);

/// The sizes of a dataspace: none for a scalar, {0} where there are no elements at all. More than
/// 16 axes, and products over 2^34, are refused.
std::vector<int64_t> read_dataspace(FileBytes& message);
int64_t count_elements(const std::vector<int64_t>& sizes);

}  // namespace brisk::hdf5
