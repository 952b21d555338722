#pragma once

/// What is switched off where a graph runs as it was written, a kernel an op.

#include <string>
#include <vector>

namespace brisk {

/// All passes of all pipelines that can be switched off.
std::vector<std::string> optional_passes();

}  // namespace brisk
