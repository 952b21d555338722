#pragma once

/// Writes HDF5 files as Keras itself does (h5py's defaults): superblock 0, symbol-table groups,
/// contiguous data.

#include <map>
#include <string>

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"

namespace brisk {

/// A file being written, in memory. Tensors are shared with the caller until `finish`.
class Hdf5Writer {
 public:
  /// Groups on the way are made.
  Status add_group(const std::string& path);
  Status add_dataset(const std::string& path, const Tensor& tensor);
  /// A text attribute of an existing group or dataset; "" is the root.
  Status add_attribute(const std::string& path, const std::string& name, const std::string& text);
  /// The whole file.
  Result<std::string> finish() const;

  struct Object {
    std::map<std::string, Object> members;  ///< of a group
    std::map<std::string, std::string> attributes;
    Tensor tensor;  ///< defined for a dataset
  };

 private:
  Object root_;
};

}  // namespace brisk
