#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/filter_order.h"
#include "brisk/ops/fused/pointwise_pair.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Values = std::span<const Value>;

/// Vectors beside an image in a short type are f32.
Value vector_beside(Value image, Value vector) {
  return cast(vector, compute_type(image.dtype()));
}

/// The sums over `result` with `factor` and alone, in f32.
std::vector<Value> sums_with(Value result, Value factor) {
  const Value wide = cast(result, DType::f32);
  return {channel_sum(wide * cast(factor, DType::f32)), channel_sum(wide)};
}

std::vector<Value> three(const ScaleShiftGradient& at) {
  return {at.dz, at.sum_x, at.sum};
}

/// 8 channels and filters, 1x1 and 3x3: what engines of the fused form want; and odd ones.
struct Row {
  std::vector<int64_t> input, filter;
  int64_t stride, pad, dilation = 1, groups = 1;
  int64_t pad_more = 0;  ///< behind
};
const std::vector<Row>& rows() {
  static const std::vector<Row> list = {{{2, 6, 6, 8}, {1, 1, 8, 16}, 1, 0},
                                        {{2, 6, 6, 8}, {3, 3, 8, 8}, 2, 1},
                                        {{2, 5, 7, 3}, {3, 3, 3, 5}, 1, 0},
                                        {{1, 6, 7, 4}, {2, 2, 2, 6}, 1, 1, 2, 2}};
  return list;
}
ConvolutionAttributes geometry(const Row& row) {
  return {{row.stride, row.stride},
          {row.pad, row.pad},
          {row.pad + row.pad_more, row.pad + row.pad_more},
          {row.dilation, row.dilation},
          row.groups};
}
std::string row_name(const Row& row) {
  return fmt::format("{}_by_{}", shape_name(row.input), shape_name(row.filter));
}
std::vector<int64_t> result_sizes(const Row& row) {
  const auto extent = [&](int64_t in, int64_t kernel) {
    return (in + 2 * row.pad + row.pad_more - (kernel - 1) * row.dilation - 1) / row.stride + 1;
  };
  return {row.input[0], extent(row.input[1], row.filter[0]), extent(row.input[2], row.filter[1]),
          row.filter[3]};
}

/// The skip at every `step`-th place of both spatial axes; with a factor, products are summed, too.
void add_join(std::vector<OpCase>& cases, const Row& row, int64_t step = 1, bool factor = false) {
  std::vector<int64_t> skip = row.input;
  skip[1] /= step;
  skip[2] /= step;
  std::vector<CaseOperand> operands = {values(result_sizes(row)), values(row.filter), values(skip),
                                       values(row.input)};
  if (factor) operands.push_back(values(row.input));
  cases.push_back({.op = "input_gradient_join",
                   .name = row_name(row) + (step > 1 ? fmt::format("_skip_{}", step) : "") +
                           (factor ? "_factor" : ""),
                   .operands = std::move(operands),
                   .build =
                       [=](Builder&, Values in) {
                         Shape shape;
                         for (const int64_t size : row.input) shape.push_back(size);
                         const GradientJoin joined =
                             input_gradient_join(in[0], in[1], in[2], in[3], {geometry(row), shape},
                                                 factor ? std::optional(in[4]) : std::nullopt);
                         std::vector<Value> results = {joined.dz, joined.sum};
                         if (factor) results.push_back(joined.sum_factor);
                         return results;
                       },
                   .types = kFloatTypes,
                   .roundings = 4});
}

void add_moments_gradient(std::vector<OpCase>& cases, const Row& row) {
  const std::vector<int64_t> channels = {row.input.back()};
  cases.push_back({.op = "moments_gradient_scale_shift",
                   .name = row_name(row),
                   .operands = {values(result_sizes(row)), values(row.filter), values(row.input),
                                values({row.input.back(), row.input.back()}), values(channels),
                                values(row.input), values(channels), values(channels)},
                   .build =
                       [=](Builder&, Values in) {
                         Shape shape;
                         for (const int64_t size : row.input) shape.push_back(size);
                         const MomentsGradient moments{in[2], in[3], vector_beside(in[2], in[4])};
                         return three(moments_gradient_scale_shift(
                             in[0], in[1], moments, in[5], vector_beside(in[5], in[6]),
                             vector_beside(in[5], in[7]), {geometry(row), shape}));
                       },
                   .types = kFloatTypes,
                   .roundings = 5});
}

