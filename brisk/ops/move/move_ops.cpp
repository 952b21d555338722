#include "brisk/ops/move/move_ops.h"

namespace brisk {

void add_move_ops(OpSet& set) {
  for (auto make : {broadcast_op, reshape_op, transpose_op, slice_op, pad_op, concatenate_op,
                    reverse_op, dynamic_slice_op, dynamic_update_slice_op, unpack_integers_op})
    set.add(make());
}

}  // namespace brisk
