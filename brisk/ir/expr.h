#pragma once

/// Scalar expressions: the one rule of an elementwise op, read by the reference evaluator and by
/// every code generator. An expression is a typed DAG over a closed list of scalar operations;
/// `flatten` turns it into a straight-line program.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "brisk/base/dtype.h"

namespace brisk {

/// Operands of one operation have one type unless stated. Short floats never occur in here: their
/// values are converted to f32 on load and back on store.
enum class ScalarOp : uint8_t {
  input,         ///< operand `index` of the op at this element
  constant,      ///< `value` (floating types) or `bits` (integers, bool)
  linear_index,  ///< u64: row-major index of this element in the op's result
  coordinate,    ///< i64: index of this element along axis `index` of the op's result
  // Arithmetic on floats and integers (integers wrap; division by zero gives 0).
  add, subtract, multiply, divide,
  remainder,     ///< C's fmod / %: the sign of the dividend
  maximum,       ///< NaN if either is NaN
  minimum,       ///< NaN if either is NaN
  power,         ///< floats: pow; integers: by repeated multiplication, negative exponent gives 0
  atan2,
  negate, absolute,
  // Floats only.
  exponential, expm1, logarithm, log1p, square_root, sine, cosine, tangent,
  hyperbolic_tangent, error_function, floor, ceiling,
  round_even,    ///< to nearest, ties to even
  is_finite,     ///< bool
  // Comparisons of two equal types, giving bool. Comparisons with NaN are false but not_equal.
  equal, not_equal, less, less_equal,
  // bool and integers.
  bit_and, bit_or, bit_xor, bit_not,
  shift_left, shift_right,  ///< logical for unsigned, arithmetic for signed; by at least the width: 0 or sign
  select,        ///< (bool, T, T): the second where true, else the third
  cast,          ///< to `type`; float to integer truncates and saturates, NaN gives 0; to bool: != 0
};

std::string_view name(ScalarOp op);
int num_operands(ScalarOp op);

class Expr {
 public:
  Expr() = default;

  static Expr input(int index, DType type);
  static Expr constant(DType type, double value);
  /// An integer or bool constant given exactly.
  static Expr integer(DType type, uint64_t bits);
  static Expr linear_index();
  static Expr coordinate(int axis);
  /// Any operation; operand types are checked.
  static Expr make(ScalarOp op, std::vector<Expr> operands);

  DType type() const;
  Expr cast(DType type) const;
  bool defined() const { return node_ != nullptr; }

  struct Node;
  const Node& node() const { return *node_; }

 private:
  explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

struct Expr::Node {
  ScalarOp op;
  DType type;
  int index = 0;       ///< input: operand; coordinate: axis
  double value = 0;    ///< constant of a floating type
  uint64_t bits = 0;   ///< constant of an integer type or bool
  std::vector<Expr> operands;
};

// Operators and functions over expressions. A double beside an Expr becomes a constant of its type.
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator+(Expr a, double b);
Expr operator-(Expr a, double b);
Expr operator*(Expr a, double b);
Expr operator/(Expr a, double b);
Expr operator+(double a, Expr b);
Expr operator-(double a, Expr b);
Expr operator*(double a, Expr b);
Expr operator/(double a, Expr b);
Expr operator-(Expr a);
Expr exp(Expr a);
Expr expm1(Expr a);
Expr log(Expr a);
Expr log1p(Expr a);
Expr sqrt(Expr a);
Expr sin(Expr a);
Expr cos(Expr a);
Expr tan(Expr a);
Expr tanh(Expr a);
Expr erf(Expr a);
Expr abs(Expr a);
Expr floor(Expr a);
Expr ceil(Expr a);
Expr round_even(Expr a);
Expr is_finite(Expr a);
Expr pow(Expr a, Expr b);
Expr atan2(Expr a, Expr b);
Expr remainder(Expr a, Expr b);
Expr maximum(Expr a, Expr b);
Expr minimum(Expr a, Expr b);
Expr maximum(Expr a, double b);
Expr minimum(Expr a, double b);
Expr equal(Expr a, Expr b);
Expr not_equal(Expr a, Expr b);
Expr less(Expr a, Expr b);
Expr less_equal(Expr a, Expr b);
Expr greater(Expr a, Expr b);
Expr greater_equal(Expr a, Expr b);
Expr less(Expr a, double b);
Expr greater(Expr a, double b);
Expr bit_and(Expr a, Expr b);
Expr bit_or(Expr a, Expr b);
Expr bit_xor(Expr a, Expr b);
Expr bit_not(Expr a);
Expr shift_left(Expr a, int bits);
Expr shift_right(Expr a, int bits);
Expr select(Expr condition, Expr a, Expr b);
/// The logistic function, written so that it neither overflows nor loses its tails.
Expr sigmoid(Expr a);

/// One line of a flattened expression; operands are indices of earlier lines.
struct ScalarInstruction {
  ScalarOp op;
  DType type;
  std::array<int32_t, 3> operands{-1, -1, -1};
  int index = 0;
  double value = 0;
  uint64_t bits = 0;
};

/// Straight-line code; the last line is the result. Common sub-expressions appear once.
using ScalarProgram = std::vector<ScalarInstruction>;
ScalarProgram flatten(const Expr& expr);

/// A scalar of any type while a program is evaluated: floats in `value`, others in `bits`
/// (signed types sign-extended to 64 bits, bool as 0 or 1).
struct Scalar {
  double value = 0;
  uint64_t bits = 0;
};

/// Evaluates one operation on operands of type `operand_type` (of the first operand; for select:
/// of the second). f32 results are rounded to f32. This is the definition that code generators
/// are tested against.
Scalar evaluate(const ScalarInstruction& instruction, DType operand_type,
                std::span<const Scalar> operands);

}  // namespace brisk
