// Elementwise ops: a row an op. Every row is crossed with shapes; one shape takes all element
// types, one mixes in the values where formulas break, the others look for vector tails.

#include "brisk/ops/elementwise/elementwise.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

const std::vector<DType> kSigned = joined({kFloatTypes, kSignedIntegers});
const std::vector<DType> kIntegers = joined({kSignedIntegers, kUnsignedIntegers});
const std::vector<DType> kBoolean = {DType::boolean};
const std::vector<DType> kAny = joined({kNumberTypes, kBoolean});

using Sizes = std::vector<int64_t>;

/// A function of Values and the ranges its operands are drawn from (sizes are filled in).
struct Row {
  std::string op;
  std::function<Value(std::span<const Value>)> apply;
  std::vector<DType> types;
  std::vector<CaseOperand> operands;
  int roundings = 1;
  bool check_gradient = true;
  bool limits = true;  ///< also drawn with zeros, infinities and the types' ends
};

Row unary(std::string op, Value (*apply)(Value), std::vector<DType> types, CaseOperand operand) {
  return {std::move(op),
          [apply](std::span<const Value> in) { return apply(in[0]); },
          std::move(types),
          {std::move(operand)}};
}

Row binary(std::string op, Value (*apply)(Value, Value), std::vector<DType> types, CaseOperand a,
           CaseOperand b) {
  return {std::move(op),
          [apply](std::span<const Value> in) { return apply(in[0], in[1]); },
          std::move(types),
          {std::move(a), std::move(b)}};
}

CaseOperand in(double low, double high) {
  return values({}).between(low, high);
}

std::vector<Row> arithmetic_rows() {
  return {
      unary("negate", negate, kSigned, in(-2, 2)),
      unary("abs", abs, kSigned, in(-2, 2).away_from({0})),
      unary("sign", sign, kSigned, in(-2, 2)),
      unary("square", square, kNumberTypes, in(-2, 2)),
      unary("reciprocal", reciprocal, kFloatTypes, in(0.3, 3)),
      binary("add", add, kNumberTypes, in(-2, 2), in(-2, 2)),
      binary("subtract", subtract, kNumberTypes, in(-2, 2), in(-2, 2)),
      binary("multiply", multiply, kNumberTypes, in(-9, 9), in(-9, 9)),
      binary("divide", divide, kNumberTypes, in(-20, 20), in(0.3, 5)),
      // The quotient stays inside (2, 3): the remainder jumps at whole quotients.
      binary("remainder", remainder, kNumberTypes, in(2.2, 2.8), in(1, 1.05)),
      binary("pow", pow, kNumberTypes, in(0.2, 2), in(-2, 4)),
      binary("atan2", atan2, kFloatTypes, in(0.3, 2), in(-2, 2)),
      binary("maximum", maximum, kNumberTypes, in(-2, 2), in(-2, 2)),
      binary("minimum", minimum, kNumberTypes, in(-2, 2), in(-2, 2)),
      // Kernels may round the product or not.
      {"fused_multiply_add",
       [](std::span<const Value> x) { return fused_multiply_add(x[0], x[1], x[2]); },
       kFloatTypes,
       {in(-2, 2), in(-2, 2), in(-2, 2)},
       3,
       true,
       false},
  };
}

std::vector<Row> math_rows() {
  return {
      unary("exp", exp, kFloatTypes, in(-4, 4)),
      unary("expm1", expm1, kFloatTypes, in(-2, 2)),
      unary("log", log, kFloatTypes, in(0.1, 4)),
      unary("log1p", log1p, kFloatTypes, in(-0.8, 3)),
      unary("sqrt", sqrt, kFloatTypes, in(0.1, 4)),
      unary("rsqrt", rsqrt, kFloatTypes, in(0.1, 4)),
      unary("sin", sin, kFloatTypes, in(-7, 7)),
      unary("cos", cos, kFloatTypes, in(-7, 7)),
      unary("tan", tan, kFloatTypes, in(-1.2, 1.2)),
      unary("tanh", tanh, kFloatTypes, in(-3, 3)),
      unary("erf", erf, kFloatTypes, in(-3, 3)),
      unary("sigmoid", sigmoid, kFloatTypes, in(-9, 9)),
      unary("floor", floor, kFloatTypes, in(-9, 9)),
      unary("ceil", ceil, kFloatTypes, in(-9, 9)),
      unary("round", round, kFloatTypes, in(-9, 9)),
      unary("is_finite", is_finite, kFloatTypes, in(-9, 9)),
  };
}

