#include "brisk/base/error.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/window/pooled_shape.h"

// A first layer's end: the image is the largest of the network, and normalised it is read by the
// pool alone.

namespace brisk {
namespace {

constexpr std::string_view kName = "scale_shift_max_pool";

std::vector<Type> infer(const InferContext& context) {
  const Type& x = context.operands[0];
  require(is_floating(x.dtype()) && x.rank() >= 3,
          "[{}] x must be floating [batch, spatial..., channels], but is {}", kName, x.to_string());
  const Type vector = channel_vector(x);
  require(context.operands[1] == vector && context.operands[2] == vector,
          "[{}] scale and shift must be {}, but are {} and {}", kName, vector.to_string(),
          context.operands[1].to_string(), context.operands[2].to_string());
  const auto& attributes = context.as<ScaleShiftMaxPoolAttributes>();
  const Shape pooled = pooled_shape(kName, x.shape(), attributes.window);
  std::vector<Type> results = {Type(x.dtype(), pooled), Type(DType::u8, pooled)};
  if (attributes.sources) results.push_back(results[0]);
  return results;
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value image = scale_shift(context.in(0), context.in(1), context.in(2), Activation::relu);
  const auto& attributes = context.as<ScaleShiftMaxPoolAttributes>();
  const auto [values, positions] = max_pool(image, attributes.window);
  std::vector<Value> results = {values, positions};
  if (attributes.sources)
    results.push_back(max_pool_select(context.in(0), positions, attributes.window));
  return results;
}

}  // namespace

Op scale_shift_max_pool_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "max_pool of relu(x * scale + shift), scale and shift a number per channel; with "
          "`sources` the elements of x that were chosen, too.")
      .operands(3)
      .attributes<ScaleShiftMaxPoolAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

ScaleShiftMaxPool scale_shift_max_pool(Value x, Value scale, Value shift,
                                       ScaleShiftMaxPoolAttributes attributes) {
  const std::vector<Value> operands = {x, scale, shift};
  const std::vector<Value> results = x.builder->emit(kName, operands, std::move(attributes));
  return {results[0], results[1], results.size() > 2 ? results[2] : Value{}};
}

}  // namespace brisk
