// From a plan's stages to elements that can be read: one small class a stage.

#include <algorithm>
#include <array>
#include <cstring>

#include "brisk/base/philox.h"
#include "brisk/base/shape.h"
#include "brisk/data/batch_elements.h"
#include "brisk/data/cache.h"
#include "brisk/data/mapped_elements.h"
#include "brisk/data/renumbered_elements.h"

namespace brisk {
namespace {

using Spec = std::optional<std::vector<ComponentSpec>>;

class SourceElements final : public Elements {
 public:
  explicit SourceElements(std::shared_ptr<const Source> source)
      : source_(std::move(source)), size_(source_->size()), spec_(source_->components()) {
    for (const ComponentSpec& component : *spec_) bytes_.push_back(num_bytes(component));
  }

  int64_t size() const override { return size_; }
  const Spec& spec() const override { return spec_; }
  Example get(const Place& place, Workspace&) const override { return source_->at(place.position); }
  bool view(const Place& place, std::span<const std::byte*> components) const override {
    return source_->view(place.position, components);
  }
  void write(const Place& place, std::span<std::byte* const> components,
             Workspace&) const override {
    if (components.size() <= kFewComponents) {
      std::array<const std::byte*, kFewComponents> views;
      if (source_->view(place.position, std::span(views).first(components.size()))) {
        for (size_t i = 0; i < components.size(); ++i) {
          std::memcpy(components[i], views[i], static_cast<size_t>(bytes_[i]));
        }
        return;
      }
    }
    source_->copy(place.position, components);
  }

 private:
  std::shared_ptr<const Source> source_;
  int64_t size_;
  Spec spec_;
  std::vector<int64_t> bytes_;
};

class ConcatenatedElements final : public Elements {
 public:
  ConcatenatedElements(std::shared_ptr<const Elements> first,
                       std::shared_ptr<const Elements> second)
      : first_(std::move(first)), second_(std::move(second)) {
    if (!first_->spec() || !second_->spec()) return;
    spec_ = first_->spec();
    const auto& other = *second_->spec();
    bool agree = spec_->size() == other.size();
    for (size_t i = 0; agree && i < other.size(); ++i) {
      ComponentSpec& component = (*spec_)[i];
      agree = component.dtype == other[i].dtype && component.sizes.size() == other[i].sizes.size();
      for (size_t axis = 0; agree && axis < other[i].sizes.size(); ++axis) {
        if (component.sizes[axis] != other[i].sizes[axis]) component.sizes[axis] = -1;
      }
    }
    require(agree, "[concatenate] the datasets' examples differ: {} and {}",
            describe(*first_->spec()), describe(other));
  }

  int64_t size() const override {
    if (first_->size() == kForever || second_->size() == kForever) return kForever;
    return first_->size() + second_->size();
  }
  const Spec& spec() const override { return spec_; }
  Example get(const Place& place, Workspace& workspace) const override {
    Place there = place;
    return choose(there).get(there, workspace);
  }
  bool view(const Place& place, std::span<const std::byte*> components) const override {
    Place there = place;
    return choose(there).view(there, components);
  }
  void write(const Place& place, std::span<std::byte* const> components,
             Workspace& workspace) const override {
    Place there = place;
    choose(there).write(there, components, workspace);
  }
  const BatchElements* locate_batch(Place& place) const override {
    return choose(place).locate_batch(place);
  }

 private:
  const Elements& choose(Place& place) const {
    if (first_->size() == kForever || place.position < first_->size()) return *first_;
    place.position -= first_->size();
    return *second_;
  }

  std::shared_ptr<const Elements> first_;
  std::shared_ptr<const Elements> second_;
  Spec spec_;
};

class CacheElements final : public Elements {
 public:
  CacheElements(std::shared_ptr<const Elements> input, std::shared_ptr<CachedElements> kept)
      : input_(std::move(input)), kept_(std::move(kept)) {}

  int64_t size() const override { return input_->size(); }
  const Spec& spec() const override { return input_->spec(); }
  Example get(const Place& place, Workspace& workspace) const override {
    Example copies;
    for (const Tensor& tensor : kept(place, workspace)) copies.push_back(tensor.clone());
    return copies;
  }
  bool view(const Place& place, std::span<const std::byte*> components) const override {
    const Example* example = kept_->find(place.position);
    if (example == nullptr) return false;
    for (size_t i = 0; i < components.size(); ++i) components[i] = (*example)[i].bytes();
    return true;
  }
  void write(const Place& place, std::span<std::byte* const> components,
             Workspace& workspace) const override {
    copy_components(kept(place, workspace), *spec(), 0, components);
  }

