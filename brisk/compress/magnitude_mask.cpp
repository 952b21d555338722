#include "brisk/compress/magnitude_mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

// A threshold is the exact k-th largest magnitude, by selection. Magnitudes are compared as
// doubles, which hold every f32 and f64.

namespace brisk {
namespace {

template <typename F>
auto with_floats(const Tensor& tensor, F&& f) {
  if (tensor.dtype() == DType::f64) return f(tensor.data<double>());
  return f(tensor.data<float>());
}

double magnitude(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : std::fabs(value);
}

double ranked(double value, Ranking ranking) {
  return ranking == Ranking::magnitude || std::isnan(value) ? magnitude(value) : value;
}

/// The mask of one tensor by its own threshold.
Tensor own_mask(const Tensor& weights, float sparsity, Ranking ranking) {
  const double threshold = ranked_threshold(std::span(&weights, 1),
                                            kept_count(weights.num_elements(), sparsity), ranking);
  return threshold_mask(weights, threshold, ranking);
}

/// A mask like `weights` with `kept(i)` of each element.
template <typename Kept>
Tensor mask_of(const Tensor& weights, Kept&& kept) {
  Tensor mask(weights.dtype(), weights.sizes());
  const auto fill = [&](auto values) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = kept(static_cast<int64_t>(i)) ? 1 : 0;
  };
  if (weights.dtype() == DType::f64)
    fill(mask.data<double>());
  else
    fill(mask.data<float>());
  return mask;
}

/// One number for each block, row-major: the mean or the greatest of its magnitudes, in f32, along
/// rows first.
Tensor pooled(const Tensor& weights, const BlockShape& block) {
  const int64_t rows = weights.sizes()[0], columns = weights.sizes()[1];
  const int64_t block_rows = (rows + block.rows - 1) / block.rows,
                block_columns = (columns + block.columns - 1) / block.columns;
  const auto pool = [&](int64_t begin, int64_t end, auto&& at) {
    float total = 0;
    for (int64_t i = begin; i < end; ++i)
      total = block.pooling == BlockPooling::maximum ? std::max(total, at(i)) : total + at(i);
    return block.pooling == BlockPooling::maximum ? total : total / static_cast<float>(end - begin);
  };
  Tensor by_rows(DType::f32, {block_rows, columns}),
      result(DType::f32, {block_rows, block_columns});
  const auto first = by_rows.data<float>(), second = result.data<float>();
  for (int64_t r = 0; r < block_rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      first[static_cast<size_t>(r * columns + c)] = pool(
          r * block.rows, std::min(rows, (r + 1) * block.rows),
          [&](int64_t i) { return static_cast<float>(magnitude(weights.get(i * columns + c))); });
    for (int64_t c = 0; c < block_columns; ++c)
      second[static_cast<size_t>(r * block_columns + c)] =
          pool(c * block.columns, std::min(columns, (c + 1) * block.columns),
               [&](int64_t i) { return first[static_cast<size_t>(r * columns + i)]; });
  }
  return result;
}

}  // namespace

std::span<const std::string_view> enum_names(BlockPooling) {
  static constexpr std::array<std::string_view, 2> kNames = {"average", "maximum"};
  return kNames;
}

int64_t kept_count(int64_t size, float sparsity) {
  const float kept = std::nearbyint(static_cast<float>(size) * (1.0f - sparsity));
  return std::clamp<int64_t>(static_cast<int64_t>(kept), 1, std::max<int64_t>(size, 1));
}

double ranked_threshold(std::span<const Tensor> weights, int64_t kept, Ranking ranking) {
  std::vector<double> numbers;
  for (const Tensor& tensor : weights)
    with_floats(tensor, [&](auto values) {
      for (const auto value : values) numbers.push_back(ranked(value, ranking));
    });
  if (numbers.empty()) return 0;
  const auto at =
      numbers.begin() +
      static_cast<std::ptrdiff_t>(std::min<size_t>(static_cast<size_t>(kept), numbers.size()) - 1);
  std::nth_element(numbers.begin(), at, numbers.end(), std::greater<>());
  return *at;
}

Tensor threshold_mask(const Tensor& weights, double threshold, Ranking ranking) {
  return with_floats(weights, [&](auto values) {
    return mask_of(weights, [&](int64_t i) {
      return ranked(values[static_cast<size_t>(i)], ranking) >= threshold;
    });
  });
}

Tensor value_mask(const Tensor& scores, float sparsity) {
  return own_mask(scores, sparsity, Ranking::value);
}

Tensor nonzero_mask(const Tensor& weights) {
  return threshold_mask(weights, std::numeric_limits<double>::denorm_min());
}

Tensor magnitude_mask(const Tensor& weights, float sparsity, const BlockShape& block) {
  if (block.rows == 1 && block.columns == 1) return own_mask(weights, sparsity, Ranking::magnitude);
  require(weights.rank() == 2, "blocks of {} by {} are for weights of two axes, but this one is {}",
          block.rows, block.columns, weights.describe());
  const Tensor of_blocks = magnitude_mask(pooled(weights, block), sparsity);
  const int64_t columns = weights.sizes()[1], block_columns = of_blocks.sizes()[1];
  return mask_of(weights, [&](int64_t i) {
    return of_blocks.get(i / columns / block.rows * block_columns + i % columns / block.columns) !=
           0;
  });
}

Tensor group_mask(const Tensor& weights, int64_t zeros, int64_t group) {
  require(zeros > 0 && zeros < group, "{} zeros in each {} weights: give fewer zeros than weights",
          zeros, group);
  require(weights.rank() >= 2 && weights.rank() <= 5,
          "groups of weights lie along the input channels of a kernel, but this one is {}",
          weights.describe());
  const int64_t outputs = weights.sizes().back(),
                inputs = weights.sizes()[weights.sizes().size() - 2];
  std::vector<bool> kept(static_cast<size_t>(weights.num_elements()), false);
  std::vector<int64_t> order;
  for (int64_t line = 0; line < weights.num_elements() / std::max<int64_t>(inputs, 1); ++line) {
    const int64_t start = line / outputs * inputs * outputs + line % outputs;
    for (int64_t first = 0; first < inputs; first += group) {
      order.resize(static_cast<size_t>(std::min(group, inputs - first)));
      std::iota(order.begin(), order.end(), first);
      const auto size_at = [&](int64_t i) { return magnitude(weights.get(start + i * outputs)); };
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return size_at(a) > size_at(b); });
      order.resize(std::min(order.size(), static_cast<size_t>(group - zeros)));
      for (const int64_t i : order) kept[static_cast<size_t>(start + i * outputs)] = true;
    }
  }
  return mask_of(weights, [&](int64_t i) { return kept[static_cast<size_t>(i)]; });
}

Tensor masked(const Tensor& weights, const Tensor& mask) {
  Tensor result(weights.dtype(), weights.sizes());
  const auto multiply = [&](auto out, auto a, auto b) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] * b[i];
  };
  if (weights.dtype() == DType::f64)
    multiply(result.data<double>(), weights.data<double>(), mask.data<double>());
  else
    multiply(result.data<float>(), weights.data<float>(), mask.data<float>());
  return result;
}

}  // namespace brisk
