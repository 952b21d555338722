#pragma once

/// A tensor in host memory: type, sizes and row-major contiguous bytes. Copies share the bytes;
/// `clone` makes new ones. The bytes may belong to somebody else (a mapped file, DLPack): the
/// owner is kept alive by the shared pointer's deleter.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/base/dtype.h"
#include "brisk/base/error.h"
#include "brisk/base/half.h"

namespace brisk {

class Tensor {
 public:
  /// An f32 scalar zero... of no bytes: `defined()` is false.
  Tensor() = default;
  /// Uninitialised memory, aligned to 64 bytes.
  Tensor(DType type, std::vector<int64_t> sizes);
  /// Foreign memory of at least byte_size() bytes.
  Tensor(DType type, std::vector<int64_t> sizes, std::shared_ptr<std::byte[]> bytes);

  static Tensor zeros(DType type, std::vector<int64_t> sizes);
  /// A tensor of `values`, whose count must be the product of `sizes`.
  template <typename T>
  static Tensor of(std::vector<int64_t> sizes, std::span<const T> values);
  template <typename T>
  static Tensor of(std::vector<int64_t> sizes, const std::vector<T>& values) {
    return of<T>(std::move(sizes), std::span<const T>(values));
  }
  /// A rank-0 tensor of type `type`; the value is converted.
  static Tensor scalar(DType type, double value);

  bool defined() const { return bytes_ != nullptr; }
  DType dtype() const { return type_; }
  const std::vector<int64_t>& sizes() const { return sizes_; }
  int64_t rank() const { return static_cast<int64_t>(sizes_.size()); }
  int64_t num_elements() const { return num_elements_; }
  int64_t num_bytes() const { return byte_size(type_, num_elements_); }

  std::byte* bytes() { return bytes_.get(); }
  const std::byte* bytes() const { return bytes_.get(); }
  const std::shared_ptr<std::byte[]>& storage() const { return bytes_; }

  /// The elements; T must be the element type.
  template <typename T>
  std::span<T> data() {
    check_type(dtype_of<T>());
    return {reinterpret_cast<T*>(bytes_.get()), static_cast<size_t>(num_elements_)};
  }
  template <typename T>
  std::span<const T> data() const {
    check_type(dtype_of<T>());
    return {reinterpret_cast<const T*>(bytes_.get()), static_cast<size_t>(num_elements_)};
  }

  /// Element `index` (row-major) converted to double, and back.
  double get(int64_t index) const;
  void set(int64_t index, double value);
  /// The value of a one-element tensor.
  double item() const;

  Tensor clone() const;
  /// The same bytes under other sizes with the same product.
  Tensor reshaped(std::vector<int64_t> sizes) const;
  /// Elements converted one by one (C++ conversion; floats to integers truncate).
  Tensor cast(DType type) const;
  /// "f32[2, 3]".
  std::string describe() const;

 private:
  void check_type(DType type) const;

  DType type_ = DType::f32;
  std::vector<int64_t> sizes_;
  int64_t num_elements_ = 0;
  std::shared_ptr<std::byte[]> bytes_;
};

/// True when type, sizes and every bit agree.
bool bit_equal(const Tensor& a, const Tensor& b);

/// `count` bytes aligned to 64; at least one cache line even for 0.
std::shared_ptr<std::byte[]> allocate_aligned(int64_t count);

template <typename T>
Tensor Tensor::of(std::vector<int64_t> sizes, std::span<const T> values) {
  Tensor tensor(dtype_of<T>(), std::move(sizes));
  require(static_cast<int64_t>(values.size()) == tensor.num_elements(),
          "{} values do not fill a tensor of {}", values.size(), tensor.describe());
  std::copy(values.begin(), values.end(), tensor.data<T>().begin());
  return tensor;
}

}  // namespace brisk