 private:
  const Example& kept(const Place& place, Workspace& workspace) const {
    if (const Example* example = kept_->find(place.position)) return *example;
    return *kept_->put(place.position, input_->get({0, place.position}, workspace));
  }

  std::shared_ptr<const Elements> input_;
  std::shared_ptr<CachedElements> kept_;
};

/// Calls the stage's function with its input already made readable.
struct StageReader {
  const DatasetPlan& plan;
  uint64_t seed;

  using Read = std::shared_ptr<const Elements>;

  Read input() const { return read_plan(*plan.input, seed); }
  uint64_t stage_key(uint64_t from) const {
    return fold_key(from, static_cast<uint64_t>(plan.number));
  }

  Read operator()(const FromStage& stage) const {
    return std::make_shared<SourceElements>(stage.source);
  }
  Read operator()(const ShuffleStage& stage) const {
    const Read from = input();
    require(from->size() != kForever,
            "[shuffle] comes after an endless repeat, so there is no epoch to permute; write "
            "shuffle(...) before repeat()");
    require(from->size() < (int64_t{1} << 32), "[shuffle] {} elements are more than 2^32",
            from->size());
    return std::make_shared<ShuffledElements>(from, stage,
                                              stage_key(stage.seed != 0 ? stage.seed : seed));
  }
  Read operator()(const MapStage& stage) const {
    return std::make_shared<MappedElements>(input(), stage.function, stage_key(seed));
  }
  Read operator()(const ImageMapStage&) const {
    // Maps of images that follow one another become one: no tensor between them.
    std::vector<KeyedImageMap> maps;
    const DatasetPlan* below = &plan;
    for (; const auto* map = std::get_if<ImageMapStage>(&below->stage);
         below = below->input.get()) {
      maps.push_back({map->function, fold_key(seed, static_cast<uint64_t>(below->number))});
    }
    std::ranges::reverse(maps);
    return std::make_shared<ImageMappedElements>(read_plan(*below, seed), maps);
  }
  Read operator()(const BatchStage& stage) const {
    return std::make_shared<BatchElements>(input(), stage);
  }
  Read operator()(const PrefetchStage&) const { return input(); }
  Read operator()(const RepeatStage& stage) const {
    const Read from = input();
    if (from->size() == kForever && stage.count != 0) return from;  // its first pass never ends
    int64_t size = kForever;
    if (from->size() == 0 || stage.count == 0)
      size = 0;
    else if (stage.count != kForever) {
      size = checked_product(std::vector<int64_t>{from->size(), stage.count});
    }
    return std::make_shared<RepeatedElements>(from, stage.count, size);
  }
  Read operator()(const TakeStage& stage) const {
    const Read from = input();
    const int64_t size =
        from->size() == kForever ? stage.count : std::min(from->size(), stage.count);
    return std::make_shared<StridedElements>(from, 0, 1, size);
  }
  Read operator()(const SkipStage& stage) const {
    const Read from = input();
    const int64_t size =
        from->size() == kForever ? kForever : std::max<int64_t>(0, from->size() - stage.count);
    return std::make_shared<StridedElements>(from, stage.count, 1, size);
  }
  Read operator()(const ShardStage& stage) const {
    const Read from = input();
    int64_t size = kForever;
    if (from->size() != kForever) {
      size = std::max<int64_t>(0, from->size() - stage.index + stage.num_shards - 1) /
             stage.num_shards;
    }
    return std::make_shared<StridedElements>(from, stage.index, stage.num_shards, size);
  }
  Read operator()(const ConcatenateStage& stage) const {
    // Other keys for the second dataset: its stages have the same numbers as the first one's.
    return std::make_shared<ConcatenatedElements>(
        input(), read_plan(*stage.second, fold_key(stage_key(seed), 1)));
  }
  Read operator()(const CacheStage& stage) const {
    const Read from = input();
    require(from->size() != kForever,
            "[cache] comes after an endless repeat and would never be full; write cache() before "
            "repeat()");
    return std::make_shared<CacheElements>(from, stage.store->elements(seed, from->size()));
  }
};

}  // namespace

std::shared_ptr<const Elements> read_plan(const DatasetPlan& plan, uint64_t seed) {
  return std::visit(StageReader{plan, seed}, plan.stage);
}

}  // namespace brisk
