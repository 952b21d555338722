#pragma once

/// How OpenMP's threads wait for each other.

namespace brisk::cli {

/// Makes them sleep soon at a barrier instead of spinning for milliseconds, which on cores that
/// others use as well keeps the very thread from running that is waited for
/// (docs/design/waiting.md). libgomp reads its variable when it is loaded, so the program starts
/// itself anew, once, as the same process; `argv` is main's. GOMP_SPINCOUNT or OMP_WAIT_POLICY in
/// the environment stay as they are.
void sleep_at_barriers(char** argv);

}  // namespace brisk::cli
