#include "brisk/ops/move/move.h"

#include "brisk/ops/move/unpack_integers.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Sizes = std::vector<int64_t>;
const std::vector<DType> kTypes = joined({kNumberTypes, {DType::boolean}});

OpCase one_operand(std::string op, std::string detail, Sizes sizes,
                   std::function<Value(Value)> apply) {
  return {
      .op = std::move(op),
      .name = detail.empty() ? shape_name(sizes) : fmt::format("{}_{}", shape_name(sizes), detail),
      .operands = {values(sizes)},
      .build = [apply](Builder&, std::span<const Value> in) { return std::vector{apply(in[0])}; },
      .types = kTypes};
}

void add_broadcasts(std::vector<OpCase>& cases) {
  struct Row {
    Sizes from, to, axes;
  };
  for (const auto& [from, to, axes] :
       {Row{{3}, {2, 3}, {1}}, Row{{3}, {3, 2}, {0}}, Row{{3, 1}, {3, 65}, {0, 1}},
        Row{{1, 65}, {3, 65}, {0, 1}}, Row{{}, {2, 3}, {}}, Row{{1}, {0}, {0}},
        Row{{2, 5}, {2, 3, 5}, {0, 2}}, Row{{0, 3}, {2, 0, 3}, {1, 2}},
        Row{{1025}, {2, 1025}, {1}}})
    cases.push_back(one_operand("broadcast",
                                fmt::format("to_{}_{}", shape_name(to), fmt::join(axes, "and")),
                                from, [=](Value x) { return broadcast(x, Shape(to), axes); }));
}

void add_reshapes(std::vector<OpCase>& cases) {
  struct Row {
    Sizes from, to;
  };
  for (const auto& [from, to] : {Row{{3, 65}, {13, 15}}, Row{{1}, {}}, Row{{}, {1, 1}},
                                 Row{{2, 3, 5}, {30}}, Row{{0, 3}, {7, 0}}, Row{{6}, {2, 1, 3}}})
    cases.push_back(one_operand("reshape", "to_" + shape_name(to), from,
                                [=](Value x) { return reshape(x, Shape(to)); }));
}

void add_transposes(std::vector<OpCase>& cases) {
  struct Row {
    Sizes sizes, permutation;
  };
  for (const auto& [sizes, permutation] :
       {Row{{3, 65}, {1, 0}}, Row{{2, 3, 5}, {2, 0, 1}}, Row{{2, 3, 4, 5}, {0, 3, 1, 2}},
        Row{{33, 17}, {1, 0}}, Row{{0, 3}, {1, 0}}, Row{{2, 3, 5}, {1, 0, 2}}})
    cases.push_back(one_operand("transpose", fmt::format("{}", fmt::join(permutation, "")), sizes,
                                [=](Value x) { return transpose(x, permutation); }));
}

void add_slices(std::vector<OpCase>& cases) {
  struct Row {
    Sizes sizes, starts, limits, steps;
  };
  for (const auto& [sizes, starts, limits, steps] :
       {Row{{3, 65}, {1, 2}, {3, 60}, {1, 1}}, Row{{3, 65}, {0, 1}, {3, 65}, {2, 7}},
        Row{{7, 5}, {6, 4}, {7, 5}, {1, 1}}, Row{{7}, {3}, {3}, {1}},
        Row{{0, 3}, {0, 1}, {0, 3}, {1, 1}}, Row{{2, 1025}, {0, 1}, {2, 1025}, {1, 1}}})
    cases.push_back(one_operand(
        "slice", fmt::format("{}_by_{}", fmt::join(starts, "and"), fmt::join(steps, "and")), sizes,
        [=](Value x) { return slice(x, starts, limits, steps); }));
}

void add_reverses(std::vector<OpCase>& cases) {
  struct Row {
    Sizes sizes, axes;
  };
  for (const auto& [sizes, axes] : {Row{{3, 65}, {1}}, Row{{3, 65}, {0}}, Row{{2, 3, 5}, {0, 2}},
                                    Row{{1}, {0}}, Row{{0, 3}, {0, 1}}})
    cases.push_back(one_operand("reverse", fmt::format("axes{}", fmt::join(axes, "and")), sizes,
                                [=](Value x) { return reverse(x, axes); }));
}

