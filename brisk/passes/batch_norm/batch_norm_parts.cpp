#include "brisk/passes/batch_norm/batch_norm_parts.h"

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

BatchNormParts batch_norm_parts(std::span<const Value> operands,
                                const BatchNormAttributes& attributes, Value mean, Value variance) {
  const DType wide = mean.dtype();
  const Value gamma = cast(operands[1], wide), beta = cast(operands[2], wide);
  const Value scale = gamma * rsqrt(variance + attributes.epsilon);
  const auto moved = [&](Value moving, Value now) {
    return moving * attributes.momentum + stop_gradient(now) * (1 - attributes.momentum);
  };
  return {scale, beta - mean * scale, moved(operands[3], mean), moved(operands[4], variance)};
}

}  // namespace brisk