std::vector<Row> activation_rows() {
  const auto with = [](std::string op, auto apply, CaseOperand operand) {
    return Row{std::move(op),
               [apply](std::span<const Value> x) { return apply(x[0]); },
               kFloatTypes,
               {std::move(operand)}};
  };
  std::vector<Row> rows = {
      unary("relu", relu, kFloatTypes, in(-2, 2).away_from({0})),
      unary("relu6", relu6, kFloatTypes, in(-3, 9).away_from({0, 6})),
      with(
          "leaky_relu", [](Value x) { return leaky_relu(x, 0.3); }, in(-2, 2).away_from({0})),
      with(
          "leaky_relu", [](Value x) { return leaky_relu(x, -0.1); }, in(-2, 2).away_from({0})),
      with(
          "elu", [](Value x) { return elu(x, 1.5); }, in(-3, 3).away_from({0})),
      with(
          "elu", [](Value x) { return elu(x, 0.5); }, in(-3, 3).away_from({0})),
      unary("selu", selu, kFloatTypes, in(-3, 3).away_from({0})),
      // Below -2.5 the slope is the difference of terms a thousand times as large.
      with(
          "gelu", [](Value x) { return gelu(x, false); }, in(-2.5, 4)),
      with(
          "gelu", [](Value x) { return gelu(x, true); }, in(-2.5, 4)),
      unary("silu", silu, kFloatTypes, in(-6, 6)),
      unary("softplus", softplus, kFloatTypes, in(-6, 6)),
      unary("softsign", softsign, kFloatTypes, in(-3, 3).away_from({0})),
      unary("hard_sigmoid", hard_sigmoid, kFloatTypes, in(-5, 5).away_from({-3, 3})),
      unary("hard_silu", hard_silu, kFloatTypes, in(-5, 5).away_from({-3, 3})),
      unary("mish", mish, kFloatTypes, in(-4, 4)),
  };
  // Its left tail is x (1 + erf) / 2, where the last digit of erf is all there is.
  for (Row& row : rows)
    if (row.op == "gelu") row.roundings = 4;
  return rows;
}

std::vector<Row> comparison_rows() {
  const auto whole = [] { return in(-2, 2).whole_numbers(); };
  return {
      binary("equal", equal, kAny, whole(), whole()),
      binary("not_equal", not_equal, kAny, whole(), whole()),
      binary("less", less, kAny, whole(), whole()),
      binary("less_equal", less_equal, kAny, whole(), whole()),
      binary("greater", greater, kAny, whole(), whole()),
      binary("greater_equal", greater_equal, kAny, whole(), whole()),
      binary("logical_and", logical_and, kBoolean, in(0, 1), in(0, 1)),
      binary("logical_or", logical_or, kBoolean, in(0, 1), in(0, 1)),
      binary("logical_xor", logical_xor, kBoolean, in(0, 1), in(0, 1)),
      unary("logical_not", logical_not, kBoolean, in(0, 1)),
      binary("bitwise_and", bitwise_and, kIntegers, in(-99, 99), in(-99, 99)),
      binary("bitwise_or", bitwise_or, kIntegers, in(-99, 99), in(-99, 99)),
      binary("bitwise_xor", bitwise_xor, kIntegers, in(-99, 99), in(-99, 99)),
      unary("bitwise_not", bitwise_not, kIntegers, in(-99, 99)),
  };
}

/// Distances beyond every width are part of the meaning, negative ones are not.
std::vector<Row> shift_rows() {
  std::vector<Row> rows = {
      binary("shift_left", shift_left, kIntegers, in(-99, 99), in(0, 70)),
      binary("shift_right", shift_right, kIntegers, in(-99, 99), in(0, 70)),
  };
  for (Row& row : rows) row.limits = false;
  return rows;
}

