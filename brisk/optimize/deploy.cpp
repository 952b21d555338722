#include "brisk/optimize/deploy.h"

#include "brisk/compress/fold_weights.h"
#include "brisk/optimize/bfloat16_model.h"

namespace brisk {
namespace {

void quantize_candidate(OptimizeContext& context, Candidate& candidate) {
  const OptimizeOptions& options = context.options;
  const Model folded = fold_weights(candidate.trained);
  const Dataset images = context.calibration_data();
  const ValueRanges ranges =
      calibrate_model(folded, images, {.threads = static_cast<int>(options.threads)});
  Deployment& deployment = candidate.deployment;
  QuantizeByMeasurementOptions how{
      .float_layers = deployment.slow_layers,
      .time_layers = !deployment.layers_timed,
      .keep_slow = options.target == OptimizeTarget::size,
      .time_batch_size = options.target == OptimizeTarget::throughput ? options.time_batch_size : 1,
      .threads = static_cast<int>(options.threads)};
  if (context.judges_accuracy()) {
    how.accuracy = [&](const Model& model) { return context.accuracy_of(model).value; };
    how.least_accuracy = context.start_accuracy - options.max_drop / 100;
  }
  QuantizedByMeasurement result = quantize_by_measurement(folded, ranges, images, how);
  for (const auto& [layer, reason] : result.float_layers)
    if (reason == kSlowInIntegers) deployment.slow_layers[layer] = reason;
  deployment.layers_timed = true;
  const auto in_integers =
      std::count_if(result.layers.begin(), result.layers.end(),
                    [](const MeasuredLayer& row) { return row.layer.quantized; });
  candidate.note += fmt::format("{}{} of {} products in int8", candidate.note.empty() ? "" : "; ",
                                in_integers, result.layers.size());
  candidate.served = std::move(result.quantized.model);
  candidate.layers = std::move(result.layers);
}

}  // namespace

void deploy(OptimizeContext& context, Candidate& candidate) {
  candidate.layers.clear();
  if (candidate.deployment.format == NumberFormat::int8)
    quantize_candidate(context, candidate);
  else if (candidate.deployment.format == NumberFormat::bf16)
    candidate.served = in_bfloat16(candidate.trained);
  else if (candidate.deployment.folded)
    candidate.served = fold_weights(candidate.trained);
  else
    candidate.served = candidate.trained;
}

}  // namespace brisk
