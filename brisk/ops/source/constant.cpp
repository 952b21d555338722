#include "brisk/base/error.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/source/source_ops.h"

namespace brisk {

Op input_op() {
  Op op;
  op.name = "input";
  op.kind = OpKind::source;
  return std::move(op)
      .attributes<InputAttributes>()
      .doc("An input of the graph by name; its type is stated where it is declared.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        refuse(
            "[input] '{}' is declared with its type by Builder::input; a type cannot be inferred",
            context.as<InputAttributes>().name);
      })
      .not_differentiable();
}

Op constant_op() {
  Op op;
  op.name = "constant";
  op.kind = OpKind::source;
  return std::move(op)
      .attributes<ConstantAttributes>()
      .doc("A tensor that is part of the graph.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const Tensor& value = context.as<ConstantAttributes>().value;
        require(value.defined(), "[constant] its value is missing");
        return {Type(value.dtype(), Shape(value.sizes()))};
      })
      .not_differentiable();
}

Op iota_op() {
  Op op;
  op.name = "iota";
  op.kind = OpKind::source;
  return std::move(op)
      .attributes<IotaAttributes>()
      .doc("Each element's own index along `axis`.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<IotaAttributes>();
        require(attributes.dtype != DType::boolean, "[iota] its elements cannot be bool");
        require(attributes.axis >= 0 && attributes.axis < attributes.shape.rank(),
                "[iota] axis {} is out of range for shape {}", attributes.axis,
                attributes.shape.to_string());
        return {Type(attributes.dtype, attributes.shape)};
      })
      .expr([](const ExprContext& context) {
        const auto axis = static_cast<int>(context.as<IotaAttributes>().axis);
        return Expr::coordinate(axis).cast(context.result);
      })
      .not_differentiable();
}

Value iota(Builder& builder, DType dtype, Shape shape, int64_t axis) {
  axis = normalize_axis(axis, shape.rank(), "iota");
  return builder.emit_one("iota", std::span<const Value>(),
                          IotaAttributes{dtype, std::move(shape), axis});
}

}  // namespace brisk
