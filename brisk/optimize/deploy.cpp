#include "brisk/optimize/deploy.h"

#include <algorithm>

#include "brisk/compress/dynamic_quantization.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/rounding/round_filters.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/optimize/bfloat16_model.h"
#include "brisk/train/model_step.h"

namespace brisk {
namespace {

int64_t timed_batch_size(const OptimizeOptions& options) {
  return options.target == OptimizeTarget::throughput ? options.time_batch_size : 1;
}

void note_integers(Candidate& candidate) {
  const auto integers = std::count_if(candidate.layers.begin(), candidate.layers.end(),
                                      [](const MeasuredLayer& row) { return row.layer.quantized; });
  candidate.note += fmt::format("{}{} of {} products in int8", candidate.note.empty() ? "" : "; ",
                                integers, candidate.layers.size());
}

void quantize_candidate(OptimizeContext& context, Candidate& candidate) {
  const OptimizeOptions& options = context.options;
  const Model folded = fold_weights(candidate.trained);
  const Dataset images = context.calibration_data();
  const ValueRanges ranges =
      candidate.ranges
          ? *candidate.ranges
          : calibrate_model(folded, images, {.threads = static_cast<int>(options.threads)});
  Deployment& deployment = candidate.deployment;
  QuantizeByMeasurementOptions how{.float_layers = deployment.slow_layers,
                                   .time_layers = !deployment.layers_timed,
                                   .keep_slow = options.target == OptimizeTarget::size,
                                   .time_batch_size = timed_batch_size(options),
                                   .threads = static_cast<int>(options.threads)};
  if (context.judges_accuracy()) {
    how.accuracy = [&](const Model& model) { return context.accuracy_of(model).value; };
    how.least_accuracy = context.start_accuracy - options.max_drop / 100 - 1e-6;
    // Trained ranges come with weights that were trained for the nearest integers.
    if (!candidate.ranges)
      how.rounding = [&] {
        return round_filters(folded, plan_quantization(folded.program, {}).products, images,
                             {.threads = static_cast<int>(options.threads)});
      };
  }
  QuantizedByMeasurement result = quantize_by_measurement(folded, ranges, images, how);
  for (const auto& [layer, reason] : result.float_layers)
    if (reason == kSlowInIntegers) deployment.slow_layers[layer] = reason;
  deployment.layers_timed = true;
  candidate.served = std::move(result.quantized.model);
  candidate.layers = std::move(result.layers);
  note_integers(candidate);
  if (result.rounded) candidate.note += ", rounded by what they multiply";
}

/// The two forms that need no ranges: what they cost without data shows in the results, beside
/// those of the floats on made-up inputs.
void quantize_candidate_without_ranges(OptimizeContext& context, Candidate& candidate) {
  const OptimizeOptions& options = context.options;
  const Model folded = fold_weights(candidate.trained);
  FloatLayers& slow = candidate.deployment.slow_layers;
  const bool has_bf16 = (*find_backend(options.backend))->supports_fast(DType::bf16).ok();
  const auto quantize = [&] {
    return candidate.deployment.format == NumberFormat::dynamic_int8
               ? quantize_dynamically(folded, names_of(slow))
               : quantize_weights_only(folded, names_of(slow),
                                       {.activations = has_bf16 ? DType::bf16 : DType::f32});
  };
  QuantizedModel quantized = quantize();
  if (!candidate.deployment.layers_timed) {
    candidate.layers =
        time_layers(folded, quantized,
                    {timed_batch_size(options), static_cast<int>(options.threads), options.rounds});
    if (options.target != OptimizeTarget::size) add_slow_layers(candidate.layers, slow);
    quantized = quantize();
    candidate.deployment.layers_timed = true;
  } else {
    for (const QuantizedLayer& layer : quantized.layers) candidate.layers.push_back({layer});
  }
  set_outcome(quantized, slow, candidate.layers);
  candidate.served = std::move(quantized.model);
  note_integers(candidate);
  if (!context.judges_accuracy())
    candidate.note += fmt::format(
        ", {:.1f} dB of its results",
        output_sqnr(folded, candidate.served,
                    synthetic_batch(
                        make_model_step(folded, {.batch_size = 1, .inference = true}).program)));
}

}  // namespace

void deploy(OptimizeContext& context, Candidate& candidate) {
  candidate.layers.clear();
  const Deployment& deployment = candidate.deployment;
  if (deployment.format == NumberFormat::int8)
    quantize_candidate(context, candidate);
  else if (deployment.format == NumberFormat::dynamic_int8 ||
           deployment.format == NumberFormat::weight_only_int8)
    quantize_candidate_without_ranges(context, candidate);
  else if (deployment.format == NumberFormat::bf16)
    candidate.served = in_bfloat16(candidate.trained);
  else if (deployment.folded)
    candidate.served = fold_weights(candidate.trained);
  else
    candidate.served = candidate.trained;
}

Result<Candidate> in_integers(OptimizeContext& context, const Candidate& best,
                              NumberFormat format) {
  Candidate integers = best;
  if (best.deployment.format != format) {
    integers.deployment.format = format;
    integers.deployment.slow_layers.clear();
    integers.deployment.layers_timed = false;
  }
  deploy(context, integers);
  if (std::any_of(integers.layers.begin(), integers.layers.end(),
                  [](const MeasuredLayer& row) { return row.layer.quantized; }))
    return integers;
  const auto reason =
      std::find_if(integers.layers.begin(), integers.layers.end(),
                   [](const MeasuredLayer& row) { return !row.layer.reason.empty(); });
  return fail("no product is in int8 in the end{}",
              reason == integers.layers.end()
                  ? ""
                  : "; the first one stays float: " + reason->layer.reason);
}

}  // namespace brisk
