#pragma once

/// Which backends the tests cross.

#include <memory>
#include <vector>

#include "brisk/runtime/backend.h"

namespace brisk::testing {

/// Those named in BRISK_TEST_BACKENDS ("cuda" or "cuda,cpu"; one that is not available here is a
/// failure), else all that are available.
std::vector<std::shared_ptr<const Backend>> tested_backends();

}  // namespace brisk::testing
