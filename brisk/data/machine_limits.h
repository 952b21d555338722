#pragma once

/// What this process may use of the machine: the container's limits, not only the host's size
/// (prefetching that grows by the host's memory is how input pipelines get killed in containers).

#include <cstdint>

namespace brisk {

/// Bytes free to use: the system's estimate or what the control group still allows, if less.
int64_t available_memory();

/// Processors that this process may keep busy: its affinity mask, or the control group's quota,
/// rounded up, if less; at least 1.
int available_processors();

}  // namespace brisk
