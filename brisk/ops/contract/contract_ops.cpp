#include "brisk/ops/contract/contract_ops.h"

namespace brisk {

void add_contract_ops(OpSet& ops) {
  ops.add(dot_general_op());
}

}  // namespace brisk
