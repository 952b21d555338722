#pragma once

/// What a compiled program does slowly because a library that its backend loads at run time is
/// absent or cannot be used.

#include <string>
#include <vector>

#include "brisk/runtime/backend.h"

namespace brisk {

/// A sentence for each such library: which kernels run without it, on what, and how to get it.
/// Empty where nothing was refused for lack of one. Loads the backend's libraries.
std::vector<std::string> missing_library_warnings(const Backend& backend,
                                                  const Executable& executable);

}  // namespace brisk
