#pragma once

/// What was measured on a device, kept on disk: for a problem (a text that names op, shapes, types,
/// library version) the choice that was fastest and the bytes needed to make it again (a serialised
/// plan). Keyed by device and library versions too; files are written atomically, locked while they
/// are merged, bounded in size, safe to delete.

#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

struct TunedChoice {
  std::string choice;  ///< what the kernel's code understands: "engine=47;knobs=..."
  std::string plan;    ///< bytes of a serialised plan; may be empty
  double milliseconds = 0;
};

class TuningDatabase {
 public:
  /// In brisk's cache directory; `use_disk` false: memory only. A damaged file is set aside
  /// (renamed).
  TuningDatabase(const DeviceProperties& device, std::string library_versions, bool use_disk);
  ~TuningDatabase();

  std::optional<TunedChoice> find(const std::string& problem) const;
  /// Of a problem that was not found, or whose choice can't be used any more.
  void store(const std::string& problem, TunedChoice choice);
  /// Merges what is new into the file. What another process has stored there meanwhile stays and
  /// is taken over, so that all that run with one file end with the same choices: how many of
  /// those stored here were others.
  size_t save();

  int64_t hits() const { return hits_; }
  int64_t misses() const { return misses_; }

 private:
  std::string path_;
  bool use_disk_ = true;
  mutable std::mutex mutex_;
  std::map<std::string, TunedChoice> choices_;
  std::set<std::string> new_problems_, unusable_;  ///< the latter were found, and replaced
  mutable int64_t hits_ = 0, misses_ = 0;
};

/// How long one candidate is measured.
struct MeasuringLimits {
  int runs = 5;  ///< at most
  /// Once the timed runs took so long together, no more follow: kernels of such a length vary
  /// little, and what is slow must not be slow five times.
  double enough_milliseconds = 25;
  /// One that took longer than twice this in its first timed run is not run again.
  double best_milliseconds = std::numeric_limits<double>::infinity();
};
/// Candidates of one problem are measured until they have taken so long together.
constexpr double kMeasuringMilliseconds = 400;

/// Median milliseconds of `enqueue` on an otherwise idle stream: warm-up, then runs timed by
/// events. The caches are flushed by writing a buffer larger than L2 between runs.
double measure(const DevicePtr& device, const std::function<void(StreamHandle)>& enqueue,
               const MeasuringLimits& limits = {});

}  // namespace brisk::cuda
