#include "brisk/data/dataset.h"

#include "brisk/data/cache.h"
#include "brisk/data/elements.h"

namespace brisk {
namespace {

/// `stage` behind `input`; reads the new plan once, so that stages that do not fit are refused
/// where they are written.
template <typename Stage>
DatasetPlanPtr append(const DatasetPlanPtr& input, Stage stage) {
  auto plan = std::make_shared<DatasetPlan>(
      DatasetPlan{std::move(stage), input, input ? input->number + 1 : 0});
  read_plan(*plan, 0);
  return plan;
}

void check_parallel_calls(int64_t num_parallel_calls) {
  require(num_parallel_calls >= 1 || num_parallel_calls == kAutotune,
          "[map] num_parallel_calls must be at least 1 or kAutotune, not {}", num_parallel_calls);
}

}  // namespace

Dataset Dataset::from(std::shared_ptr<const Source> source) {
  require(source != nullptr, "a dataset needs a source, not a null pointer");
  return Dataset(append(nullptr, FromStage{std::move(source)}));
}

Dataset Dataset::shuffle(int64_t buffer_size, uint64_t seed, bool reshuffle_each_iteration) const {
  require(buffer_size >= 1, "[shuffle] buffer_size must be at least 1, not {}", buffer_size);
  return Dataset(append(plan_, ShuffleStage{buffer_size, seed, reshuffle_each_iteration}));
}

Dataset Dataset::map(MapFunction function, int64_t num_parallel_calls) const {
  require(function != nullptr, "[map] the function is empty");
  check_parallel_calls(num_parallel_calls);
  return Dataset(append(plan_, MapStage{std::move(function), num_parallel_calls}));
}

Dataset Dataset::map(ImageMap function, int64_t num_parallel_calls) const {
  check_parallel_calls(num_parallel_calls);
  return Dataset(append(plan_, ImageMapStage{std::move(function), num_parallel_calls}));
}

Dataset Dataset::batch(int64_t batch_size, bool drop_remainder) const {
  require(batch_size >= 1, "[batch] batch_size must be at least 1, not {}", batch_size);
  return Dataset(append(plan_, BatchStage{batch_size, drop_remainder}));
}

Dataset Dataset::prefetch(int64_t buffer_size) const {
  require(buffer_size >= 0 || buffer_size == kAutotune,
          "[prefetch] buffer_size must be at least 0 or kAutotune, not {}", buffer_size);
  return Dataset(append(plan_, PrefetchStage{buffer_size}));
}

Dataset Dataset::repeat(int64_t count) const {
  require(count >= 0 || count == kForever, "[repeat] count must be at least 0 or kForever, not {}",
          count);
  return Dataset(append(plan_, RepeatStage{count}));
}

Dataset Dataset::take(int64_t count) const {
  require(count >= 0, "[take] count must be at least 0, not {}", count);
  return Dataset(append(plan_, TakeStage{count}));
}

Dataset Dataset::skip(int64_t count) const {
  require(count >= 0, "[skip] count must be at least 0, not {}", count);
  return Dataset(append(plan_, SkipStage{count}));
}

Dataset Dataset::shard(int64_t num_shards, int64_t index) const {
  require(num_shards >= 1, "[shard] num_shards must be at least 1, not {}", num_shards);
  require(index >= 0 && index < num_shards, "[shard] index must be in 0..{}, not {}",
          num_shards - 1, index);
  return Dataset(append(plan_, ShardStage{num_shards, index}));
}

Dataset Dataset::concatenate(const Dataset& other) const {
  return Dataset(append(plan_, ConcatenateStage{other.plan_}));
}

Dataset Dataset::cache() const {
  return Dataset(append(plan_, CacheStage{std::make_shared<CacheStore>()}));
}

int64_t Dataset::cardinality() const {
  return read_plan(*outermost_stages(*plan_).body, 0)->size();
}

bool Dataset::has_short_batch() const {
  for (const DatasetPlan* plan = plan_.get(); plan != nullptr; plan = plan->input.get()) {
    const auto* batch = std::get_if<BatchStage>(&plan->stage);
    if (batch == nullptr) continue;
    if (batch->drop_remainder) return false;
    const int64_t examples = read_plan(*plan->input, 0)->size();
    const int64_t batches = (examples + batch->batch_size - 1) / batch->batch_size;
    // A stage behind the batch (take) may have cut the short one off.
    return examples % batch->batch_size != 0 && cardinality() >= batches;
  }
  return false;
}

std::vector<ComponentSpec> Dataset::components() const {
  // Stages that neither compute nor batch leave an example as it is, so only what lies below them
  // has to be known, and a batch need not be computed to learn about its first example.
  const DatasetPlan* plan = plan_.get();
  while (plan->input && !std::holds_alternative<MapStage>(plan->stage) &&
         !std::holds_alternative<ImageMapStage>(plan->stage) &&
         !std::holds_alternative<ConcatenateStage>(plan->stage)) {
    plan = plan->input.get();
  }
  const auto elements = read_plan(*plan, 0);
  std::vector<ComponentSpec> specs;
  if (elements->spec()) {
    specs = *elements->spec();
  } else {
    require(elements->size() != 0,
            "the dataset {} is empty, so what its map function makes is not known",
            describe(*plan_));
    Workspace workspace{.pool = BufferPool::create(), .scratch = {}, .image_keys = {}};
    for (const Tensor& tensor : elements->get({0, 0}, workspace)) {
      specs.push_back({fmt::format("component_{}", specs.size()), tensor.dtype(), tensor.sizes()});
    }
  }
  for (; plan != nullptr; plan = plan->input.get()) {
    if (!std::holds_alternative<BatchStage>(plan->stage)) continue;
    for (ComponentSpec& spec : specs) {
      if (!spec.sizes.empty()) spec.sizes.erase(spec.sizes.begin());
    }
  }
  return specs;
}

std::vector<std::string> Dataset::class_names() const {
  const DatasetPlan* plan = plan_.get();
  while (plan->input) plan = plan->input.get();
  return std::get<FromStage>(plan->stage).source->class_names();
}

int64_t Dataset::batch_size() const {
  for (const DatasetPlan* plan = plan_.get(); plan != nullptr; plan = plan->input.get()) {
    if (const auto* batch = std::get_if<BatchStage>(&plan->stage)) return batch->batch_size;
  }
  return 0;
}

}  // namespace brisk
