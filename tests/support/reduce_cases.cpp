#include "brisk/ops/reduce/reduce.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Reduction = Value (*)(Value, std::vector<int64_t>, bool);

/// A shape, the axes that are folded, and whether they stay.
struct Fold {
  std::vector<int64_t> sizes, axes;
  bool keep_dims = false;
};

const std::vector<Fold> kFolds = {
    {{3, 65}, {1}},   {{3, 65}, {0}},         {{3, 65}, {}},       {{3, 65}, {1}, true},
    {{2, 1025}, {1}}, {{1025, 2}, {0}},       {{2, 3, 5}, {0, 2}}, {{2, 3, 5}, {0, 2}, true},
    {{2, 3, 5}, {1}}, {{7, 1, 9, 4}, {1, 2}}, {{17}, {0}},         {{}, {}},
    {{0, 3}, {0}},    {{0, 3}, {1}},          {{3, 0}, {1}, true}, {{2, 3, 4, 5}, {0, 1, 2}},
};

std::string fold_name(const Fold& fold) {
  return fmt::format("{}_over{}{}", shape_name(fold.sizes), fmt::join(fold.axes, "and"),
                     fold.keep_dims ? "_kept" : "");
}

void add_folds(std::string op, Reduction reduce, const std::vector<DType>& types,
               const CaseOperand& range, std::vector<OpCase>& cases) {
  for (const Fold& fold : kFolds) {
    CaseOperand operand = range;
    operand.sizes = fold.sizes;
    cases.push_back(
        {.op = op,
         .name = fold_name(fold),
         .operands = {operand},
         .build =
             [=](Builder&, std::span<const Value> in) {
               return std::vector{reduce(in[0], fold.axes, fold.keep_dims)};
             },
         // All types once, the two that matter most on every shape.
         .types = fold.sizes == std::vector<int64_t>{2, 3, 5}
                      ? types
                      : std::vector(types.begin(),
                                    types.begin() + std::min<int64_t>(2, std::ssize(types)))});
  }
}

void add_along_axis(std::string op, Value (*apply)(Value, int64_t), std::vector<OpCase>& cases) {
  struct Along {
    std::vector<int64_t> sizes;
    int64_t axis;
  };
  for (const auto& [sizes, axis] :
       {Along{{3, 65}, 1}, Along{{3, 65}, 0}, Along{{2, 1025}, -1}, Along{{2, 3, 5}, 1},
        Along{{17}, 0}, Along{{0, 3}, 1}, Along{{4, 1}, 1}})
    cases.push_back(
        {.op = op,
         .name = fmt::format("{}_axis{}", shape_name(sizes), axis < 0 ? 9 : axis),
         .operands = {values(sizes).between(-9, 9)},
         .build = [=](Builder&,
                      std::span<const Value> in) { return std::vector{apply(in[0], axis)}; },
         .types = kNumberTypes});
}

}  // namespace

std::vector<OpCase> reduce_cases() {
  std::vector<OpCase> cases;
  add_folds("reduce_sum", reduce_sum, kNumberTypes, values({}), cases);
  add_folds("reduce_max", reduce_max, kNumberTypes, values({}).between(-9, 9), cases);
  add_folds("reduce_min", reduce_min, kNumberTypes, values({}).between(-9, 9), cases);
  add_folds("reduce_prod", reduce_prod, kNumberTypes, values({}).between(0.9, 1.1), cases);
  add_folds("reduce_mean", reduce_mean, kFloatTypes, values({}), cases);
  add_folds("reduce_any", reduce_any, {DType::boolean}, flags({}), cases);
  add_folds("reduce_all", reduce_all, {DType::boolean}, flags({}), cases);
  add_along_axis("argmax", argmax, cases);
  add_along_axis("argmin", argmin, cases);
  add_along_axis("cumulative_sum", cumulative_sum, cases);
  return cases;
}

}  // namespace brisk::testing
