#include "brisk/data/machine_limits.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

namespace brisk {
namespace {

/// The number a one-line file starts with; nullopt where there is no such file or it says "max".
std::optional<int64_t> read_number(const char* path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

std::optional<int64_t> free_by_system() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  int64_t kibibytes = 0;
  for (std::string rest; file >> key >> kibibytes; std::getline(file, rest)) {
    if (key == "MemAvailable:") return kibibytes * 1024;
  }
  return std::nullopt;
}

std::optional<int64_t> free_by_group(const char* limit_path, const char* usage_path) {
  const auto limit = read_number(limit_path);
  const auto usage = read_number(usage_path);
  if (!limit || !usage) return std::nullopt;
  return std::max<int64_t>(0, *limit - *usage);
}

}  // namespace

int64_t available_memory() {
  constexpr int64_t kWhereNothingIsKnown = int64_t{1} << 30;
  int64_t bytes = std::numeric_limits<int64_t>::max();
  bool known = false;
  for (const auto& limit :
       {free_by_system(),
        free_by_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        free_by_group("/sys/fs/cgroup/memory/memory.limit_in_bytes",
                      "/sys/fs/cgroup/memory/memory.usage_in_bytes")}) {
    if (!limit) continue;
    bytes = std::min(bytes, *limit);
    known = true;
  }
  return known ? bytes : kWhereNothingIsKnown;
}

int available_processors() {
  // The standard library counts the affinity mask on Linux, but not the group's quota.
  int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::ifstream file("/sys/fs/cgroup/cpu.max");  // "quota period" in microseconds, or "max period"
  double quota = 0;
  double period = 0;
  if (file >> quota >> period && quota > 0 && period > 0) {
    processors = std::min(processors, std::max(1, static_cast<int>(std::ceil(quota / period))));
  }
  return processors;
}

}  // namespace brisk
