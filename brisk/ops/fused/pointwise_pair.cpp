#include "brisk/ops/fused/pointwise_pair.h"

#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

// Where a residual block with a projection ends, once the batch norm of both convolutions is in
// filters and biases. All is computed in the compute type and rounded once.

namespace brisk {
namespace {

constexpr std::string_view kName = "pointwise_pair";
enum Operand : size_t { kFirst, kFirstMatrix, kSecond, kSecondMatrix, kBias };

/// The extent of spatial axis `i` that is read of an image.
Extent extent_read(const Type& image, size_t i, const std::vector<int64_t>& strides) {
  const Extent extent = image.shape()[static_cast<int64_t>(i) + 1];
  return strides.empty() || strides[i] == 1
             ? extent
             : Extent(ceil_div(image.shape().size(static_cast<int64_t>(i) + 1), strides[i]));
}

/// Of the product of operands `x` and `x` + 1.
Type product_type(const InferContext& context, size_t x, const std::vector<int64_t>& strides) {
  const Type &image = context.operands[x], &matrix = context.operands[x + 1];
  require(is_floating(image.dtype()) && image.rank() >= 2,
          "[{}] images must be floating [..., channels], but one is {}", kName, image.to_string());
  const Extent channels = image.shape()[image.rank() - 1];
  require(matrix.rank() == 2 && matrix.dtype() == image.dtype() && matrix.shape()[1] == channels,
          "[{}] {} needs a matrix {}[filters, {}], not {}", kName, image.to_string(),
          name(image.dtype()), channels.to_string(), matrix.to_string());
  const auto axes = static_cast<size_t>(image.rank() - 2);
  require(strides.empty() || (strides.size() == axes &&
                              std::ranges::all_of(strides, [](int64_t s) { return s > 0; })),
          "[{}] an image {} needs {} strides from 1 on, not [{}]", kName, image.to_string(), axes,
          fmt::join(strides, ", "));
  Shape sizes{image.shape()[0]};
  for (size_t i = 0; i < axes; ++i) sizes.push_back(extent_read(image, i, strides));
  sizes.push_back(matrix.shape()[0]);
  return {image.dtype(), sizes};
}

std::vector<Type> infer(const InferContext& context) {
  const Type result = product_type(context, kFirst, {});
  const Type other = product_type(context, kSecond, context.as<PointwisePairAttributes>().strides);
  require(result == other, "[{}] the products must be of one type, but are {} and {}", kName,
          result.to_string(), other.to_string());
  const Type vector = channel_vector(result);
  require(context.operands[kBias] == vector, "[{}] the bias must be {}, but is {}", kName,
          vector.to_string(), context.operands[kBias].to_string());
  return {result};
}

/// The places that are read.
Value places(Value image, const std::vector<int64_t>& strides) {
  if (strides.empty()) return image;
  std::vector<int64_t> steps(static_cast<size_t>(image.rank()), 1);
  std::ranges::copy(strides, steps.begin() + 1);
  return slice(image, std::vector<int64_t>(steps.size(), 0), image.shape().sizes(), steps);
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<PointwisePairAttributes>();
  const DType type = context.in(kFirst).dtype(), wide = compute_type(type);
  const auto product = [&](size_t x, const Value& image) {
    return dot_general(cast(image, wide), cast(context.in(x + 1), wide),
                       {.lhs_contract = {image.rank() - 1}, .rhs_contract = {1}});
  };
  const Value sum = product(kFirst, context.in(kFirst)) +
                    product(kSecond, places(context.in(kSecond), attributes.strides)) +
                    context.in(kBias);
  return {cast(activate(sum, attributes.activation), type)};
}

}  // namespace

Op pointwise_pair_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "activation(first matrix^T + second matrix^T + bias), a bias per filter: two 1x1 "
          "convolutions of images of their own where their results meet; the second may have "
          "strides.")
      .operands(5)
      .attributes<PointwisePairAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

Value pointwise_pair(const PointwiseTerm& first, const PointwiseTerm& second, Value bias,
                     PointwisePairAttributes attributes) {
  return first.x.builder->emit_one(
      kName, {first.x, first.matrix, second.x, second.matrix, std::move(bias)},
      std::move(attributes));
}

}  // namespace brisk
