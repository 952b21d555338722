#pragma once

/// The executor behind Dataset::iterator. See pipeline_iterator.cpp for how it works.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "brisk/data/batch_elements.h"

namespace brisk {

class PipelineIterator final : public DatasetIterator {
 public:
  PipelineIterator(std::shared_ptr<const DatasetPlan> plan, const IteratorOptions& options);
  ~PipelineIterator() override;

  bool next(Example& out) override;
  DatasetPosition position() const override;
  void seek(const DatasetPosition& position) override;
  double wait_seconds() const override { return wait_seconds_; }

 private:
  /// One output on its way: opened by one thread, computed in parts by any.
  struct Output {
    int64_t number = 0;                    ///< counted through all epochs
    Example example;                       ///< the result
    const BatchElements* batch = nullptr;  ///< where it can be shared: its stage
    PendingBatch pending;
    // The rest is guarded by mutex_, except that `abandoned` is also read without it.
    int64_t parts = 0;  ///< 0 until opened
    int64_t started = 0;
    int64_t running = 0;  ///< threads that work on it
    bool ready = false;
    int64_t failed_part = -1;
    std::exception_ptr error;
    std::atomic<bool> abandoned = false;
  };
  using OutputPtr = std::shared_ptr<Output>;

  void work();
  bool may_open() const;
  void open(const OutputPtr& output, Workspace& workspace);
  void compute_part(const OutputPtr& output, int64_t part, Workspace& workspace);
  void finish(const OutputPtr& output, int64_t part, std::exception_ptr error);
  Place place_of(int64_t number) const;
  Example compute_here(int64_t number);
  void learn_from_wait(double seconds);
  void add_thread();
  void drop_front();
  void abandon_window();

  const std::shared_ptr<const DatasetPlan> plan_;  // keeps the sources alive
  std::shared_ptr<const Elements> elements_;
  int64_t epoch_size_ = 0;  ///< outputs of one epoch; as many as there are numbers, when endless
  int64_t count_ = 1;       ///< epochs; kForever
  bool repeats_ = false;
  bool synchronous_ = false;
  bool shares_batches_ = false;
  size_t max_threads_ = 1;

  // The consumer's own.
  int64_t handed_ = 0;  ///< number of the next output to hand out
  double wait_seconds_ = 0;
  Workspace workspace_;  ///< of the synchronous mode; its pool is everybody's

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable ready_;
  std::deque<OutputPtr> window_;  ///< outputs from handed_ on, in order
  int64_t next_number_ = 0;       ///< to open
  int64_t end_ = 0;               ///< number behind the last output
  size_t depth_ = 1;              ///< the window's largest size
  size_t max_depth_ = 1;
  bool was_full_ = false;  ///< all of the window was ready once since the depth last grew
  int starved_ = 0;        ///< waits since the last reaction to them
  int64_t memory_limit_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace brisk
