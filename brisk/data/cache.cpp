#include "brisk/data/cache.h"

namespace brisk {

const Example* CachedElements::find(int64_t position) const {
  const std::lock_guard lock(mutex_);
  return elements_[static_cast<size_t>(position)].get();
}

const Example* CachedElements::put(int64_t position, Example element) {
  auto kept = std::make_unique<const Example>(std::move(element));
  const std::lock_guard lock(mutex_);
  auto& slot = elements_[static_cast<size_t>(position)];
  if (!slot) slot = std::move(kept);
  return slot.get();
}

std::shared_ptr<CachedElements> CacheStore::elements(uint64_t seed, int64_t size) {
  const std::lock_guard lock(mutex_);
  auto& elements = by_seed_[seed];
  if (!elements) elements = std::make_shared<CachedElements>(size);
  return elements;
}

}  // namespace brisk
