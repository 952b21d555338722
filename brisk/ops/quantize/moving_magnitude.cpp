#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/fake_quantize.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

Op moving_magnitude_op() {
  return Op{.name = "moving_magnitude", .kind = OpKind::composite}
      .doc("The moving average of the greatest |x|: in training moved by this x, else as it was.")
      .operands(2)
      .attributes<MovingMagnitudeAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<MovingMagnitudeAttributes>();
        const TensorType &x = context.tensor(0), &average = context.tensor(1);
        require(is_floating(x.dtype) && average.dtype == x.dtype && average.shape.rank() == 0,
                "[moving_magnitude] takes a floating x and one number of its type, not {} and {}",
                context.operands[0].to_string(), context.operands[1].to_string());
        require(attributes.ema_decay > 0 && attributes.ema_decay < 1,
                "[moving_magnitude] ema_decay is {}, but must be in (0, 1)", attributes.ema_decay);
        return {average};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<MovingMagnitudeAttributes>();
        const Value& average = context.in(1);
        if (!attributes.training) return {average};
        return {average - (average - reduce_max(abs(context.in(0)))) * (1 - attributes.ema_decay)};
      })
      .not_differentiable();
}

Value moving_magnitude(Value x, Value average, double ema_decay) {
  return x.builder->emit_one("moving_magnitude", {x, average},
                             MovingMagnitudeAttributes{.ema_decay = ema_decay});
}

}  // namespace brisk