using Build = std::function<std::vector<Value>(Values)>;

Build build_statistics(const Row& row) {
  return [=](Values in) {
    const auto [y, sum, square_sum] = convolution_statistics(in[0], in[1], geometry(row));
    return std::vector{y, sum, square_sum};
  };
}

Build build_input_gradient(const Row& row) {
  return [=](Values in) {
    Shape shape;
    for (const int64_t size : row.input) shape.push_back(size);
    return three(input_gradient_scale_shift(in[0], in[1], in[2], vector_beside(in[2], in[3]),
                                            vector_beside(in[2], in[4]), {geometry(row), shape}));
  };
}

/// The same of a filter that is put in order.
Build with_ordered_filter(const Build& build) {
  return [=](Values in) {
    Builder alone(in[0].builder->ops(), "alone");
    std::vector<Value> operands;
    for (size_t i = 0; i < in.size(); ++i) {
      const Value operand = alone.input(fmt::format("operand{}", i), in[i].type());
      operands.push_back(i > 2 ? vector_beside(in[2], operand) : operand);
    }
    const Node node = alone.node(build(operands)[0].id.node);
    std::vector<Value> changed = {in[0], ordered_filters(in.subspan(1, 1), in[1].dtype())[0]};
    for (size_t i = 2; i < in.size(); ++i)
      changed.push_back(i > 2 ? vector_beside(in[2], in[i]) : in[i]);
    return ordered_convolution(node, changed);
  };
}

void add_statistics(std::vector<OpCase>& cases, const Row& row, bool ordered = false,
                    bool small = true) {
  const Build build = build_statistics(row);
  cases.push_back({.op = ordered ? "ordered_convolution" : "convolution_statistics",
                   .name = row_name(row) + (ordered ? "_statistics" : ""),
                   .operands = {values(row.input), values(row.filter)},
                   .build = [build = ordered ? with_ordered_filter(build) : build](
                                Builder&, Values in) { return build(in); },
                   .types = kFloatTypes,
                   .roundings = 4,
                   .check_gradient = small,
                   .sums_of_result =
                       [](Builder&, Values all) {
                         const std::vector<Value> sums = sums_with(all[2], all[2]);
                         return std::vector{sums[1], sums[0]};
                       }});
}

void add_input_gradient(std::vector<OpCase>& cases, const Row& row, bool ordered = false,
                        bool small = true) {
  const std::vector<int64_t> channels = {row.input.back()};
  const Build build = build_input_gradient(row);
  cases.push_back(
      {.op = ordered ? "ordered_convolution" : "input_gradient_scale_shift",
       .name = fmt::format("{}{}{}", row_name(row),
                           row.stride > 1 && !small ? fmt::format("_pad_{}", row.pad) : "",
                           ordered ? "_gradient" : ""),
       .operands = {values(result_sizes(row)), values(row.filter), values(row.input),
                    values(channels), values(channels)},
       .build = [build = ordered ? with_ordered_filter(build) : build](
                    Builder&, Values in) { return build(in); },
       .types = kFloatTypes,
       .roundings = 4,
       .check_gradient = small,
       .sums_of_result = [](Builder&, Values all) { return sums_with(all[5], all[2]); }});
}

/// What CUDA's kernel of 3x3 convolutions takes: widths that are no multiples, several tiles, 64
/// channels and more; and gradients behind strides, padded evenly and not.
void add_halo_convolutions(std::vector<OpCase>& cases) {
  for (const bool ordered : {false, true}) {
    for (const Row& row : {Row{{2, 14, 13, 64}, {3, 3, 64, 64}, 1, 1},
                           Row{{1, 14, 13, 128}, {3, 3, 128, 128}, 1, 1}}) {
      add_statistics(cases, row, ordered, false);
      add_input_gradient(cases, row, ordered, false);
    }
    for (const Row& row : {Row{{1, 28, 26, 128}, {3, 3, 128, 64}, 2, 1},
                           Row{{1, 28, 26, 128}, {3, 3, 128, 64}, 2, 0, 1, 1, 1}})
      add_input_gradient(cases, row, ordered, false);
  }
}

