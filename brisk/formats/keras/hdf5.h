#pragma once

/// The door to HDF5: groups, datasets and attributes, as far as weight files use them.
///
/// Files are foreign: links that lead out of the file, external storage and virtual datasets are
/// refused, sizes are checked against the file's before memory is taken, and what HDF5 says of an
/// error ends in the message.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"

namespace brisk {

/// A file open for reading. Paths are "a/b/c" from the root.
class Hdf5File {
 public:
  /// From a file on the disk.
  static Result<Hdf5File> open(const std::filesystem::path& path);
  /// From a whole file in memory, which is kept.
  static Result<Hdf5File> open(std::shared_ptr<const std::string> bytes, std::string what);
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;
  ~Hdf5File();

  bool has_group(const std::string& path) const;
  bool has_dataset(const std::string& path) const;
  /// Names in a group, in order of name; fails when there is no such group.
  Result<std::vector<std::string>> names(const std::string& group) const;
  /// Numbers of any type; 2-byte opaque data marked as bfloat16 too.
  Result<Tensor> dataset(const std::string& path) const;
  /// A text attribute of a group or dataset ("" for the root): nothing when there is none.
  Result<std::optional<std::string>> text_attribute(const std::string& path,
                                                    const std::string& name) const;
  /// A list of texts; long lists may be split into name0, name1, ... Nothing when there is none.
  Result<std::optional<std::vector<std::string>>> texts_attribute(const std::string& path,
                                                                  const std::string& name) const;

 private:
  struct State;
  explicit Hdf5File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A file being written, in memory: what Keras itself writes (superblock 0, symbol-table groups,
/// contiguous data).
class Hdf5Writer {
 public:
  Hdf5Writer();
  ~Hdf5Writer();
  /// Groups on the way are made.
  Status add_group(const std::string& path);
  Status add_dataset(const std::string& path, const Tensor& tensor);
  /// A text attribute of an existing group or dataset; "" is the root.
  Status add_attribute(const std::string& path, const std::string& name, const std::string& text);
  /// The whole file.
  Result<std::string> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brisk
