#pragma once

/// Shapes: a list of extents, each an integer or a named dimension ("batch") that is bound to an
/// integer before lowering.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace brisk {

/// One extent: a size >= 0, or a name whose size is not known yet.
class Extent {
 public:
  Extent(int64_t size = 0) : size_(size) {}
  Extent(int size) : size_(size) {}
  /// A named dimension.
  explicit Extent(std::string name) : size_(-1), name_(std::move(name)) {}

  bool is_named() const { return !name_.empty(); }
  /// The size; refused (UserError) while the dimension is only named.
  int64_t size() const;
  const std::string& name() const { return name_; }
  /// "128" or "batch".
  std::string to_string() const;

  friend bool operator==(const Extent&, const Extent&) = default;

 private:
  int64_t size_;
  std::string name_;
};

/// Sizes for named dimensions: {"batch": 128}.
using Binding = std::map<std::string, int64_t>;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Extent> extents) : extents_(extents) {}
  explicit Shape(std::vector<Extent> extents) : extents_(std::move(extents)) {}
  explicit Shape(std::span<const int64_t> sizes) : extents_(sizes.begin(), sizes.end()) {}
  explicit Shape(const std::vector<int64_t>& sizes) : extents_(sizes.begin(), sizes.end()) {}

  int64_t rank() const { return static_cast<int64_t>(extents_.size()); }
  const Extent& operator[](int64_t axis) const { return extents_[static_cast<size_t>(axis)]; }
  Extent& operator[](int64_t axis) { return extents_[static_cast<size_t>(axis)]; }
  const std::vector<Extent>& extents() const { return extents_; }
  void push_back(Extent extent) { extents_.push_back(std::move(extent)); }
  auto begin() const { return extents_.begin(); }
  auto end() const { return extents_.end(); }

  /// True when every extent is an integer.
  bool is_static() const;
  /// Size of one axis; refused for a named one.
  int64_t size(int64_t axis) const { return (*this)[axis].size(); }
  /// All sizes; refused when a dimension is only named.
  std::vector<int64_t> sizes() const;
  /// Product of the sizes (1 for rank 0); refused when a dimension is only named.
  int64_t num_elements() const;
  /// The shape with named dimensions replaced; names that `binding` lacks stay.
  Shape bind(const Binding& binding) const;
  /// "[batch, 28, 28, 1]".
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<Extent> extents_;
};

/// Row-major strides in elements.
std::vector<int64_t> row_major_strides(std::span<const int64_t> sizes);
/// Product of the sizes; refused (UserError) when it overflows int64 or a size is negative.
int64_t checked_product(std::span<const int64_t> sizes);
/// Maps axis -1 to rank-1 and so on; refused when out of range, with `what` in the message.
int64_t normalize_axis(int64_t axis, int64_t rank, std::string_view what);

}  // namespace brisk
