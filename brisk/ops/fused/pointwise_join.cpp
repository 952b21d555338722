#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"

// Where a residual block with a projection ends: its last convolution, whose batch norm went into
// filter and bias, meets the projection, whose batch norm is still to be applied. All is computed
// in the compute type and rounded once.

namespace brisk {
namespace {

constexpr std::string_view kName = "pointwise_join";
enum Operand : size_t { kX, kMatrix, kBias, kSkip, kScale, kShift };

std::vector<Type> infer(const InferContext& context) {
  const Type &x = context.operands[kX], &matrix = context.operands[kMatrix];
  const Type& skip = context.operands[kSkip];
  require(is_floating(x.dtype()) && x.rank() >= 2,
          "[{}] x must be floating [..., channels], but is {}", kName, x.to_string());
  require(matrix.rank() == 2 && matrix.dtype() == x.dtype() &&
              matrix.shape()[1] == x.shape()[x.rank() - 1],
          "[{}] x {} needs a matrix {}[filters, {}], not {}", kName, x.to_string(), name(x.dtype()),
          x.shape()[x.rank() - 1].to_string(), matrix.to_string());
  Shape sizes;
  for (int64_t axis = 0; axis + 1 < x.rank(); ++axis) sizes.push_back(x.shape()[axis]);
  sizes.push_back(matrix.shape()[0]);
  const Type result(x.dtype(), sizes), vector = channel_vector(result);
  require(skip == result, "[{}] the skip must be {}, but is {}", kName, result.to_string(),
          skip.to_string());
  for (const size_t i : {kBias, kScale, kShift})
    require(context.operands[i] == vector, "[{}] bias, scale and shift must be {}, but one is {}",
            kName, vector.to_string(), context.operands[i].to_string());
  return {result};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const DType type = context.in(kX).dtype(), wide = compute_type(type);
  const Value &x = context.in(kX), &matrix = context.in(kMatrix);
  const Value product = dot_general(cast(x, wide), cast(matrix, wide),
                                    {.lhs_contract = {x.rank() - 1}, .rhs_contract = {1}});
  const Value skip = cast(context.in(kSkip), wide) * context.in(kScale) + context.in(kShift);
  const Value sum = product + context.in(kBias) + skip;
  return {cast(activate(sum, context.as<PointwiseJoinAttributes>().activation), type)};
}

}  // namespace

Op pointwise_join_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "activation(x matrix^T + bias + skip * scale + shift), bias, scale and shift a number "
          "per filter: a 1x1 convolution and a skip that is normalised where they meet.")
      .operands(6)
      .attributes<PointwiseJoinAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

Value pointwise_join(Value x, Value matrix, Value bias, const ScaledSkip& skip,
                     Activation activation) {
  return x.builder->emit_one(kName, {x, matrix, bias, skip.skip, skip.scale, skip.shift},
                             PointwiseJoinAttributes{activation});
}

}  // namespace brisk
