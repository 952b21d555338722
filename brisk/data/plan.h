#pragma once

/// A dataset's stages as values: a chain (a tree, where datasets are concatenated) that ends at
/// sources. Nothing runs here; brisk/data/elements.h turns a plan into something to read from.

#include <memory>
#include <string>
#include <variant>

#include "brisk/data/dataset.h"

namespace brisk {

class CacheStore;  // brisk/data/cache.h

using DatasetPlanPtr = std::shared_ptr<const DatasetPlan>;

struct FromStage {
  std::shared_ptr<const Source> source;
};
struct ShuffleStage {
  int64_t buffer_size;
  uint64_t seed;  ///< 0: the iterator's
  bool reshuffle_each_iteration;
};
struct MapStage {
  MapFunction function;
  int64_t num_parallel_calls;
};
struct ImageMapStage {
  ImageMap function;
  int64_t num_parallel_calls;
};
struct BatchStage {
  int64_t batch_size;
  bool drop_remainder;
};
struct PrefetchStage {
  int64_t buffer_size;
};
struct RepeatStage {
  int64_t count;
};
struct TakeStage {
  int64_t count;
};
struct SkipStage {
  int64_t count;
};
struct ShardStage {
  int64_t num_shards;
  int64_t index;
};
struct ConcatenateStage {
  DatasetPlanPtr second;
};
struct CacheStage {
  std::shared_ptr<CacheStore> store;  ///< shared by all iterators, whence the pointer
};

using DatasetStage =
    std::variant<FromStage, ShuffleStage, MapStage, ImageMapStage, BatchStage, PrefetchStage,
                 RepeatStage, TakeStage, SkipStage, ShardStage, ConcatenateStage, CacheStage>;

struct DatasetPlan {
  DatasetStage stage;
  DatasetPlanPtr input;  ///< null for FromStage alone
  int64_t number = 0;    ///< of the stage in its chain, from 0 at the source: folded into keys
};

/// "from(60000) -> shuffle(10000) -> map -> batch(128) -> prefetch(auto)".
std::string describe(const DatasetPlan& plan);

}  // namespace brisk
