#include "brisk/ops/window/window.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Sizes = std::vector<int64_t>;

struct Geometry {
  std::string name;
  Sizes input;
  WindowAttributes attributes;  ///< window, strides, pad_low, pad_high
};

std::vector<Geometry> geometries() {
  return {
      {"2x2", {2, 6, 8, 3}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
      {"3x3_overlapping", {2, 7, 7, 17}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}}},
      {"uneven", {1, 9, 5, 4}, {{3, 2}, {1, 2}, {0, 1}, {2, 0}}},
      {"leftover", {1, 7, 7, 2}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
      {"one_axis", {2, 33, 3}, {{4}, {3}, {1}, {2}}},
      {"three_axes", {1, 4, 5, 6, 2}, {{2, 3, 2}, {2, 1, 2}, {0, 1, 0}, {0, 1, 1}}},
      {"whole", {2, 5, 5, 65}, {{5, 5}, {1, 1}, {0, 0}, {0, 0}}},
      {"no_batch", {0, 6, 6, 3}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
  };
}

Sizes pooled_sizes(const Geometry& g) {
  const WindowAttributes& a = g.attributes;
  Sizes sizes = {g.input.front()};
  for (size_t axis = 0; axis < a.window.size(); ++axis)
    sizes.push_back((g.input[axis + 1] + a.pad_low[axis] + a.pad_high[axis] - a.window[axis]) /
                        a.strides[axis] +
                    1);
  sizes.push_back(g.input.back());
  return sizes;
}

void add_max_pools(const Geometry& g, std::vector<OpCase>& cases) {
  const auto places = static_cast<int64_t>(checked_product(g.attributes.window));
  const CaseOperand chosen = positions(pooled_sizes(g), places, DType::u8);
  const auto add = [&](std::string op, std::vector<CaseOperand> operands, std::vector<DType> types,
                       CaseBuild build) {
    cases.push_back({.op = std::move(op),
                     .name = g.name,
                     .operands = std::move(operands),
                     .build = std::move(build),
                     .types = std::move(types)});
  };
  // Whole numbers among the types tie, so that "first" is tested.
  add("max_pool", {values(g.input).between(-9, 9)},
      joined({kFloatTypes, {DType::i32, DType::i8, DType::u8}}),
      [=](Builder&, std::span<const Value> in) {
        const MaxPool pool = max_pool(in[0], g.attributes);
        return std::vector{pool.values, pool.positions};
      });
  add("max_pool_gradient", {values(pooled_sizes(g)), chosen}, kFloatTypes,
      [=](Builder&, std::span<const Value> in) {
        return std::vector{max_pool_gradient(in[0], in[1], Shape(g.input), g.attributes)};
      });
  add("max_pool_select", {values(g.input), chosen}, kFloatTypes,
      [=](Builder&, std::span<const Value> in) {
        return std::vector{max_pool_select(in[0], in[1], g.attributes)};
      });
}

void add_average_pools(const Geometry& g, std::vector<OpCase>& cases) {
  for (const bool count_padding : {false, true}) {
    const AveragePoolAttributes attributes{g.attributes, count_padding};
    const std::string name = g.name + (count_padding ? "_counting_padding" : "");
    cases.push_back({.op = "average_pool",
                     .name = name,
                     .operands = {values(g.input)},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{average_pool(in[0], attributes)};
                         },
                     .types = kFloatTypes});
    cases.push_back({.op = "average_pool_gradient",
                     .name = name,
                     .operands = {values(pooled_sizes(g))},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{
                               average_pool_gradient(in[0], Shape(g.input), attributes)};
                         },
                     .types = kFloatTypes});
  }
}

}  // namespace

/// Ties, infinities and NaN in vectors of channels, windows over the edges.
void add_limits(std::vector<OpCase>& cases) {
  const WindowAttributes window{{3, 3}, {2, 2}, {1, 1}, {1, 1}};
  cases.push_back({.op = "max_pool",
                   .name = "limits",
                   .operands = {values({2, 9, 7, 16}).between(-1, 1).whole_numbers().with_limits()},
                   .build =
                       [=](Builder&, std::span<const Value> in) {
                         const MaxPool pool = max_pool(in[0], window);
                         return std::vector{pool.values, pool.positions};
                       },
                   .types = kFloatTypes,
                   .check_gradient = false});
}

std::vector<OpCase> window_cases() {
  std::vector<OpCase> cases;
  add_limits(cases);
  for (const Geometry& g : geometries()) {
    add_max_pools(g, cases);
    add_average_pools(g, cases);
  }
  return cases;
}

}  // namespace brisk::testing