void add_convolutions(std::vector<OpCase>& cases) {
  for (const Row& row : rows()) {
    add_statistics(cases, row);
    add_input_gradient(cases, row);
    add_join(cases, row);
    add_join(cases, row, 1, true);
    add_moments_gradient(cases, row);
  }
  add_halo_convolutions(cases);
  // What CUDA's own kernel takes: depths and channels of whole tiles, rows that end within one.
  // The last two are Hopper's wide tiles, with the columns' depth in shared memory and without.
  for (const Row& row :
       {Row{{1, 5, 7, 64}, {1, 1, 64, 192}, 1, 0}, Row{{3, 9, 11, 128}, {1, 1, 128, 64}, 1, 0},
        Row{{1, 9, 11, 256}, {1, 1, 256, 64}, 1, 0},
        Row{{1, 5, 28, 256}, {1, 1, 256, 512}, 1, 0}}) {
    add_join(cases, row);
    add_join(cases, row, 1, true);
    add_moments_gradient(cases, row);
    add_statistics(cases, row, false, false);
    add_input_gradient(cases, row, false, false);
  }
  // Of every second and third place: rows that end within a tile, within a line, within an image.
  for (const Row& row :
       {Row{{3, 11, 14, 64}, {1, 1, 64, 256}, 2, 0}, Row{{2, 22, 28, 128}, {1, 1, 128, 512}, 2, 0},
        Row{{2, 16, 13, 64}, {1, 1, 64, 64}, 3, 0}})
    for (const bool ordered : {false, true}) add_statistics(cases, row, ordered, false);
  // First layers, which CUDA has a kernel of its own for: a row that ends within a tile, two tiles
  // beside each other.
  add_statistics(cases, {{2, 9, 24, 3}, {7, 7, 3, 64}, 2, 3});
  add_statistics(cases, {{1, 3, 240, 4}, {3, 3, 4, 64}, 2, 1});
  add_join(cases, {{2, 6, 6, 8}, {1, 1, 8, 16}, 1, 0}, 2);
  add_join(cases, {{3, 6, 14, 64}, {1, 1, 64, 64}, 1, 0}, 2);
  add_join(cases, {{3, 6, 14, 64}, {1, 1, 64, 64}, 1, 0}, 2, true);
}

void add_scale_shifts(std::vector<OpCase>& cases) {
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{2, 3, 5, 8}, {7, 33}}) {
    const std::vector<int64_t> channels = {sizes.back()};
    for (const bool residual : {false, true})
      for (const Activation activation : {Activation::none, Activation::relu}) {
        std::vector<CaseOperand> operands = {values(sizes), values(channels), values(channels)};
        if (residual) operands.push_back(values(sizes));
        cases.push_back(
            {.op = "scale_shift",
             .name = fmt::format("{}{}{}", shape_name(sizes), residual ? "_residual" : "",
                                 activation == Activation::relu ? "_relu" : ""),
             .operands = std::move(operands),
             .build =
                 [=](Builder&, Values in) {
                   const Value scale = vector_beside(in[0], in[1]);
                   const Value shift = vector_beside(in[0], in[2]);
                   return std::vector{
                       residual ? scale_shift_residual(in[0], scale, shift, in[3], activation)
                                : scale_shift(in[0], scale, shift, activation)};
                 },
             .types = kFloatTypes,
             .roundings = 3});
      }
    cases.push_back({.op = "channel_shift",
                     .name = shape_name(sizes),
                     .operands = {values(sizes), values(channels)},
                     .build =
                         [](Builder&, Values in) {
                           return std::vector{channel_shift(in[0], vector_beside(in[0], in[1]))};
                         },
                     .types = kFloatTypes,
                     .roundings = 2});
    cases.push_back({.op = "scale_shift_relu_gradient",
                     .name = shape_name(sizes),
                     .operands = {values(sizes), values(sizes), values(channels), values(channels)},
                     .build =
                         [](Builder&, Values in) {
                           return three(scale_shift_relu_gradient(in[0], in[1],
                                                                  vector_beside(in[0], in[2]),
                                                                  vector_beside(in[0], in[3])));
                         },
                     .types = kFloatTypes,
                     .roundings = 4});
    cases.push_back(
        {.op = "scale_shift_result_gradient",
         .name = shape_name(sizes),
         .operands = {values(sizes), values(sizes), values(sizes)},
         .build = [](Builder&,
                     Values in) { return three(scale_shift_result_gradient(in[0], in[1], in[2])); },
         .types = kFloatTypes,
         .roundings = 4});
  }
}

