#include "brisk/ops/source/source_ops.h"

namespace brisk {

void add_source_ops(OpSet& set) {
  for (auto make : {input_op, constant_op, iota_op}) set.add(make());
  add_random_ops(set);
}

}  // namespace brisk
