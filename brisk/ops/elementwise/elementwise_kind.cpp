#include "brisk/ops/elementwise/elementwise_kind.h"

#include <cmath>

#include "brisk/ops/elementwise/broadcasting.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

void check_elements(const InferContext& context, size_t operand, const ElementTypes& types) {
  const TensorType& type = context.tensor(operand);
  require(types.accept(type.dtype), "[{}] takes {} elements, but operand {} is {}", context.op.name,
          types.words, operand, context.operands[operand].to_string());
  require(!type.quantization, "[{}] operand {} is quantized; dequantize it first", context.op.name,
          operand);
}

void check_equal_shapes(const InferContext& context, size_t a, size_t b) {
  require(context.tensor(a).shape == context.tensor(b).shape,
          "[{}] operands {} and {} differ in shape: {} and {}", context.op.name, a, b,
          context.operands[a].to_string(), context.operands[b].to_string());
}

void check_equal_types(const InferContext& context, size_t first, size_t last) {
  for (size_t i = first + 1; i <= last; ++i) {
    require(context.tensor(first).dtype == context.tensor(i).dtype,
            "[{}] operands {} and {} differ in element type: {} and {}", context.op.name, first, i,
            context.operands[first].to_string(), context.operands[i].to_string());
    check_equal_shapes(context, first, i);
  }
}

namespace {

Op same_types(std::string name, ElementTypes types, int count, bool gives_bool) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::elementwise;
  return std::move(op).operands(count).infer(
      [types, gives_bool](const InferContext& context) -> std::vector<Type> {
        for (size_t i = 0; i < context.operands.size(); ++i) check_elements(context, i, types);
        check_equal_types(context, 0, context.operands.size() - 1);
        const TensorType& type = context.tensor(0);
        return {Type(gives_bool ? DType::boolean : type.dtype, type.shape)};
      });
}

}  // namespace

Op unary(std::string name, ElementTypes types) {
  return same_types(std::move(name), types, 1, false);
}

Op binary(std::string name, ElementTypes types) {
  return same_types(std::move(name), types, 2, false);
}

Op comparison(std::string name, ElementTypes types) {
  return same_types(std::move(name), types, 2, true).not_differentiable();
}

Value scaled_by_slope(const Vjp& d, const std::function<Value(Value x)>& slope) {
  const Value& x = d.in(0);
  const DType type = compute_type(x.dtype());
  return cast(cast(d.grad(), type) * slope(cast(x, type)), x.dtype());
}

Value zero_unless(Value condition, Value gradient) {
  return select(condition, gradient, constant_beside(gradient, 0));
}

Value constant_beside(Value x, double value) {
  invariant(x.defined(), "a constant beside an undefined value was asked for");
  require(is_floating(x.dtype()) || value == std::trunc(value),
          "the number {} beside a value of type {} is not whole", value, name(x.dtype()));
  return x.builder->scalar(x.dtype(), value);
}

Value emit_broadcasting(std::string_view op, std::vector<Value> operands) {
  for (size_t i = 0; i < operands.size(); ++i)
    require(operands[i].defined(), "[{}] operand {} is not defined", op, i);
  // A select's condition is bool beside values of any type.
  for (size_t i = op == "select" ? 2 : 1; i < operands.size(); ++i)
    require(operands[i].dtype() == operands[i - 1].dtype(),
            "[{}] mixes element types {} and {}; cast one operand to the other's", op,
            name(operands[i - 1].dtype()), name(operands[i].dtype()));
  Builder& builder = *operands[0].builder;
  return builder.emit_one(op, broadcast_together(op, std::move(operands)));
}

Value emit_unary(std::string_view op, Value x, Attributes attributes) {
  require(x.defined(), "[{}] its operand is not defined", op);
  return x.builder->emit_one(op, {x}, std::move(attributes));
}

}  // namespace brisk
