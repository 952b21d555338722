#pragma once

/// Where Keras keeps the weights of a model: one HDF5 file, or several "x_00000.weights.h5" with an
/// "x.weights.json" that names them (save_weights with max_shard_size).

#include <filesystem>
#include <string>
#include <vector>

#include "brisk/formats/hdf5/hdf5_file.h"

namespace brisk {

class WeightFiles {
 public:
  /// Of "x.weights.h5" or "x.weights.json". The files named in the latter must lie beside it.
  static Result<WeightFiles> open(const std::filesystem::path& path);
  explicit WeightFiles(Hdf5File file);

  bool has_group(const std::string& path) const;
  bool has_dataset(const std::string& path) const;
  Result<Tensor> dataset(const std::string& path) const;

 private:
  WeightFiles() = default;
  std::vector<Hdf5File> files_;  ///< a dataset is in the first that has it
};

}  // namespace brisk
