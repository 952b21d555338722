#pragma once

/// The option --dimension NAME=SIZE of the verbs that read model files.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "brisk/base/shape.h"

namespace brisk::cli {

void add_dimension_option(CLI::App& verb, std::vector<std::string>& into);
/// Refused where an entry is no NAME=SIZE.
Binding parse_dimensions(const std::vector<std::string>& entries);

}  // namespace brisk::cli
