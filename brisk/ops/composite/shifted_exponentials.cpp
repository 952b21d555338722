#include "brisk/ops/composite/shifted_exponentials.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

ShiftedExponentials shifted_exponentials(Value x, std::vector<int64_t> axes) {
  const Value wide = cast(x, compute_type(x.dtype()));
  const Value shifted = wide - reduce_max(stop_gradient(wide), axes, true);
  const Value exponentials = exp(shifted);
  return {shifted, exponentials, reduce_sum(exponentials, axes, true)};
}

}  // namespace brisk
