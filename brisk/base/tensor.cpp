#include "brisk/base/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "brisk/base/packed_integers.h"
#include "brisk/base/shape.h"

namespace brisk {

std::shared_ptr<std::byte[]> allocate_aligned(int64_t count) {
  constexpr int64_t kAlignment = 64;
  const int64_t rounded = std::max(kAlignment, (count + kAlignment - 1) / kAlignment * kAlignment);
  auto* memory =
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, static_cast<size_t>(rounded)));
  if (memory == nullptr) throw std::bad_alloc();
  return std::shared_ptr<std::byte[]>(memory, [](std::byte* p) { std::free(p); });
}

Tensor::Tensor(DType type, std::vector<int64_t> sizes)
    : type_(type), sizes_(std::move(sizes)), num_elements_(checked_product(sizes_)) {
  require(num_elements_ <= (int64_t{1} << 56), "a tensor of {} does not fit into memory",
          describe());
  bytes_ = allocate_aligned(num_bytes());
}

Tensor::Tensor(DType type, std::vector<int64_t> sizes, std::shared_ptr<std::byte[]> bytes)
    : type_(type),
      sizes_(std::move(sizes)),
      num_elements_(checked_product(sizes_)),
      bytes_(std::move(bytes)) {}

Tensor Tensor::zeros(DType type, std::vector<int64_t> sizes) {
  Tensor tensor(type, std::move(sizes));
  std::memset(tensor.bytes(), 0, static_cast<size_t>(tensor.num_bytes()));
  return tensor;
}

Tensor Tensor::scalar(DType type, double value) {
  Tensor tensor = zeros(type, {});
  tensor.set(0, value);
  return tensor;
}

double Tensor::get(int64_t index) const {
  if (type_ == DType::i4) return packed_element(bytes_.get(), index);
  return dispatch(type_, [&]<typename T>() -> double {
    const T value = reinterpret_cast<const T*>(bytes_.get())[index];
    if constexpr (sizeof(T) < 4 && !std::is_integral_v<T>)
      return static_cast<float>(value);
    else
      return static_cast<double>(value);
  });
}

void Tensor::set(int64_t index, double value) {
  if (type_ == DType::i4)
    return set_packed_element(bytes_.get(), index,
                              static_cast<int8_t>(static_cast<int64_t>(value)));
  dispatch(type_, [&]<typename T>() {
    auto& element = reinterpret_cast<T*>(bytes_.get())[index];
    if constexpr (std::is_same_v<T, bool>)
      element = value != 0;
    else if constexpr (sizeof(T) < 4 && !std::is_integral_v<T>)
      element = T(static_cast<float>(value));
    else
      element = static_cast<T>(value);
  });
}

double Tensor::item() const {
  require(num_elements_ == 1, "item() needs one element, but the tensor is {}", describe());
  return get(0);
}

Tensor Tensor::clone() const {
  Tensor copy(type_, sizes_);
  std::memcpy(copy.bytes(), bytes(), static_cast<size_t>(num_bytes()));
  return copy;
}

Tensor Tensor::reshaped(std::vector<int64_t> sizes) const {
  Tensor view(type_, std::move(sizes), bytes_);
  require(view.num_elements_ == num_elements_, "cannot view {} as {}", describe(), view.describe());
  return view;
}

Tensor Tensor::cast(DType type) const {
  if (type == type_) return *this;
  Tensor result = type == DType::i4 ? zeros(type, sizes_) : Tensor(type, sizes_);
  if (is_integer(type_) && is_integer(type) && bits(type_) >= 8 &&
      bits(type) >= 8) {  // double would lose the low bits of 64-bit values
    dispatch(type_, [&]<typename From>() {
      dispatch(type, [&]<typename To>() {
        if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
          auto from = data<From>();
          auto to = result.data<To>();
          for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<To>(from[i]);
        }
      });
    });
    return result;
  }
  for (int64_t i = 0; i < num_elements_; ++i) result.set(i, get(i));
  return result;
}

std::string Tensor::describe() const {
  return fmt::format("{}{}", name(type_), Shape(sizes_).to_string());
}

void Tensor::check_type(DType type) const {
  invariant(type == type_, "elements of a {} tensor were asked for as {}", describe(), name(type));
}

bool bit_equal(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         std::memcmp(a.bytes(), b.bytes(), static_cast<size_t>(a.num_bytes())) == 0;
}

}  // namespace brisk
