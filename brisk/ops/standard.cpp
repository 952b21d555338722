#include "brisk/ops/standard.h"

#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/contract/contract_ops.h"
#include "brisk/ops/control/control_ops.h"
#include "brisk/ops/convolve/convolve_ops.h"
#include "brisk/ops/elementwise/elementwise_ops.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/index/index_ops.h"
#include "brisk/ops/move/move_ops.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/reduce/reduce_ops.h"
#include "brisk/ops/source/source_ops.h"
#include "brisk/ops/tflite/tflite_ops.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {

const OpSetPtr& standard_ops() {
  static const OpSetPtr ops = [] {
    auto set = std::make_shared<OpSet>();
    add_source_ops(*set);
    add_elementwise_ops(*set);
    add_reduce_ops(*set);
    add_move_ops(*set);
    add_index_ops(*set);
    add_contract_ops(*set);
    add_convolve_ops(*set);
    add_window_ops(*set);
    add_composite_ops(*set);
    add_control_ops(*set);
    add_fused_ops(*set);
    add_quantize_ops(*set);
    add_tflite_ops(*set);
    return set;
  }();
  return ops;
}

}  // namespace brisk
