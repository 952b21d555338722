#pragma once

/// Memory of a `cache` stage.

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "brisk/data/example.h"

namespace brisk {

/// Elements by position, kept once put; may be used from several threads.
class CachedElements {
 public:
  explicit CachedElements(int64_t size) : elements_(static_cast<size_t>(size)) {}
  /// The element, null where there is none yet; it stays as long as this object.
  const Example* find(int64_t position) const;
  /// Keeps `element` unless somebody was faster; the one that is kept.
  const Example* put(int64_t position, Example element);

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<const Example>> elements_;
};

/// One CachedElements a seed, since what lies before the cache may draw from it.
class CacheStore {
 public:
  std::shared_ptr<CachedElements> elements(uint64_t seed, int64_t size);

 private:
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<CachedElements>> by_seed_;
};

}  // namespace brisk