void add_pads(std::vector<OpCase>& cases) {
  struct Row {
    Sizes sizes, low, high, interior;
  };
  int number = 0;
  for (const auto& [sizes, low, high, interior] :
       {Row{{3, 5}, {1, 2}, {0, 3}, {0, 0}}, Row{{3, 5}, {0, 0}, {0, 0}, {2, 1}},
        Row{{3, 5}, {-1, 1}, {1, -2}, {0, 0}}, Row{{4, 5}, {-2, -1}, {-1, 2}, {2, 1}},
        Row{{7}, {-3}, {-3}, {0}}, Row{{0, 3}, {2, 1}, {1, 0}, {0, 0}},
        Row{{2, 1025}, {0, 1}, {1, 6}, {0, 0}}, Row{{}, {}, {}, {}}}) {
    cases.push_back({.op = "pad",
                     .name = fmt::format("{}_number{}", shape_name(sizes), ++number),
                     .operands = {values(sizes), values({})},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{pad(in[0], in[1], low, high, interior)};
                         },
                     .types = kTypes});
  }
}

void add_concatenations(std::vector<OpCase>& cases) {
  const auto add = [&](std::vector<Sizes> parts, int64_t axis) {
    std::vector<CaseOperand> operands;
    for (const Sizes& sizes : parts) operands.push_back(values(sizes));
    cases.push_back(
        {.op = "concatenate",
         .name = fmt::format("{}_of_{}_axis{}", parts.size(), shape_name(parts[0]), axis),
         .operands = operands,
         .build = [=](Builder&,
                      std::span<const Value> in) { return std::vector{concatenate(in, axis)}; },
         .types = kTypes});
  };
  add({{3, 5}, {3, 60}, {3, 1}}, 1);
  add({{3, 5}, {1, 5}}, 0);
  add({{2, 3, 5}, {2, 1, 5}, {2, 4, 5}}, 1);
  add({{0, 3}, {2, 3}, {0, 3}}, 0);
  add({{17}, {1}}, 0);
}

/// Starts lie outside the range too: they are clamped.
void add_dynamic(std::vector<OpCase>& cases) {
  const CaseOperand start = positions({}, 1).between(-2, 9);
  cases.push_back({.op = "dynamic_slice",
                   .name = "5x9",
                   .operands = {values({5, 9}), start, start},
                   .build =
                       [](Builder&, std::span<const Value> in) {
                         return std::vector{dynamic_slice(in[0], in.subspan(1), {2, 4})};
                       },
                   .types = kTypes});
  cases.push_back({.op = "dynamic_slice",
                   .name = "empty_window",
                   .operands = {values({5}), start},
                   .build =
                       [](Builder&, std::span<const Value> in) {
                         return std::vector{dynamic_slice(in[0], in.subspan(1), {0})};
                       },
                   .types = kTypes});
  cases.push_back({.op = "dynamic_update_slice",
                   .name = "5x9",
                   .operands = {values({5, 9}), values({2, 4}), start, start},
                   .build =
                       [](Builder&, std::span<const Value> in) {
                         return std::vector{dynamic_update_slice(in[0], in[1], in.subspan(2))};
                       },
                   .types = kTypes});
  cases.push_back({.op = "dynamic_update_slice",
                   .name = "whole",
                   .operands = {values({17}), values({17}), start},
                   .build =
                       [](Builder&, std::span<const Value> in) {
                         return std::vector{dynamic_update_slice(in[0], in[1], in.subspan(2))};
                       },
                   .types = kTypes});
}

void add_unpack(std::vector<OpCase>& cases) {
  for (const Sizes& sizes : {Sizes{3, 65}, Sizes{}, Sizes{0, 3}, Sizes{2, 4}})
    cases.push_back(
        {.op = "unpack_integers",
         .name = shape_name(sizes),
         .operands = {values(sizes).between(-8, 7)},
         .build = [](Builder&,
                     std::span<const Value> in) { return std::vector{unpack_integers(in[0])}; },
         .types = {DType::i4},
         .check_gradient = false});
}

}  // namespace

std::vector<OpCase> move_cases() {
  std::vector<OpCase> cases;
  for (const auto add : {add_broadcasts, add_reshapes, add_transposes, add_slices, add_reverses,
                         add_pads, add_concatenations, add_dynamic, add_unpack})
    add(cases);
  return cases;
}

}  // namespace brisk::testing
