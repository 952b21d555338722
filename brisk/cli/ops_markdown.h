#pragma once

/// The op set as a page of documentation: docs/reference/ops.md is what this prints.

#include <string>

#include "brisk/ir/op.h"

namespace brisk::cli {

/// A section for each kind, a row for each op; ends with a newline.
std::string ops_markdown(const OpSet& ops);

}  // namespace brisk::cli