std::vector<Row> selection_rows() {
  std::vector<Row> rows = {
      {"select",
       [](std::span<const Value> x) { return select(x[0], x[1], x[2]); },
       kAny,
       {flags({}), in(-2, 2), in(-2, 2)}},
      {"clamp",
       [](std::span<const Value> x) { return clamp(x[0], -1, 2); },
       kSigned,
       {in(-4, 4).away_from({-1, 2})}},
      {"clamp",
       [](std::span<const Value> x) { return clamp(x[0], -3, -2); },
       kSigned,
       {in(-4, 4).away_from({-3, -2})}},
      unary("optimization_barrier", optimization_barrier, kAny, in(-2, 2)),
      unary("stop_gradient", stop_gradient, kAny, in(-2, 2)),
  };
  rows.back().check_gradient = false;  // by its meaning it is not the derivative
  return rows;
}

OpCase make_case(const Row& row, const Sizes& sizes, std::vector<DType> types, bool limits) {
  OpCase result{.op = row.op,
                .name = shape_name(sizes) + (limits ? "_limits" : ""),
                .operands = row.operands,
                .build =
                    [apply = row.apply](Builder&, std::span<const Value> operands) {
                      return std::vector<Value>{apply(operands)};
                    },
                .types = std::move(types),
                .roundings = row.roundings,
                .check_gradient = row.check_gradient && !limits};
  for (CaseOperand& operand : result.operands) {
    operand.sizes = sizes;
    operand.limits = limits;
  }
  return result;
}

void add_cases(const Row& row, std::vector<OpCase>& cases) {
  const std::vector<DType> one = {row.types.size() > 1 ? row.types[1] : row.types[0]};
  cases.push_back(make_case(row, {3, 65}, row.types, false));
  if (row.limits) cases.push_back(make_case(row, {7, 33}, row.types, true));
  cases.push_back(make_case(row, {}, {row.types[0]}, false));
  for (const Sizes& sizes : {Sizes{0, 3}, Sizes{17}, Sizes{2, 1025}})
    cases.push_back(make_case(row, sizes, one, false));
}

/// Vector tails of every length, once for one, two and three operands.
void add_tails(std::vector<OpCase>& cases) {
  const std::vector<Row> rows = {unary("exp", exp, kFloatTypes, in(-4, 4)),
                                 binary("add", add, kNumberTypes, in(-2, 2), in(-2, 2)),
                                 {"select",
                                  [](std::span<const Value> x) { return select(x[0], x[1], x[2]); },
                                  kAny,
                                  {flags({}), in(-2, 2), in(-2, 2)}}};
  for (const Row& row : rows)
    for (const int64_t size : {1, 2, 3, 5, 7, 8, 9, 15, 16, 31, 32, 33})
      cases.push_back(make_case(row, {size}, {DType::f32, DType::bf16}, false));
}

void add_casts(std::vector<OpCase>& cases) {
  for (const DType to : {DType::f64, DType::f32, DType::bf16, DType::f16, DType::i64, DType::i32,
                         DType::i8, DType::u64, DType::u8, DType::boolean}) {
    std::vector<DType> from = kAny;
    std::erase(from, to);  // a cast to the own type is no node
    const Row row{
        "cast", [to](std::span<const Value> x) { return cast(x[0], to); },
        from,   {in(-3, 3)},
        1,      is_floating(to) && to != DType::bf16 && to != DType::f16 && to != DType::f32};
    for (const bool limits : {false, true}) {
      OpCase added = make_case(row, {3, 17}, from, limits);
      added.name = fmt::format("{}_{}", name(to), added.name);
      cases.push_back(std::move(added));
    }
  }
}

}  // namespace

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> cases;
  for (const auto rows :
       {arithmetic_rows, math_rows, activation_rows, comparison_rows, shift_rows, selection_rows})
    for (const Row& row : rows()) add_cases(row, cases);
  add_tails(cases);
  add_casts(cases);
  return cases;
}

}  // namespace brisk::testing
