// Positions lie out of range too: reads clamp them, writes drop them.

#include "brisk/ops/index/index.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Sizes = std::vector<int64_t>;

struct Row {
  Sizes sizes;
  int64_t axis;
  Sizes indices;
};

CaseOperand positions_beyond(const Row& row, DType type) {
  const auto bound = static_cast<double>(row.sizes[static_cast<size_t>(row.axis)]);
  return positions(row.indices, 1, type).between(-2, bound + 1);
}

std::string row_name(const Row& row) {
  return fmt::format("{}_axis{}_at_{}", shape_name(row.sizes), row.axis, shape_name(row.indices));
}

/// The sizes with `axis` replaced by the sizes of the indices.
Sizes gathered(const Row& row) {
  Sizes sizes(row.sizes.begin(), row.sizes.begin() + row.axis);
  sizes.insert(sizes.end(), row.indices.begin(), row.indices.end());
  sizes.insert(sizes.end(), row.sizes.begin() + row.axis + 1, row.sizes.end());
  return sizes;
}

void add_slicewise(std::vector<OpCase>& cases) {
  for (const Row& row :
       {Row{{5, 65}, 0, {7}}, Row{{3, 9}, 1, {2, 4}}, Row{{5, 3}, 0, {}}, Row{{2, 5, 3}, 1, {3}},
        Row{{5, 0}, 0, {3}}, Row{{5, 3}, 0, {0}}, Row{{11}, 0, {33}}}) {
    for (const DType type : {DType::i32, DType::i64}) {
      const std::string name = fmt::format("{}_{}", row_name(row), brisk::name(type));
      cases.push_back({.op = "gather",
                       .name = name,
                       .operands = {values(row.sizes), positions_beyond(row, type)},
                       .build =
                           [=](Builder&, std::span<const Value> in) {
                             return std::vector{gather(in[0], in[1], row.axis)};
                           },
                       .types = kNumberTypes});
      cases.push_back(
          {.op = "scatter_add",
           .name = name,
           .operands = {values(row.sizes), positions_beyond(row, type), values(gathered(row))},
           .build =
               [=](Builder&, std::span<const Value> in) {
                 return std::vector{scatter_add(in[0], in[1], in[2], row.axis)};
               },
           .types = kNumberTypes,
           .roundings = 4});  // short floats: a sum of several updates, rounded after each or once
    }
  }
}

void add_elementwise(std::vector<OpCase>& cases) {
  for (const Row& row : {Row{{3, 65}, 1, {3, 4}}, Row{{5, 7}, 0, {9, 7}},
                         Row{{2, 5, 3}, 1, {2, 4, 3}}, Row{{5, 3}, 0, {0, 3}}, Row{{17}, 0, {3}}}) {
    cases.push_back({.op = "take_along_axis",
                     .name = row_name(row),
                     .operands = {values(row.sizes), positions_beyond(row, DType::i32)},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{take_along_axis(in[0], in[1], row.axis)};
                         },
                     .types = kNumberTypes});
    cases.push_back(
        {.op = "put_along_axis_add",
         .name = row_name(row),
         .operands = {values(row.sizes), positions_beyond(row, DType::i64), values(row.indices)},
         .build =
             [=](Builder&, std::span<const Value> in) {
               return std::vector{put_along_axis_add(in[0], in[1], in[2], row.axis)};
             },
         .types = kNumberTypes,
         .roundings = 4});
  }
}

void add_one_hots(std::vector<OpCase>& cases) {
  for (const DType type : {DType::f32, DType::bf16, DType::i32})
    for (const Sizes& sizes : {Sizes{}, Sizes{17}, Sizes{3, 5}, Sizes{0}})
      cases.push_back({.op = "one_hot",
                       .name = fmt::format("{}_{}", shape_name(sizes), name(type)),
                       .operands = {positions(sizes, 1).between(-2, 11)},
                       .build =
                           [=](Builder&, std::span<const Value> in) {
                             return std::vector{one_hot(in[0], sizes.size() == 2 ? 7 : 10, type)};
                           },
                       .types = {type}});
}

}  // namespace

std::vector<OpCase> index_cases() {
  std::vector<OpCase> cases;
  add_slicewise(cases);
  add_elementwise(cases);
  add_one_hots(cases);
  return cases;
}

}  // namespace brisk::testing