std::string pool_name(const std::vector<int64_t>& sizes, const WindowAttributes& window) {
  return fmt::format("{}_window_{}", shape_name(sizes), shape_name(window.window));
}

/// Of the sizes that pooling gives.
std::vector<int64_t> pooled_sizes(std::vector<int64_t> sizes, const WindowAttributes& window) {
  for (size_t i = 0; i < window.window.size(); ++i)
    sizes[i + 1] = (sizes[i + 1] + window.pad_low[i] + window.pad_high[i] - window.window[i]) /
                       window.strides[i] +
                   1;
  return sizes;
}

/// Whole numbers tie, and there are zeros among them.
CaseOperand perhaps_whole(const std::vector<int64_t>& sizes, bool whole) {
  return whole ? values(sizes).between(-1, 1).whole_numbers() : values(sizes);
}

/// Positions may name places in the padding.
void add_pool_gradient(std::vector<OpCase>& cases, const std::vector<int64_t>& sizes,
                       const WindowAttributes& window, bool whole = false) {
  const std::vector<int64_t> pooled = pooled_sizes(sizes, window), channels = {sizes.back()};
  int64_t places = 1;
  for (const int64_t size : window.window) places *= size;
  cases.push_back({.op = "scale_shift_max_pool_gradient",
                   .name = pool_name(sizes, window) + (whole ? "_whole" : ""),
                   .operands = {values(pooled), positions(pooled, places, DType::u8),
                                perhaps_whole(sizes, whole), perhaps_whole(channels, whole),
                                perhaps_whole(channels, whole), values(channels), values(channels)},
                   .build =
                       [=](Builder&, Values in) {
                         const auto vector = [&](size_t i) { return vector_beside(in[2], in[i]); };
                         return std::vector{scale_shift_max_pool_gradient(
                             in[0], in[1], in[2], vector(3), vector(4), {vector(5), vector(6)},
                             {window, in[2].shape()})};
                       },
                   .types = kFloatTypes,
                   .roundings = 5,
                   .check_gradient = !whole});
}

void add_scale_shift_pool(std::vector<OpCase>& cases, const std::vector<int64_t>& sizes,
                          const WindowAttributes& window, bool sources, bool whole = false) {
  const std::vector<int64_t> channels = {sizes.back()};
  cases.push_back(
      {.op = "scale_shift_max_pool",
       .name = pool_name(sizes, window) + (sources ? "_sources" : "") + (whole ? "_whole" : ""),
       .operands = {perhaps_whole(sizes, whole), perhaps_whole(channels, whole),
                    perhaps_whole(channels, whole)},
       .build =
           [=](Builder&, Values in) {
             const ScaleShiftMaxPool pool =
                 scale_shift_max_pool(in[0], vector_beside(in[0], in[1]),
                                      vector_beside(in[0], in[2]), {window, sources});
             std::vector<Value> results = {pool.values, pool.positions};
             if (sources) results.push_back(pool.sources);
             return results;
           },
       .types = kFloatTypes,
       .roundings = 3,
       .check_gradient = !whole});
}

void add_pools(std::vector<OpCase>& cases) {
  using Row = std::pair<std::vector<int64_t>, WindowAttributes>;
  const WindowAttributes resnet{{3, 3}, {2, 2}, {1, 1}, {1, 1}};
  const WindowAttributes oblong{{2, 3}, {1, 2}, {0, 1}, {1, 0}};
  const std::vector<Row> rows = {
      {{2, 7, 8, 8}, resnet}, {{1, 5, 6, 3}, resnet}, {{1, 5, 6, 3}, oblong}};
  for (const auto& [sizes, window] : rows) {
    for (const bool sources : {false, true}) add_scale_shift_pool(cases, sizes, window, sources);
    add_scale_shift_pool(cases, sizes, window, true, true);
    add_pool_gradient(cases, sizes, window, true);
  }
  // Padding wider than the window, crops, windows that leave places out or cover them nine times.
  const std::vector<Row> further = {
      {{2, 9, 16}, {{3}, {2}, {1}, {0}}},
      {{1, 6, 5, 2}, {{2, 2}, {3, 3}, {0, 0}, {1, 1}}},
      {{1, 4, 5, 4}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}}},
      {{1, 7, 6, 5}, {{5, 4}, {1, 1}, {2, 0}, {2, 3}}},
      {{1, 6, 6, 8}, {{2, 2}, {2, 2}, {-1, 3}, {1, 1}}},
      {{1, 3, 5, 4, 2}, {{2, 3, 2}, {1, 2, 2}, {0, 1, 0}, {1, 1, 0}}}};
  for (const auto& list : {rows, further})
    for (const auto& [sizes, window] : list) add_pool_gradient(cases, sizes, window);
}

