#include "brisk/backends/cuda/tuning.h"

#include <algorithm>
#include <vector>

#include "brisk/backends/cuda/tuning_file.h"
#include "brisk/base/file.h"
#include "brisk/base/hash.h"

namespace brisk::cuda {
namespace {

/// More than any problem set of a model; beyond it the file begins anew.
constexpr size_t kMostChoices = 20'000;

std::string file_name(const DeviceProperties& device, const std::string& library_versions) {
  StableHasher hasher;
  hasher.update_field(device.cache_key()).update_field(library_versions);
  return fmt::format("tuning-{}.json", to_hex(hasher.digest()));
}

}  // namespace

TuningDatabase::TuningDatabase(const DeviceProperties& device, std::string library_versions,
                               bool use_disk)
    : use_disk_(use_disk) {
  if (!use_disk_) return;
  const std::filesystem::path directory = cache_directory() / "cuda";
  path_ = (directory / file_name(device, library_versions)).string();
  choices_ = read_tuning_file(path_);
}

TuningDatabase::~TuningDatabase() {
  try {
    save();
  } catch (const UserError&) {  // a full disk costs the next process its warm start, no more
  }
}

std::optional<TunedChoice> TuningDatabase::find(const std::string& problem) const {
  const std::lock_guard lock(mutex_);
  const auto known = choices_.find(problem);
  ++(known == choices_.end() ? misses_ : hits_);
  if (known == choices_.end()) return std::nullopt;
  return known->second;
}

void TuningDatabase::store(const std::string& problem, TunedChoice choice) {
  const std::lock_guard lock(mutex_);
  if (choices_.contains(problem)) unusable_.insert(problem);
  choices_[problem] = std::move(choice);
  new_problems_.insert(problem);
}

size_t TuningDatabase::save() {
  const std::lock_guard lock(mutex_);
  if (!use_disk_ || new_problems_.empty()) return 0;
  std::map<std::string, TunedChoice> added;
  for (const std::string& problem : new_problems_) added[problem] = choices_[problem];
  const auto others = merge_into_tuning_file(path_, added, unusable_, kMostChoices);
  for (const auto& [problem, choice] : others) choices_[problem] = choice;
  new_problems_.clear();
  unusable_.clear();
  return others.size();
}

double measure(const DevicePtr& device, const std::function<void(StreamHandle)>& enqueue,
               const MeasuringLimits& limits) {
  const auto stream = device->make_stream();
  // A cold L2, as it is in a step whose tensors are larger than it.
  const int64_t flush_bytes = std::max<int64_t>(2 * device->properties().l2_bytes, 1 << 20);
  const DeviceBuffer flushed = device->allocate(flush_bytes);
  Event before = device->make_event(), after = device->make_event();
  enqueue(stream->handle());
  stream->synchronize();
  std::vector<double> milliseconds;
  double spent = 0;
  for (int run = 0; run < std::max(limits.runs, 1) && spent < limits.enough_milliseconds; ++run) {
    stream->fill(flushed.address(), 0, flush_bytes);
    before.record(*stream);
    enqueue(stream->handle());
    after.record(*stream);
    after.synchronize();
    milliseconds.push_back(Event::milliseconds_between(before, after));
    spent += milliseconds.back();
    if (run == 0 && spent > 2 * limits.best_milliseconds) break;
  }
  const auto middle = milliseconds.begin() + static_cast<int64_t>(milliseconds.size() / 2);
  std::nth_element(milliseconds.begin(), middle, milliseconds.end());
  return *middle;
}

}  // namespace brisk::cuda
