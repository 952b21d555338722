#pragma once

/// How an option may be written.

#include <string>
#include <vector>

namespace brisk::cli {

/// A command's words behind the program's name, with "--max-drop=1" as "--max_drop=1": options have
/// underscores, as TensorFlow's and TensorFlow Serving's flags, and dashes mean the same. Words
/// behind a lone "--" are no options and stay as they are.
std::vector<std::string> with_underscores(int argc, const char* const* argv);

}  // namespace brisk::cli
