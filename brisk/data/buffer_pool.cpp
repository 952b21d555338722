#include "brisk/data/buffer_pool.h"

#include "brisk/base/shape.h"

namespace brisk {
namespace {

// A pipeline has a handful of batches in flight; more idle blocks than this were a burst.
constexpr size_t kMaxIdleBlocks = 64;

}  // namespace

std::shared_ptr<BufferPool> BufferPool::create() {
  struct Constructible : BufferPool {};
  return std::make_shared<Constructible>();
}

BufferPool::~BufferPool() = default;

Tensor BufferPool::tensor(DType type, std::vector<int64_t> sizes) {
  const int64_t bytes = byte_size(type, checked_product(sizes));
  Block block = take(bytes);
  std::byte* memory = block.memory.get();
  // The deleter owns block and pool; it runs in whichever thread lets go last.
  std::shared_ptr<std::byte[]> shared(
      memory, [pool = shared_from_this(), block = std::move(block)](std::byte*) mutable {
        pool->put_back(std::move(block));
      });
  return Tensor(type, std::move(sizes), std::move(shared));
}

BufferPool::Block BufferPool::take(int64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = idle_.size(); i-- > 0;) {
      if (idle_[i].bytes < bytes || idle_[i].bytes / 2 > bytes) continue;
      Block block = std::move(idle_[i]);
      idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
      return block;
    }
  }
  return {allocate_aligned(bytes), bytes};
}

void BufferPool::put_back(Block block) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() >= kMaxIdleBlocks) idle_.erase(idle_.begin());
  idle_.push_back(std::move(block));
}

}  // namespace brisk
