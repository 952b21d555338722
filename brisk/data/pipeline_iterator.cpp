// How outputs are computed ahead.
//
// Every output has a number, and any thread can compute any of them, so there is no pipeline of
// queues: there is a window of outputs in order, opened at its end by the threads, taken at its
// front by the consumer. A batch is cut into parts, so that several threads work at the same one:
// the first output is there sooner, and memory is bounded by the window and not by the threads. A
// thread looks for an unstarted part first, for room to open another output next, and sleeps
// otherwise.
//
// Two things adapt while the consumer waits: the window's depth doubles when it had been full and
// still ran dry (irregular examples), up to the memory limit; otherwise the threads double, up to
// the processors (expensive examples). A pipeline that keeps up stays at one thread. No
// result depends on either.
//
// Shutdown and seek abandon the window: its outputs are shared with the threads that work on
// them, which notice at the next example and drop them.

#include "brisk/data/pipeline_iterator.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <system_error>

#include "brisk/data/machine_limits.h"

namespace brisk {
namespace {

constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();
constexpr size_t kFirstDepth = 2;
constexpr size_t kMaxAutotunedDepth = 256;
// Seconds; waits shorter than this are the price of handing over, not of a slow pipeline.
constexpr double kNoticeableWait = 100e-6;
constexpr int kWaitsBeforeReaction = 2;

}  // namespace

PipelineIterator::PipelineIterator(std::shared_ptr<const DatasetPlan> plan,
                                   const IteratorOptions& options)
    : plan_(std::move(plan)) {
  require(options.threads >= 0, "an iterator cannot have {} threads", options.threads);
  require(options.memory_limit >= 0, "an iterator's memory limit cannot be {} bytes",
          options.memory_limit);
  const PlanEpochs epochs = outermost_stages(*plan_);
  elements_ = read_plan(*epochs.body, options.seed);
  epoch_size_ = elements_->size() == kForever ? kEndless : elements_->size();
  count_ = epochs.count;
  repeats_ = epochs.repeats;
  workspace_.pool = BufferPool::create();
  Place first{0, 0};
  shares_batches_ = epoch_size_ > 0 && elements_->locate_batch(first) != nullptr;
  synchronous_ = epochs.prefetch == 0;
  if (options.threads > 0) {
    max_threads_ = static_cast<size_t>(options.threads);
  } else {
    max_threads_ = static_cast<size_t>(epochs.parallel_calls > 0 ? epochs.parallel_calls
                                                                 : available_processors());
  }
  memory_limit_ = options.memory_limit > 0 ? options.memory_limit : available_memory() / 8;
  const bool autotuned = epochs.prefetch == kAutotune;
  depth_ = autotuned ? kFirstDepth : static_cast<size_t>(epochs.prefetch);
  max_depth_ = autotuned ? kMaxAutotunedDepth : depth_;
  if (!shares_batches_) {  // one thread an output: fewer would leave threads idle
    max_depth_ = std::max(max_depth_, max_threads_);
    depth_ = std::max(depth_, static_cast<size_t>(options.threads));
  }
  seek({0, 0});
  if (synchronous_) return;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < std::max(1, options.threads); ++i) add_thread();
}

PipelineIterator::~PipelineIterator() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    abandon_window();
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool PipelineIterator::next(Example& out) {
  if (synchronous_) {
    if (handed_ >= end_) return false;
    out = compute_here(handed_);
    ++handed_;
    return true;
  }
  Example result;
  {
    std::unique_lock lock(mutex_);
    if (handed_ >= end_) return false;
    const auto front_is_ready = [&] { return !window_.empty() && window_.front()->ready; };
    if (!front_is_ready()) {
      const auto before = std::chrono::steady_clock::now();
      ready_.wait(lock, front_is_ready);
      learn_from_wait(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
    } else if (window_.size() >= depth_ &&
               std::ranges::all_of(window_,
                                   [](const OutputPtr& output) { return output->ready; })) {
      was_full_ = true;
    }
    if (window_.front()->error) std::rethrow_exception(window_.front()->error);
    result = std::move(window_.front()->example);
    window_.pop_front();
    ++handed_;
  }
  work_.notify_one();
  out = std::move(result);  // frees what was in `out`, outside of the lock
  return true;
}

DatasetPosition PipelineIterator::position() const {
  if (epoch_size_ == 0) return {0, 0};
  return {handed_ / epoch_size_, handed_ % epoch_size_};
}

void PipelineIterator::seek(const DatasetPosition& position) {
  const auto [epoch, offset] = position;
  require(epoch >= 0 && offset >= 0 && offset <= epoch_size_,
          "position (epoch {}, offset {}) is not one of this dataset, whose epoch has {} elements",
          epoch, offset, epoch_size_);
  const int64_t passes = !repeats_ ? kEndless : count_ == kForever ? kEndless : count_;
  require(epoch < passes || (epoch == passes && offset == 0),
          "position (epoch {}, offset {}) lies behind the dataset's {} epochs", epoch, offset,
          passes);
  require(epoch_size_ == 0 || epoch <= (kEndless - offset) / epoch_size_,
          "position (epoch {}, offset {}) is too large to be counted", epoch, offset);
  int64_t end = 0;
  if (epoch_size_ > 0) {
    const int64_t last_epoch = repeats_ ? count_ : epoch + 1;
    const bool countable =
        last_epoch != kForever && last_epoch <= kEndless / std::max<int64_t>(1, epoch_size_);
    end = countable ? last_epoch * epoch_size_ : kEndless;
  }
  {
    const std::lock_guard lock(mutex_);
    const int64_t target = epoch_size_ == 0 ? 0 : epoch * epoch_size_ + offset;
    // Going on to where the iterator stands anyway (the next epoch) must not cost what is computed
    // ahead already.
    if (target >= handed_ && target <= next_number_ && end >= next_number_) {
      for (; handed_ < target; ++handed_) drop_front();
      if (!window_.empty() && window_.front()->error) abandon_window();
    } else {
      abandon_window();
    }
    handed_ = target;
    next_number_ = target + static_cast<int64_t>(window_.size());
    end_ = end;
  }
  work_.notify_all();
}

Place PipelineIterator::place_of(int64_t number) const {
  return {number / epoch_size_, number % epoch_size_};
}

Example PipelineIterator::compute_here(int64_t number) {
  const auto before = std::chrono::steady_clock::now();
  Example example = elements_->get(place_of(number), workspace_);
  wait_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  return example;
}

/// Called with the lock held, by the consumer, after it had to wait.
void PipelineIterator::learn_from_wait(double seconds) {
  wait_seconds_ += seconds;
  if (seconds < kNoticeableWait || ++starved_ < kWaitsBeforeReaction) return;
  starved_ = 0;
  int64_t bytes = 1;
  for (const Tensor& tensor : window_.front()->example) bytes += tensor.num_bytes();
  const auto affordable = static_cast<size_t>(std::max<int64_t>(1, memory_limit_ / bytes));
  const size_t largest = std::min(max_depth_, affordable);
  if (was_full_ && depth_ < largest) {
    depth_ = std::min(2 * depth_, largest);
    was_full_ = false;
  } else if (threads_.size() < max_threads_) {
    const size_t wanted = std::min(2 * threads_.size(), max_threads_);
    while (threads_.size() < std::min(wanted, max_threads_)) add_thread();
    if (!shares_batches_) depth_ = std::max(depth_, std::min(threads_.size() + 1, largest));
  }
}

/// Called with the lock held.
void PipelineIterator::add_thread() {
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;
    max_threads_ = threads_.size();  // the system gives no more; those that run do the work
  }
}

