#include "brisk/data/elements.h"

#include <algorithm>
#include <cstring>

#include "brisk/base/shape.h"

namespace brisk {

bool Elements::view(const Place&, std::span<const std::byte*>) const {
  return false;
}

const BatchElements* Elements::locate_batch(Place&) const {
  return nullptr;
}

void Elements::write(const Place& place, std::span<std::byte* const> components,
                     Workspace& workspace) const {
  copy_components(get(place, workspace), *spec(), 0, components);
}

void copy_components(const Example& example, const std::vector<ComponentSpec>& spec, size_t first,
                     std::span<std::byte* const> components) {
  require(example.size() == spec.size(), "an example has {} components, its source names {}",
          example.size(), describe(spec));
  for (size_t i = first; i < example.size(); ++i) {
    require(example[i].dtype() == spec[i].dtype && example[i].sizes() == spec[i].sizes,
            "an example's component {} is {}, its source names {}", i, example[i].describe(),
            describe(spec[i]));
    std::memcpy(components[i], example[i].bytes(), static_cast<size_t>(example[i].num_bytes()));
  }
}

bool is_fixed(const std::optional<std::vector<ComponentSpec>>& spec) {
  return spec && std::ranges::all_of(*spec, [](const ComponentSpec& component) {
           return num_bytes(component) >= 0;
         });
}

namespace {

int64_t largest_parallel_calls(const DatasetPlan& plan) {
  int64_t calls = kAutotune;
  if (const auto* map = std::get_if<MapStage>(&plan.stage)) calls = map->num_parallel_calls;
  if (const auto* map = std::get_if<ImageMapStage>(&plan.stage)) calls = map->num_parallel_calls;
  if (const auto* both = std::get_if<ConcatenateStage>(&plan.stage)) {
    calls = largest_parallel_calls(*both->second);
  }
  return plan.input ? std::max(calls, largest_parallel_calls(*plan.input)) : calls;
}

int64_t last_prefetch(const DatasetPlan& plan) {
  if (const auto* prefetch = std::get_if<PrefetchStage>(&plan.stage)) return prefetch->buffer_size;
  if (std::holds_alternative<BatchStage>(plan.stage)) return kAutotune;
  return plan.input ? last_prefetch(*plan.input) : kAutotune;
}

}  // namespace

PlanEpochs outermost_stages(const DatasetPlan& plan) {
  PlanEpochs epochs{.body = &plan};
  epochs.prefetch = last_prefetch(plan);
  epochs.parallel_calls = largest_parallel_calls(plan);
  for (;; epochs.body = epochs.body->input.get()) {
    if (const auto* repeat = std::get_if<RepeatStage>(&epochs.body->stage)) {
      // A repeat of a repeat multiplies; no pass at all remains no pass.
      if (epochs.count == 0 || repeat->count == 0)
        epochs.count = 0;
      else if (epochs.count == kForever || repeat->count == kForever)
        epochs.count = kForever;
      else
        epochs.count = checked_product(std::vector<int64_t>{epochs.count, repeat->count});
      epochs.repeats = true;
    } else if (!std::holds_alternative<PrefetchStage>(epochs.body->stage)) {
      return epochs;
    }
  }
}

}  // namespace brisk
