#include "brisk/backends/reference/elements.h"

#include <limits>
#include <type_traits>

#include "brisk/base/error.h"

namespace brisk::reference {
namespace {

template <typename T>
inline constexpr bool kIsFloat = !std::is_integral_v<T>;

template <typename T>
double as_double(T element) {
  if constexpr (std::is_floating_point_v<T>)
    return element;
  else
    return static_cast<double>(static_cast<float>(element));
}

template <typename T>
T from_double(double value) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(value);
  else
    return T(static_cast<float>(value));
}

template <typename T>
T from_bits(uint64_t bits) {
  if constexpr (std::is_same_v<T, bool>)
    return bits != 0;
  else
    return static_cast<T>(bits);
}

}  // namespace

template <typename Wide>
std::vector<Wide> widen(const Tensor& tensor) {
  std::vector<Wide> values(static_cast<size_t>(tensor.num_elements()));
  dispatch(tensor.dtype(), [&]<typename T>() {
    if constexpr (kIsFloat<T> == std::is_same_v<Wide, double>) {
      const auto elements = tensor.data<T>();
      for (size_t i = 0; i < values.size(); ++i) {
        if constexpr (kIsFloat<T>)
          values[i] = as_double(elements[i]);
        else
          values[i] = static_cast<uint64_t>(elements[i]);
      }
    } else {
      invariant(false, "{} is widened to the other kind of number", tensor.describe());
    }
  });
  return values;
}

template <typename Wide>
Tensor narrow(DType type, std::vector<int64_t> sizes, std::span<const Wide> values) {
  Tensor tensor(type, std::move(sizes));
  invariant(static_cast<int64_t>(values.size()) == tensor.num_elements(),
            "{} values are stored as {}", values.size(), tensor.describe());
  dispatch(type, [&]<typename T>() {
    if constexpr (kIsFloat<T> == std::is_same_v<Wide, double>) {
      const auto elements = tensor.data<T>();
      for (size_t i = 0; i < values.size(); ++i) {
        if constexpr (kIsFloat<T>)
          elements[i] = from_double<T>(values[i]);
        else
          elements[i] = from_bits<T>(values[i]);
      }
    } else {
      invariant(false, "{} is narrowed from the other kind of number", tensor.describe());
    }
  });
  return tensor;
}

template std::vector<double> widen(const Tensor&);
template std::vector<uint64_t> widen(const Tensor&);
template Tensor narrow(DType, std::vector<int64_t>, std::span<const double>);
template Tensor narrow(DType, std::vector<int64_t>, std::span<const uint64_t>);

void load_scalars(const Tensor& tensor, int64_t start, std::span<Scalar> scalars) {
  dispatch(tensor.dtype(), [&]<typename T>() {
    const auto elements = tensor.data<T>().subspan(static_cast<size_t>(start), scalars.size());
    for (size_t i = 0; i < scalars.size(); ++i) {
      if constexpr (kIsFloat<T>)
        scalars[i].value = as_double(elements[i]);
      else
        scalars[i].bits = static_cast<uint64_t>(elements[i]);
    }
  });
}

void store_scalars(Tensor& tensor, int64_t start, std::span<const Scalar> scalars) {
  dispatch(tensor.dtype(), [&]<typename T>() {
    const auto elements = tensor.data<T>().subspan(static_cast<size_t>(start), scalars.size());
    for (size_t i = 0; i < scalars.size(); ++i) {
      if constexpr (kIsFloat<T>)
        elements[i] = from_double<T>(scalars[i].value);
      else
        elements[i] = from_bits<T>(scalars[i].bits);
    }
  });
}

std::vector<int64_t> load_positions(const Tensor& tensor) {
  const std::vector<uint64_t> words = widen<uint64_t>(tensor);
  std::vector<int64_t> positions;
  positions.reserve(words.size());
  constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  for (const uint64_t word : words)
    positions.push_back(
        static_cast<int64_t>(tensor.dtype() == DType::u64 ? std::min(word, kLargest) : word));
  return positions;
}

}  // namespace brisk::reference
