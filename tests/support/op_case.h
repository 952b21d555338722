#pragma once

/// One declaration of a test of an op: shapes, element types and ranges of values. The harness
/// (op_case_checks.h) crosses it with backends, element types and gradients.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk::testing {

/// An operand of a case. Without a type of its own it takes each type that the case lists.
struct CaseOperand {
  std::vector<int64_t> sizes;
  std::optional<DType> type = {};
  double low = -2, high = 2;       ///< values are uniform in [low, high]; whole ones for integers
  std::vector<double> kinks = {};  ///< floats stay at least 0.05 away from these
  /// Now and then the type's lowest and highest value, for floats also zeros, infinities and NaN.
  bool limits = false;
  bool whole = false;  ///< floats are whole numbers too
  bool differentiated = true;

  CaseOperand between(double least, double most) &&;
  CaseOperand away_from(std::vector<double> points) &&;
  CaseOperand with_limits() &&;
  CaseOperand whole_numbers() &&;
  CaseOperand not_differentiated() &&;
};

/// Of the case's type.
CaseOperand values(std::vector<int64_t> sizes);
/// Whole numbers in [0, bound) of an integer type of its own.
CaseOperand positions(std::vector<int64_t> sizes, int64_t bound, DType type = DType::i32);
/// Of the type bool.
CaseOperand flags(std::vector<int64_t> sizes);
/// A random key.
CaseOperand random_key();

using CaseBuild = std::function<std::vector<Value>(Builder&, std::span<const Value> operands)>;

struct OpCase {
  std::string op;    ///< must occur in the graph that `build` makes
  std::string name;  ///< tells the cases of one op apart: "3x65"
  std::vector<CaseOperand> operands;
  CaseBuild build;
  std::vector<DType> types;
  /// How many results are rounded to the element type one after another, where a backend may keep
  /// more digits in between; tolerances grow by it.
  int roundings = 1;
  bool check_gradient = true;
  /// Where f32 sums are taken over a result of a short type, a backend may add up its elements
  /// before or after it rounds them. Makes, of the operands and the results, those sums as they are
  /// after rounding; one value for each result but the first.
  CaseBuild sums_of_result = {};
  /// Operands 1 to this one are weights: backends are given them as state that no run changes, too.
  size_t num_weights = 0;
};

/// Prints as "op/name".
std::ostream& operator<<(std::ostream& stream, const OpCase& op_case);

inline const std::vector<DType> kFloatTypes = {DType::f64, DType::f32, DType::bf16, DType::f16};
inline const std::vector<DType> kSignedIntegers = {DType::i64, DType::i32, DType::i16, DType::i8};
inline const std::vector<DType> kUnsignedIntegers = {DType::u64, DType::u32, DType::u16, DType::u8};
inline const std::vector<DType> kNumberTypes = {DType::f64, DType::f32, DType::bf16, DType::f16,
                                                DType::i64, DType::i32, DType::i16,  DType::i8,
                                                DType::u64, DType::u32, DType::u16,  DType::u8};
/// The lists one after another.
std::vector<DType> joined(std::initializer_list<std::vector<DType>> lists);

/// "3x65", "scalar" for rank 0.
std::string shape_name(std::span<const int64_t> sizes);

}  // namespace brisk::testing
