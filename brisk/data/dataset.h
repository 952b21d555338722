#pragma once

/// The input pipeline. A `Dataset` is a value: a description of where examples come from and in
/// which order. Everything before the batch is a pure function of (epoch, index), so a position is
/// a pair of numbers, any element can be computed in any thread, and resuming means seeking, never
/// replaying: `shuffle` permutes indices, `map` gets its randomness from (seed, epoch, index).
///
///     auto images = image_folder("train").shuffle(10'000).map(augment).batch(256).prefetch();

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk {

/// One element: its components, for example {image u8[28, 28, 1], label i32[]}.
using Example = std::vector<Tensor>;

/// What a component looks like: name, element type, sizes (without the batch).
struct ComponentSpec {
  std::string name;
  DType dtype;
  std::vector<int64_t> sizes;
};

/// A finite, random-access collection of examples. `at` may be called from several threads at once.
class Source {
 public:
  virtual ~Source() = default;
  virtual int64_t size() const = 0;
  /// The example at 0 <= index < size(); throws UserError naming file and place when it is corrupt.
  virtual Example at(int64_t index) const = 0;
  virtual std::vector<ComponentSpec> components() const = 0;
  /// Class names in label order; empty where there are none.
  virtual std::vector<std::string> class_names() const { return {}; }
};

/// What a map function may base its randomness on: `key` is unique to (seed, epoch, index).
struct ExampleContext {
  uint64_t key;
  int64_t epoch;
  int64_t index;
};
using MapFunction = std::function<Example(Example, const ExampleContext&)>;

inline constexpr int64_t kAutotune = -1;
inline constexpr int64_t kForever = -1;

class DatasetIterator;
struct DatasetPlan;  // brisk/data/plan.h: the stages behind a Dataset

/// How an iterator runs.
struct IteratorOptions {
  uint64_t seed = 0;           ///< of map functions and of shuffles that name none
  int threads = 0;             ///< of the pipeline's own threads; 0: chosen from the cores
};

class Dataset {
 public:
  static Dataset from(std::shared_ptr<const Source> source);

  /// tf.data's shuffle: a buffer of `buffer_size` indices, one drawn uniformly, refilled; another
  /// order every epoch unless `reshuffle_each_iteration` is false.
  Dataset shuffle(int64_t buffer_size, uint64_t seed = 0, bool reshuffle_each_iteration = true) const;
  /// Applies `function` to every example, in `num_parallel_calls` threads; order is kept.
  Dataset map(MapFunction function, int64_t num_parallel_calls = kAutotune) const;
  /// Stacks `batch_size` examples along a new first axis; the last batch of an epoch may be
  /// smaller unless `drop_remainder`.
  Dataset batch(int64_t batch_size, bool drop_remainder = false) const;
  /// Computes up to `buffer_size` batches ahead of the consumer.
  Dataset prefetch(int64_t buffer_size = kAutotune) const;
  /// Repeats the epoch `count` times, kForever without end.
  Dataset repeat(int64_t count = kForever) const;
  Dataset take(int64_t count) const;
  Dataset skip(int64_t count) const;
  /// Every `num_shards`-th example from `index` on.
  Dataset shard(int64_t num_shards, int64_t index) const;
  Dataset concatenate(const Dataset& other) const;
  /// Keeps examples in memory after their first computation (what comes before it in the chain).
  Dataset cache() const;

  /// Examples (or batches, after batch) in one epoch.
  int64_t cardinality() const;
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
  /// The next batch into `out`; false at the end. Errors of the pipeline's threads are thrown here.
  virtual bool next(Example& out) = 0;
  /// The position after the last batch handed out, whatever was computed ahead.
  virtual DatasetPosition position() const = 0;
  /// Continues from `position`; takes time in proportion to an epoch's indices at most, not its data.
  virtual void seek(const DatasetPosition& position) = 0;
  /// Seconds `next` spent waiting for data, in total: what "input bound" is judged by.
  virtual double wait_seconds() const = 0;
};

}  // namespace brisk