/// Called with the lock held.
void PipelineIterator::drop_front() {
  window_.front()->abandoned = true;
  window_.pop_front();
}

/// Called with the lock held.
void PipelineIterator::abandon_window() {
  while (!window_.empty()) drop_front();
}

bool PipelineIterator::may_open() const {
  return window_.size() < depth_ && next_number_ < end_;
}

void PipelineIterator::work() {
  Workspace workspace;
  workspace.pool = workspace_.pool;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto shared = std::ranges::find_if(
        window_, [](const OutputPtr& output) { return output->started < output->parts; });
    if (shared != window_.end()) {
      const OutputPtr output = *shared;
      const int64_t part = output->started++;
      ++output->running;
      lock.unlock();
      compute_part(output, part, workspace);
      lock.lock();
    } else if (may_open()) {
      const auto output = std::make_shared<Output>();
      output->number = next_number_++;
      ++output->running;
      window_.push_back(output);
      lock.unlock();
      open(output, workspace);
      lock.lock();
    } else {
      work_.wait(lock);
    }
  }
}

/// Prepares an output and says into how many parts it is cut.
void PipelineIterator::open(const OutputPtr& output, Workspace& workspace) {
  std::exception_ptr error;
  try {
    Place place = place_of(output->number);
    output->batch = elements_->locate_batch(place);
    if (output->batch != nullptr) output->pending = output->batch->prepare(place, workspace);
  } catch (...) {
    error = std::current_exception();
  }
  bool call_others = false;
  {
    const std::lock_guard lock(mutex_);
    output->parts = 1;
    if (output->batch != nullptr && !error && threads_.size() > 1) {
      // Two parts a thread level out examples of unequal cost.
      const int64_t examples = output->pending.size - output->pending.filled;
      output->parts = std::clamp<int64_t>(examples, 1, static_cast<int64_t>(2 * threads_.size()));
    }
    call_others = output->parts > 1;
    if (error) output->started = output->parts;
  }
  finish(output, 0, error);
  if (call_others) work_.notify_all();
}

void PipelineIterator::compute_part(const OutputPtr& output, int64_t part, Workspace& workspace) {
  std::exception_ptr error;
  try {
    if (output->batch == nullptr) {
      output->example = elements_->get(place_of(output->number), workspace);
    } else {
      PendingBatch& pending = output->pending;
      const int64_t todo = pending.size - pending.filled;
      const int64_t begin = pending.filled + todo * part / output->parts;
      const int64_t end = pending.filled + todo * (part + 1) / output->parts;
      for (int64_t i = begin; i < end && !output->abandoned; ++i) {
        output->batch->fill(pending, i, workspace);
      }
    }
  } catch (...) {
    error = std::current_exception();
  }
  finish(output, part, error);
}

/// Notes that a thread is done with `part` of `output` (or with opening it).
void PipelineIterator::finish(const OutputPtr& output, int64_t part, std::exception_ptr error) {
  bool ready = false;
  {
    const std::lock_guard lock(mutex_);
    --output->running;
    if (error) {
      // Parts are started in order, so the first failing example is always among those reported.
      if (output->failed_part < 0 || part < output->failed_part) {
        output->failed_part = part;
        output->error = std::move(error);
      }
      output->started = output->parts;
    }
    ready = output->running == 0 && output->started == output->parts;
    if (ready && !output->error && output->batch != nullptr) {
      output->example = std::move(output->pending.tensors);
    }
    output->ready = ready;
  }
  if (ready) ready_.notify_one();
}

std::unique_ptr<DatasetIterator> Dataset::iterator(const IteratorOptions& options) const {
  return std::make_unique<PipelineIterator>(plan_, options);
}

}  // namespace brisk
