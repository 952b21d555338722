#include "brisk/ir/expr.h"

#include "brisk/base/error.h"

namespace brisk {
namespace {

/// Which element types an operation takes.
enum class Accepts : uint8_t { numbers, floats, bits, integers, any };
/// What an operation gives.
enum class Gives : uint8_t { same, boolean };

struct Signature {
  std::string_view name;
  int num_operands;
  Accepts accepts = Accepts::any;
  Gives gives = Gives::same;
};

constexpr std::array kSignatures = {
    Signature{"input", 0},
    Signature{"constant", 0},
    Signature{"linear_index", 0},
    Signature{"coordinate", 0},
    Signature{"add", 2, Accepts::numbers},
    Signature{"subtract", 2, Accepts::numbers},
    Signature{"multiply", 2, Accepts::numbers},
    Signature{"divide", 2, Accepts::numbers},
    Signature{"remainder", 2, Accepts::numbers},
    Signature{"maximum", 2, Accepts::numbers},
    Signature{"minimum", 2, Accepts::numbers},
    Signature{"power", 2, Accepts::numbers},
    Signature{"atan2", 2, Accepts::floats},
    Signature{"negate", 1, Accepts::numbers},
    Signature{"absolute", 1, Accepts::numbers},
    Signature{"exponential", 1, Accepts::floats},
    Signature{"expm1", 1, Accepts::floats},
    Signature{"logarithm", 1, Accepts::floats},
    Signature{"log1p", 1, Accepts::floats},
    Signature{"square_root", 1, Accepts::floats},
    Signature{"sine", 1, Accepts::floats},
    Signature{"cosine", 1, Accepts::floats},
    Signature{"tangent", 1, Accepts::floats},
    Signature{"hyperbolic_tangent", 1, Accepts::floats},
    Signature{"error_function", 1, Accepts::floats},
    Signature{"floor", 1, Accepts::floats},
    Signature{"ceiling", 1, Accepts::floats},
    Signature{"round_even", 1, Accepts::floats},
    Signature{"is_finite", 1, Accepts::floats, Gives::boolean},
    Signature{"equal", 2, Accepts::any, Gives::boolean},
    Signature{"not_equal", 2, Accepts::any, Gives::boolean},
    Signature{"less", 2, Accepts::any, Gives::boolean},
    Signature{"less_equal", 2, Accepts::any, Gives::boolean},
    Signature{"bit_and", 2, Accepts::bits},
    Signature{"bit_or", 2, Accepts::bits},
    Signature{"bit_xor", 2, Accepts::bits},
    Signature{"bit_not", 1, Accepts::bits},
    Signature{"shift_left", 2, Accepts::integers},
    Signature{"shift_right", 2, Accepts::integers},
    Signature{"select", 3},
    Signature{"cast", 1},
};
static_assert(kSignatures.size() == static_cast<size_t>(ScalarOp::cast) + 1);

const Signature& signature(ScalarOp op) {
  return kSignatures[static_cast<size_t>(op)];
}

bool accepts(Accepts what, DType type) {
  switch (what) {
    case Accepts::numbers:
      return type != DType::boolean;
    case Accepts::floats:
      return is_floating(type);
    case Accepts::bits:
      return !is_floating(type);
    case Accepts::integers:
      return is_integer(type);
    case Accepts::any:
      return true;
  }
  return false;
}

void check_compute_type(DType type) {
  invariant(!is_short_float(type), "a scalar expression is computed in {}, which is only stored",
            name(type));
}

Expr constant_like(const Expr& beside, double value) {
  return Expr::constant(beside.type(), value);
}

Expr unary(ScalarOp op, Expr a) {
  return Expr::make(op, {std::move(a)});
}
Expr binary(ScalarOp op, Expr a, Expr b) {
  return Expr::make(op, {std::move(a), std::move(b)});
}

}  // namespace

std::string_view name(ScalarOp op) {
  return signature(op).name;
}
int num_operands(ScalarOp op) {
  return signature(op).num_operands;
}

Expr Expr::input(int index, DType type) {
  check_compute_type(type);
  return Expr(std::make_shared<Node>(Node{.op = ScalarOp::input, .type = type, .index = index}));
}

Expr Expr::constant(DType type, double value) {
  check_compute_type(type);
  Node node{.op = ScalarOp::constant, .type = type};
  if (is_floating(type)) {
    node.value = type == DType::f32 ? static_cast<double>(static_cast<float>(value)) : value;
  } else {
    const ScalarInstruction cast{.op = ScalarOp::cast, .type = type};
    const Scalar real{.value = value};
    node.bits = evaluate(cast, DType::f64, {&real, 1}).bits;
  }
  return Expr(std::make_shared<Node>(std::move(node)));
}

Expr Expr::integer(DType type, uint64_t bits) {
  invariant(!is_floating(type), "an integer constant cannot have type {}", name(type));
  const ScalarInstruction cast{.op = ScalarOp::cast, .type = type};
  const Scalar exact{.bits = bits};
  Node node{.op = ScalarOp::constant, .type = type};
  node.bits = evaluate(cast, DType::u64, {&exact, 1}).bits;
  return Expr(std::make_shared<Node>(std::move(node)));
}

Expr Expr::linear_index() {
  return Expr(std::make_shared<Node>(Node{.op = ScalarOp::linear_index, .type = DType::u64}));
}

Expr Expr::coordinate(int axis) {
  invariant(axis >= 0, "a coordinate along axis {} was asked for", axis);
  return Expr(
      std::make_shared<Node>(Node{.op = ScalarOp::coordinate, .type = DType::i64, .index = axis}));
}

Expr Expr::make(ScalarOp op, std::vector<Expr> operands) {
  const Signature& rule = signature(op);
  invariant(rule.num_operands > 0 && op != ScalarOp::cast,
            "scalar operation {} has a constructor of its own", rule.name);
  invariant(static_cast<int>(operands.size()) == rule.num_operands,
            "scalar operation {} takes {} operands, but {} are given", rule.name, rule.num_operands,
            operands.size());
  const size_t first = op == ScalarOp::select ? 1 : 0;
  for (const Expr& operand : operands)
    invariant(operand.defined(), "scalar operation {} has an undefined operand", rule.name);
  if (first == 1)
    invariant(operands[0].type() == DType::boolean, "the condition of a select is {}, not bool",
              name(operands[0].type()));
  const DType type = operands[first].type();
  invariant(accepts(rule.accepts, type), "scalar operation {} does not take {}", rule.name,
            name(type));
  for (size_t i = first + 1; i < operands.size(); ++i)
    invariant(operands[i].type() == type, "scalar operation {} mixes {} and {}", rule.name,
              name(type), name(operands[i].type()));
  return Expr(
      std::make_shared<Node>(Node{.op = op,
                                  .type = rule.gives == Gives::boolean ? DType::boolean : type,
                                  .operands = std::move(operands)}));
}

DType Expr::type() const {
  return node_->type;
}

Expr Expr::cast(DType type) const {
  check_compute_type(type);
  if (type == node_->type) return *this;
  return Expr(
      std::make_shared<Node>(Node{.op = ScalarOp::cast, .type = type, .operands = {*this}}));
}

Expr operator+(Expr a, Expr b) {
  return binary(ScalarOp::add, std::move(a), std::move(b));
}
Expr operator-(Expr a, Expr b) {
  return binary(ScalarOp::subtract, std::move(a), std::move(b));
}
Expr operator*(Expr a, Expr b) {
  return binary(ScalarOp::multiply, std::move(a), std::move(b));
}
Expr operator/(Expr a, Expr b) {
  return binary(ScalarOp::divide, std::move(a), std::move(b));
}
Expr operator+(Expr a, double b) {
  return a + constant_like(a, b);
}
Expr operator-(Expr a, double b) {
  return a - constant_like(a, b);
}
Expr operator*(Expr a, double b) {
  return a * constant_like(a, b);
}
Expr operator/(Expr a, double b) {
  return a / constant_like(a, b);
}
Expr operator+(double a, Expr b) {
  return constant_like(b, a) + b;
}
Expr operator-(double a, Expr b) {
  return constant_like(b, a) - b;
}
Expr operator*(double a, Expr b) {
  return constant_like(b, a) * b;
}
Expr operator/(double a, Expr b) {
  return constant_like(b, a) / b;
}
Expr operator-(Expr a) {
  return unary(ScalarOp::negate, std::move(a));
}

Expr exp(Expr a) {
  return unary(ScalarOp::exponential, std::move(a));
}
Expr expm1(Expr a) {
  return unary(ScalarOp::expm1, std::move(a));
}
Expr log(Expr a) {
  return unary(ScalarOp::logarithm, std::move(a));
}
Expr log1p(Expr a) {
  return unary(ScalarOp::log1p, std::move(a));
}
Expr sqrt(Expr a) {
  return unary(ScalarOp::square_root, std::move(a));
}
Expr sin(Expr a) {
  return unary(ScalarOp::sine, std::move(a));
}
Expr cos(Expr a) {
  return unary(ScalarOp::cosine, std::move(a));
}
Expr tan(Expr a) {
  return unary(ScalarOp::tangent, std::move(a));
}
Expr tanh(Expr a) {
  return unary(ScalarOp::hyperbolic_tangent, std::move(a));
}
Expr erf(Expr a) {
  return unary(ScalarOp::error_function, std::move(a));
}
Expr abs(Expr a) {
  return unary(ScalarOp::absolute, std::move(a));
}
Expr floor(Expr a) {
  return unary(ScalarOp::floor, std::move(a));
}
Expr ceil(Expr a) {
  return unary(ScalarOp::ceiling, std::move(a));
}
Expr round_even(Expr a) {
  return unary(ScalarOp::round_even, std::move(a));
}
Expr is_finite(Expr a) {
  return unary(ScalarOp::is_finite, std::move(a));
}
Expr pow(Expr a, Expr b) {
  return binary(ScalarOp::power, std::move(a), std::move(b));
}
Expr atan2(Expr a, Expr b) {
  return binary(ScalarOp::atan2, std::move(a), std::move(b));
}
Expr remainder(Expr a, Expr b) {
  return binary(ScalarOp::remainder, std::move(a), std::move(b));
}
Expr maximum(Expr a, Expr b) {
  return binary(ScalarOp::maximum, std::move(a), std::move(b));
}
Expr minimum(Expr a, Expr b) {
  return binary(ScalarOp::minimum, std::move(a), std::move(b));
}
Expr maximum(Expr a, double b) {
  return maximum(a, constant_like(a, b));
}
Expr minimum(Expr a, double b) {
  return minimum(a, constant_like(a, b));
}
Expr equal(Expr a, Expr b) {
  return binary(ScalarOp::equal, std::move(a), std::move(b));
}
Expr not_equal(Expr a, Expr b) {
  return binary(ScalarOp::not_equal, std::move(a), std::move(b));
}
Expr less(Expr a, Expr b) {
  return binary(ScalarOp::less, std::move(a), std::move(b));
}
Expr less_equal(Expr a, Expr b) {
  return binary(ScalarOp::less_equal, std::move(a), std::move(b));
}
Expr greater(Expr a, Expr b) {
  return less(std::move(b), std::move(a));
}
Expr greater_equal(Expr a, Expr b) {
  return less_equal(std::move(b), std::move(a));
}
Expr less(Expr a, double b) {
  return less(a, constant_like(a, b));
}
Expr greater(Expr a, double b) {
  return less(constant_like(a, b), a);
}
Expr bit_and(Expr a, Expr b) {
  return binary(ScalarOp::bit_and, std::move(a), std::move(b));
}
Expr bit_or(Expr a, Expr b) {
  return binary(ScalarOp::bit_or, std::move(a), std::move(b));
}
Expr bit_xor(Expr a, Expr b) {
  return binary(ScalarOp::bit_xor, std::move(a), std::move(b));
}
Expr bit_not(Expr a) {
  return unary(ScalarOp::bit_not, std::move(a));
}

Expr shift_left(Expr a, int bits) {
  return binary(ScalarOp::shift_left, a, Expr::integer(a.type(), static_cast<uint64_t>(bits)));
}

Expr shift_right(Expr a, int bits) {
  return binary(ScalarOp::shift_right, a, Expr::integer(a.type(), static_cast<uint64_t>(bits)));
}

Expr select(Expr condition, Expr a, Expr b) {
  return Expr::make(ScalarOp::select, {std::move(condition), std::move(a), std::move(b)});
}

Expr sigmoid(Expr a) {
  // e <= 1 never overflows; for negative arguments e / (1 + e) keeps the tail that 1 - 1 / (1 + e)
  // would lose.
  const Expr e = exp(-abs(a));
  return select(less(a, 0.0), e, constant_like(a, 1.0)) / (1.0 + e);
}

}  // namespace brisk
