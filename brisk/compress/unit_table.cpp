#include <algorithm>

#include "brisk/compress/channel_units.h"

namespace brisk {

AxisId UnitTable::add_axis(int64_t extent) {
  const int64_t first = num_units();
  require(first + extent < INT32_MAX, "the model's values have too many indices ({})",
          first + extent);
  axes_.push_back({static_cast<int32_t>(first), extent});
  for (int64_t i = 0; i < extent; ++i) parents_.push_back(static_cast<int32_t>(first + i));
  reasons_.resize(parents_.size(), 0);
  return static_cast<AxisId>(axes_.size() - 1);
}

Axes UnitTable::add_axes(const Shape& shape) {
  Axes axes;
  for (const Extent& extent : shape)
    axes.push_back(extent.is_named() ? -1 : add_axis(extent.size()));
  return axes;
}

int32_t UnitTable::find(int32_t unit) const {
  while (parents_[static_cast<size_t>(unit)] != unit) {
    int32_t& parent = parents_[static_cast<size_t>(unit)];
    parent = parents_[static_cast<size_t>(parent)];
    unit = parent;
  }
  return unit;
}

int32_t UnitTable::class_of(AxisId axis, int64_t index) const {
  const Axis& a = axes_[static_cast<size_t>(axis)];
  invariant(index >= 0 && index < a.extent, "index {} of an axis of {}", index, a.extent);
  return find(a.first + static_cast<int32_t>(index));
}

void UnitTable::join(AxisId a, int64_t index_a, AxisId b, int64_t index_b) {
  int32_t first = class_of(a, index_a), second = class_of(b, index_b);
  if (first == second) return;
  if (first > second) std::swap(first, second);
  parents_[static_cast<size_t>(second)] = first;
  int32_t& reason = reasons_[static_cast<size_t>(first)];
  if (reason == 0) reason = reasons_[static_cast<size_t>(second)];
}

void UnitTable::join_axes(AxisId a, AxisId b) {
  if (a < 0 || b < 0 || a == b) return;
  invariant(extent(a) == extent(b), "axes of {} and {} indices are no channels of each other",
            extent(a), extent(b));
  for (int64_t i = 0; i < extent(a); ++i) join(a, i, b, i);
}

void UnitTable::pin(AxisId axis, std::string_view reason) {
  if (axis < 0) return;
  const auto known = std::find(texts_.begin(), texts_.end(), reason);
  const auto text = static_cast<int32_t>(known - texts_.begin());
  if (known == texts_.end()) texts_.emplace_back(reason);
  for (int64_t i = 0; i < extent(axis); ++i) {
    int32_t& of_class = reasons_[static_cast<size_t>(class_of(axis, i))];
    if (of_class == 0) of_class = text;
  }
}

const std::string& UnitTable::pinned(int32_t class_number) const {
  return texts_[static_cast<size_t>(reasons_[static_cast<size_t>(find(class_number))])];
}

bool UnitTable::is_free(AxisId axis) const {
  if (axis < 0) return false;
  for (int64_t i = 0; i < extent(axis); ++i)
    if (pinned(class_of(axis, i)).empty()) return true;
  return false;
}

}  // namespace brisk
