#include "brisk/base/shape.h"

#include "brisk/base/error.h"
#include "brisk/base/quoted.h"

namespace brisk {

int64_t Extent::size() const {
  require(!is_named(), "dimension '{}' has no size yet; bind it first", name_);
  return size_;
}

std::string Extent::to_string() const {
  if (!is_named()) return std::to_string(size_);
  return is_word(name_) ? name_ : brisk::quoted(name_);
}

bool Shape::is_static() const {
  for (const Extent& extent : extents_)
    if (extent.is_named()) return false;
  return true;
}

std::vector<int64_t> Shape::sizes() const {
  std::vector<int64_t> result;
  result.reserve(extents_.size());
  for (const Extent& extent : extents_) result.push_back(extent.size());
  return result;
}

int64_t Shape::num_elements() const {
  return checked_product(sizes());
}

Shape Shape::bind(const Binding& binding) const {
  Shape result = *this;
  for (Extent& extent : result.extents_) {
    if (!extent.is_named()) continue;
    const auto bound = binding.find(extent.name());
    if (bound == binding.end()) continue;
    require(bound->second >= 0, "dimension '{}' cannot be bound to {}", extent.name(),
            bound->second);
    extent = Extent(bound->second);
  }
  return result;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (const Extent& extent : extents_) {
    if (text.size() > 1) text += ", ";
    text += extent.to_string();
  }
  return text + "]";
}

std::vector<int64_t> row_major_strides(std::span<const int64_t> sizes) {
  std::vector<int64_t> strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
  return strides;
}

int64_t checked_product(std::span<const int64_t> sizes) {
  int64_t product = 1;
  bool empty = false;
  for (int64_t size : sizes) {
    require(size >= 0, "a size of {} is negative", size);
    empty |= size == 0;
    // Overflow is judged as if no size were zero, so that [0, huge, huge] is refused as well.
    require(!__builtin_mul_overflow(product, size == 0 ? 1 : size, &product),
            "the number of elements overflows 64 bits");
  }
  return empty ? 0 : product;
}

int64_t normalize_axis(int64_t axis, int64_t rank, std::string_view what) {
  require(axis >= -rank && axis < rank, "[{}] axis {} is out of range for rank {}", what, axis,
          rank);
  return axis < 0 ? axis + rank : axis;
}

}  // namespace brisk
