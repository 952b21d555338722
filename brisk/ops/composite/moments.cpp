#include "brisk/ops/composite/moments.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

Moments moments(Value x, const std::vector<int64_t>& axes, double epsilon, bool keep_dims) {
  const Value wide = cast(x, compute_type(x.dtype()));
  const Value mean = reduce_mean(wide, axes, keep_dims);
  const Value centred = wide - mean;
  const Value variance = reduce_mean(square(centred), axes, keep_dims);
  return {centred, mean, variance, rsqrt(variance + epsilon)};
}

}  // namespace brisk
