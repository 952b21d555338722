#include "brisk/compress/rounding/round_filters.h"

#include <array>

#include "brisk/compress/quantize_weights.h"
#include "brisk/compress/rounding/second_moments.h"
#include "brisk/compress/rounding/second_order_rounding.h"

namespace brisk {
namespace {

/// Columns [first, first + width) of a matrix.
Tensor columns(const Tensor& matrix, int64_t first, int64_t width) {
  const int64_t rows = matrix.sizes()[0], all = matrix.sizes()[1];
  Tensor part(matrix.dtype(), {rows, width});
  const auto from = matrix.data<float>();
  const auto to = part.data<float>();
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(from.begin() + row * all + first, width, to.begin() + row * width);
  return part;
}

/// The integers of `filter` [..., outputs], group by group.
Tensor rounded_filter(const Tensor& filter, const Tensor& moments,
                      const RoundFiltersOptions& options) {
  const int64_t groups = moments.sizes()[0], rows = moments.sizes()[1],
                outputs = filter.sizes().back(), width = outputs / groups;
  const Tensor matrix = filter.reshaped({rows, outputs});
  const std::vector<double> scales = channel_scales(filter);
  Tensor result(DType::i8, {rows, outputs});
  for (int64_t group = 0; group < groups; ++group) {
    const Tensor own = Tensor::of<float>(
        {rows, rows}, moments.data<float>().subspan(static_cast<size_t>(group * rows * rows),
                                                    static_cast<size_t>(rows * rows)));
    const RoundingGrid grid = {
        std::span(scales).subspan(static_cast<size_t>(group * width), static_cast<size_t>(width))};
    const Tensor integers = round_second_order(columns(matrix, group * width, width), own, grid,
                                               {.threads = options.threads});
    const auto from = integers.data<int8_t>();
    const auto to = result.data<int8_t>();
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(from.begin() + row * width, width, to.begin() + row * outputs + group * width);
  }
  return result.reshaped(filter.sizes());
}

}  // namespace

std::span<const std::string_view> enum_names(Rounding) {
  static constexpr std::array<std::string_view, 2> kNames = {"nearest", "gptq"};
  return kNames;
}

RoundedFilters round_filters(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, const RoundFiltersOptions& options) {
  RoundedFilters rounded;
  if (options.rounding == Rounding::nearest) return rounded;
  for_each_second_moments(folded, products, data, options.threads,
                          [&](const ProductPlan& product, const Tensor& moments) {
                            const Node& node = folded.program.graph.node(product.node);
                            rounded[product.node] = rounded_filter(
                                filter_of(node, product, folded.weights[product.filter]), moments,
                                options);
                          });
  return rounded;
}

}  // namespace brisk
