#include "brisk/ops/fused/pointwise_pair.h"

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"

// Where a residual block with a projection ends, once the batch norm of both convolutions is in
// filters and biases. All is computed in the compute type and rounded once.

namespace brisk {
namespace {

constexpr std::string_view kName = "pointwise_pair";
enum Operand : size_t { kFirst, kFirstMatrix, kSecond, kSecondMatrix, kBias };

/// Of the product of operands `x` and `x` + 1.
Type product_type(const InferContext& context, size_t x) {
  const Type &image = context.operands[x], &matrix = context.operands[x + 1];
  require(is_floating(image.dtype()) && image.rank() >= 2,
          "[{}] images must be floating [..., channels], but one is {}", kName, image.to_string());
  const Extent channels = image.shape()[image.rank() - 1];
  require(matrix.rank() == 2 && matrix.dtype() == image.dtype() && matrix.shape()[1] == channels,
          "[{}] {} needs a matrix {}[filters, {}], not {}", kName, image.to_string(),
          name(image.dtype()), channels.to_string(), matrix.to_string());
  Shape sizes;
  for (int64_t axis = 0; axis + 1 < image.rank(); ++axis) sizes.push_back(image.shape()[axis]);
  sizes.push_back(matrix.shape()[0]);
  return {image.dtype(), sizes};
}

std::vector<Type> infer(const InferContext& context) {
  const Type result = product_type(context, kFirst), other = product_type(context, kSecond);
  require(result == other, "[{}] the products must be of one type, but are {} and {}", kName,
          result.to_string(), other.to_string());
  const Type vector = channel_vector(result);
  require(context.operands[kBias] == vector, "[{}] the bias must be {}, but is {}", kName,
          vector.to_string(), context.operands[kBias].to_string());
  return {result};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const DType type = context.in(kFirst).dtype(), wide = compute_type(type);
  const auto product = [&](size_t x) {
    const Value& image = context.in(x);
    return dot_general(cast(image, wide), cast(context.in(x + 1), wide),
                       {.lhs_contract = {image.rank() - 1}, .rhs_contract = {1}});
  };
  const Value sum = product(kFirst) + product(kSecond) + context.in(kBias);
  return {cast(activate(sum, context.as<PointwisePairAttributes>().activation), type)};
}

}  // namespace

Op pointwise_pair_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "activation(first matrix^T + second matrix^T + bias), a bias per filter: two 1x1 "
          "convolutions of images of their own where their results meet.")
      .operands(5)
      .attributes<PointwisePairAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

Value pointwise_pair(const PointwiseTerm& first, const PointwiseTerm& second, Value bias,
                     Activation activation) {
  return first.x.builder->emit_one(
      kName, {first.x, first.matrix, second.x, second.matrix, std::move(bias)},
      PointwisePairAttributes{activation});
}

}  // namespace brisk
