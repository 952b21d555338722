#include "brisk/ops/reduce/reduce_ops.h"

namespace brisk {

void add_reduce_ops(OpSet& set) {
  add_fold_ops(set);
  set.add(reduce_mean_op());
  add_extreme_ops(set);
  set.add(cumulative_sum_op());
}

}  // namespace brisk
