#include "brisk/ops/move/unpack_integers.h"

#include "brisk/base/error.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

namespace brisk {

Op unpack_integers_op() {
  return move("unpack_integers")
      .doc("Integers of 4 bits, two of which share a byte, as integers of 8 bits.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const TensorType& x = context.tensor(0);
        require(x.dtype == DType::i4, "[unpack_integers] takes i4, not {}", name(x.dtype));
        return {Type(DType::i8, x.shape)};
      })
      .not_differentiable();
}

Value unpack_integers(Value x) {
  require(x.defined(), "[unpack_integers] its operand is not defined");
  return x.builder->emit_one("unpack_integers", {x});
}

}  // namespace brisk
