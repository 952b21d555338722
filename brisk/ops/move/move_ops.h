#pragma once

/// The ops of the move kind, one file each, and all of them.

#include "brisk/ir/op.h"

namespace brisk {

Op broadcast_op();
Op reshape_op();
Op transpose_op();
Op slice_op();
Op pad_op();
Op concatenate_op();
Op reverse_op();
Op dynamic_slice_op();
Op dynamic_update_slice_op();
Op unpack_integers_op();

void add_move_ops(OpSet& set);

}  // namespace brisk
