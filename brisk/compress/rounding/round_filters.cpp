#include "brisk/compress/rounding/round_filters.h"

#include <array>

#include "brisk/compress/quantize_weights.h"
#include "brisk/compress/rounding/adaptive_rounding.h"
#include "brisk/compress/rounding/second_moments.h"
#include "brisk/compress/rounding/second_order_rounding.h"

namespace brisk {
namespace {

/// A filter [..., groups * width] as matrices [groups, rows, width], and back.
Tensor by_groups(const Tensor& filter, int64_t groups) {
  const int64_t outputs = filter.sizes().back(), width = outputs / groups,
                rows = filter.num_elements() / outputs;
  Tensor result(filter.dtype(), {groups, rows, width});
  const auto from = filter.data<float>();
  const auto to = result.data<float>();
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(from.begin() + row * outputs + group * width, width,
                  to.begin() + (group * rows + row) * width);
  return result;
}
Tensor joined_groups(const Tensor& integers, const std::vector<int64_t>& sizes) {
  const int64_t groups = integers.sizes()[0], rows = integers.sizes()[1],
                width = integers.sizes()[2];
  Tensor result(DType::i8, sizes);
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(integers.data<int8_t>().begin() + (group * rows + row) * width, width,
                  result.data<int8_t>().begin() + (row * groups + group) * width);
  return result;
}

/// Group `index` of [groups, rows, columns].
Tensor group_of(const Tensor& grouped, int64_t index) {
  const int64_t rows = grouped.sizes()[1], columns = grouped.sizes()[2];
  return Tensor::of<float>(
      {rows, columns}, grouped.data<float>().subspan(static_cast<size_t>(index * rows * columns),
                                                     static_cast<size_t>(rows * columns)));
}

/// The integers of `matrix` [rows, outputs] in steps by block.
Tensor rounded_blocks(const Tensor& matrix, const Tensor& moments,
                      const RoundFiltersOptions& options) {
  const Tensor steps = block_steps(matrix, options.grid).cast(DType::f64);
  return round_second_order(matrix, moments.reshaped({matrix.sizes()[0], matrix.sizes()[0]}),
                            {.scales = steps.data<double>(),
                             .block_size = options.grid.block_size,
                             .low = static_cast<int64_t>(options.grid.low()),
                             .high = static_cast<int64_t>(options.grid.high())},
                            {.threads = options.threads});
}

/// The integers of `filter` [..., outputs].
Tensor rounded_filter(const Tensor& filter, const Tensor& moments,
                      const RoundFiltersOptions& options) {
  if (!options.grid.by_channel()) return rounded_blocks(filter, moments, options);
  const int64_t groups = moments.sizes()[0];
  const Tensor weights = by_groups(filter, groups);
  const std::vector<double> scales = channel_scales(filter);
  if (options.rounding == Rounding::adaround)
    return joined_groups(round_adaptively(weights, moments, {.scales = scales},
                                          {.steps = options.steps, .threads = options.threads}),
                         filter.sizes());
  const int64_t rows = weights.sizes()[1], width = weights.sizes()[2];
  Tensor integers(DType::i8, weights.sizes());
  for (int64_t group = 0; group < groups; ++group) {
    const auto own =
        std::span(scales).subspan(static_cast<size_t>(group * width), static_cast<size_t>(width));
    const Tensor found = round_second_order(group_of(weights, group), group_of(moments, group),
                                            {.scales = own}, {.threads = options.threads});
    std::copy_n(found.data<int8_t>().begin(), rows * width,
                integers.data<int8_t>().begin() + group * rows * width);
  }
  return joined_groups(integers, filter.sizes());
}

}  // namespace

std::span<const std::string_view> enum_names(Rounding) {
  static constexpr std::array<std::string_view, 3> kNames = {"nearest", "gptq", "adaround"};
  return kNames;
}

RoundedFilters round_filters(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, const RoundFiltersOptions& options) {
  RoundedFilters rounded;
  if (options.rounding == Rounding::nearest) return rounded;
  require(options.rounding == Rounding::gptq || options.grid.by_channel(),
          "adaround rounds 8 bits with a scale a channel, not blocks or fewer bits");
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
