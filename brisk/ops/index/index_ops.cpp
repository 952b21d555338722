#include "brisk/ops/index/index_ops.h"

namespace brisk {

void add_index_ops(OpSet& set) {
  for (auto make :
       {gather_op, scatter_add_op, take_along_axis_op, put_along_axis_add_op, one_hot_op})
    set.add(make());
}

}  // namespace brisk
