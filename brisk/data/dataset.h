#pragma once

/// The input pipeline. A `Dataset` is a value: a description of where examples come from and in
/// which order. Everything before the batch is a pure function of (epoch, index), so a position is
/// a pair of numbers, any element can be computed in any thread, and resuming means seeking, never
/// replaying: `shuffle` permutes indices, `map` gets its randomness from (seed, epoch, index).
///
///     auto images = image_folder("train").shuffle(10'000).map(augment).batch(256).prefetch();

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "brisk/data/image_map.h"
#include "brisk/data/source.h"

namespace brisk {

inline constexpr int64_t kAutotune = -1;
inline constexpr int64_t kForever = -1;

class DatasetIterator;
struct DatasetPlan;  // brisk/data/plan.h: the stages behind a Dataset

/// How an iterator runs.
struct IteratorOptions {
  uint64_t seed = 0;         ///< of map functions and of shuffles that name none
  int threads = 0;           ///< of the pipeline's own threads; 0: one, and more while `next` waits
  int64_t memory_limit = 0;  ///< bytes of outputs computed ahead; 0: an eighth of the memory free
};

class Dataset {
 public:
  static Dataset from(std::shared_ptr<const Source> source);

  /// tf.data's shuffle: a buffer of `buffer_size` indices, one drawn uniformly, refilled; another
  /// order every epoch unless `reshuffle_each_iteration` is false.
  /// Refused after an endless `repeat`: such a stream has no epochs that could be permuted.
  Dataset shuffle(int64_t buffer_size, uint64_t seed = 0,
                  bool reshuffle_each_iteration = true) const;
  /// Applies `function` to every example, in up to `num_parallel_calls` threads; order is kept.
  Dataset map(MapFunction function, int64_t num_parallel_calls = kAutotune) const;
  Dataset map(ImageMap function, int64_t num_parallel_calls = kAutotune) const;
  /// Stacks `batch_size` examples along a new first axis; the last batch of an epoch may be
  /// smaller unless `drop_remainder`.
  Dataset batch(int64_t batch_size, bool drop_remainder = false) const;
  /// Computes up to `buffer_size` batches ahead of the consumer; kAutotune, also where no prefetch
  /// is named, grows with need up to IteratorOptions::memory_limit. 0 computes in the consumer's
  /// thread. The last prefetch of a chain counts, and one before a batch does not.
  Dataset prefetch(int64_t buffer_size = kAutotune) const;
  /// Repeats the epoch `count` times, kForever without end.
  Dataset repeat(int64_t count = kForever) const;
  Dataset take(int64_t count) const;
  Dataset skip(int64_t count) const;
  /// Every `num_shards`-th example from `index` on.
  Dataset shard(int64_t num_shards, int64_t index) const;
  Dataset concatenate(const Dataset& other) const;
  /// Keeps examples in memory after their first computation (what comes before it in the chain),
  /// for all iterators of the same seed. Shuffles and maps before it stay as in the first epoch.
  Dataset cache() const;

  /// Examples (or batches, after batch) in one epoch: what a `repeat` at the end of the chain
  /// repeats. kForever when an endless `repeat` comes before a batch.
  int64_t cardinality() const;
  /// True when the last batch of an epoch holds fewer examples than the others.
  bool has_short_batch() const;
  /// Components of one example, without the batch axis.
  std::vector<ComponentSpec> components() const;
  std::vector<std::string> class_names() const;
  /// 0 when there is no batch stage.
  int64_t batch_size() const;

  std::unique_ptr<DatasetIterator> iterator(const IteratorOptions& options = {}) const;
  const DatasetPlan& plan() const { return *plan_; }

 private:
  explicit Dataset(std::shared_ptr<const DatasetPlan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const DatasetPlan> plan_;
};

/// Where an iterator stands: enough to continue exactly, also in another process.
struct DatasetPosition {
  int64_t epoch = 0;   ///< completed repetitions
  int64_t offset = 0;  ///< batches (or examples, without batch) of this epoch already handed out
};

/// Hands out batches; owned by one consumer thread.
class DatasetIterator {
 public:
  virtual ~DatasetIterator() = default;
  /// The next batch into `out`; false at the end. Errors of the pipeline's threads are thrown here,
  /// again and again until `seek` goes past the batch that has them. Memory of the batch that was
  /// in `out` is used again once nobody else holds its tensors.
  virtual bool next(Example& out) = 0;
  /// The position after the last batch handed out, whatever was computed ahead.
  virtual DatasetPosition position() const = 0;
  /// Continues from `position`. A dataset that does not repeat ends with the epoch it is put into,
  /// so seek({n, 0}) starts its n-th pass in that pass's order. Refused (UserError) when the
  /// position lies behind the end. Takes time in proportion to an epoch's indices at most, not its
  /// data.
  virtual void seek(const DatasetPosition& position) = 0;
  /// Seconds `next` spent waiting for data, in total: what "input bound" is judged by.
  virtual double wait_seconds() const = 0;
};

}  // namespace brisk