void add_gram_matrices(std::vector<OpCase>& cases) {
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{2, 3, 5, 8}, {65, 3}, {1, 7}})
    cases.push_back({.op = "gram_matrix",
                     .name = shape_name(sizes),
                     .operands = {values(sizes)},
                     .build = [](Builder&, Values in) { return std::vector{gram_matrix(in[0])}; },
                     .types = kFloatTypes,
                     .roundings = 3});
}

void add_pointwise_joins(std::vector<OpCase>& cases) {
  struct Sizes {
    std::vector<int64_t> x;
    int64_t filters;
  };
  // Rows that end within a tile, whole tiles, odd depths.
  for (const auto& [x, filters] : {Sizes{{2, 3, 5, 8}, 16}, Sizes{{7, 33}, 5},
                                   Sizes{{1, 5, 7, 64}, 192}, Sizes{{3, 9, 11, 128}, 64}})
    for (const Activation activation : {Activation::none, Activation::relu}) {
      std::vector<int64_t> skip = x;
      skip.back() = filters;
      cases.push_back(
          {.op = "pointwise_join",
           .name = fmt::format("{}_to_{}{}", shape_name(x), filters,
                               activation == Activation::relu ? "_relu" : ""),
           .operands = {values(x), values({filters, x.back()}), values({filters}), values(skip),
                        values({filters}), values({filters})},
           .build =
               [=](Builder&, Values in) {
                 const auto vector = [&](size_t i) { return vector_beside(in[0], in[i]); };
                 return std::vector{pointwise_join(in[0], in[1], vector(2),
                                                   {in[3], vector(4), vector(5)}, activation)};
               },
           .types = kFloatTypes,
           .roundings = 4});
    }
}

void add_pointwise_pairs(std::vector<OpCase>& cases) {
  struct Sizes {
    std::vector<int64_t> x, other;
    int64_t filters;
    std::vector<int64_t> strides;
  };
  // Odd depths; a second image that is read at some places; and as many tiles, of rows that end
  // within one, as a device has processors.
  for (const auto& [x, other, filters, strides] :
       {Sizes{{2, 3, 5, 8}, {2, 3, 5, 4}, 16, {}}, Sizes{{7, 33}, {7, 33}, 5, {}},
        Sizes{{2, 3, 5, 8}, {2, 5, 15, 4}, 16, {2, 3}},
        Sizes{{3, 7, 11, 64}, {3, 7, 11, 64}, 2112, {}},
        Sizes{{3, 7, 11, 64}, {3, 14, 21, 64}, 2112, {2, 2}}})
    for (const Activation activation : {Activation::none, Activation::relu})
      cases.push_back({.op = "pointwise_pair",
                       .name = fmt::format("{}_and_{}_to_{}{}", shape_name(x), shape_name(other),
                                           filters, activation == Activation::relu ? "_relu" : ""),
                       .operands = {values(x), values({filters, x.back()}), values(other),
                                    values({filters, other.back()}), values({filters})},
                       .build =
                           [=, strides = strides](Builder&, Values in) {
                             return std::vector{pointwise_pair({in[0], in[1]}, {in[2], in[3]},
                                                               vector_beside(in[0], in[4]),
                                                               {activation, strides})};
                           },
                       .types = kFloatTypes,
                       .roundings = 4,
                       .check_gradient = filters < 2112});
}

}  // namespace

std::vector<OpCase> batch_norm_fusion_cases() {
  std::vector<OpCase> cases;
  add_pointwise_pairs(cases);
  add_pointwise_joins(cases);
  add_convolutions(cases);
  add_scale_shifts(cases);
  add_pools(cases);
  add_gram_matrices(cases);
  return cases;
}

}  // namespace brisk::testing
