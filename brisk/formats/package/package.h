#pragma once

/// The model package: a directory anyone can read.
///   graph.txt            the program in text form
///   weights.safetensors  one tensor per state entry, by name; or weights.safetensors.gz, the same
///                        gzipped, which is what zeros and integers are worth on disk
///   signature.json       inputs, outputs, class names
///   optimization.json    what was done to the model, with measured numbers; may be absent

#include <filesystem>
#include <string>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/ir/program.h"

namespace brisk {

struct Package {
  Program program;
  std::vector<Tensor> weights;  ///< in the order of program.state
  std::string name;
  std::vector<std::string> class_names;
  std::string preprocessing;  ///< JSON: how raw images become features; may be empty
  std::string optimization;   ///< JSON; may be empty
  bool gzipped = false;       ///< weights are to be, or were, compressed: they are not mapped then
};

/// Writes the directory whole or not at all.
Status write_package(const std::filesystem::path& directory, const Package& package);
/// Every part is checked against the others; errors name the file and both values.
Result<Package> read_package(const std::filesystem::path& directory);

}  // namespace brisk
