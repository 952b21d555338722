#pragma once

/// How long this process has run: what a user waits for a first step.

namespace brisk::cli {

/// Seconds since this process began, by the kernel's record.
double seconds_since_process_start();

}  // namespace brisk::cli
