#include "brisk/data/plan.h"

namespace brisk {
namespace {

std::string count_text(int64_t count, const char* unlimited) {
  return count < 0 ? unlimited : std::to_string(count);
}

struct StageText {
  std::string operator()(const FromStage& stage) const {
    return fmt::format("from({})", stage.source->size());
  }
  std::string operator()(const ShuffleStage& stage) const {
    return fmt::format("shuffle({})", stage.buffer_size);
  }
  std::string operator()(const MapStage&) const { return "map"; }
  std::string operator()(const ImageMapStage& stage) const {
    return fmt::format("map({})", stage.function.name());
  }
  std::string operator()(const BatchStage& stage) const {
    return fmt::format("batch({}{})", stage.batch_size, stage.drop_remainder ? ", full" : "");
  }
  std::string operator()(const PrefetchStage& stage) const {
    return fmt::format("prefetch({})", count_text(stage.buffer_size, "auto"));
  }
  std::string operator()(const RepeatStage& stage) const {
    return fmt::format("repeat({})", count_text(stage.count, "forever"));
  }
  std::string operator()(const TakeStage& stage) const {
    return fmt::format("take({})", stage.count);
  }
  std::string operator()(const SkipStage& stage) const {
    return fmt::format("skip({})", stage.count);
  }
  std::string operator()(const ShardStage& stage) const {
    return fmt::format("shard({}, {})", stage.num_shards, stage.index);
  }
  std::string operator()(const ConcatenateStage& stage) const {
    return fmt::format("concatenate({})", describe(*stage.second));
  }
  std::string operator()(const CacheStage&) const { return "cache"; }
};

}  // namespace

std::string describe(const DatasetPlan& plan) {
  const std::string text = std::visit(StageText{}, plan.stage);
  return plan.input ? describe(*plan.input) + " -> " + text : text;
}

}  // namespace brisk
