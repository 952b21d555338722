#pragma once

/// HDF5 files as far as weight files use them: groups, datasets and attributes of text.
///
/// Files are foreign, and so no byte of them is given to HDF5's own library, which goes on without
/// end over some damaged files and writes behind its memory over others (docs/design/hdf5.md).
/// Links that lead out of the file, external storage and virtual datasets are refused, and sizes
/// are checked against the file's before memory is taken.

#include <filesystem>
#include <memory>
#include <optional>
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

}  // namespace brisk
