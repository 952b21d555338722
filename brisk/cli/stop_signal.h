#pragma once

/// Ctrl-C and SIGTERM ask the running job to save and stop; a second one ends the process at once.

#include <atomic>

namespace brisk::cli {

/// Installs the handlers and returns the flag they set.
const std::atomic<bool>& watch_stop_signals();

}  // namespace brisk::cli
