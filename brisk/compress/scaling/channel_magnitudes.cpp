#include "brisk/compress/scaling/channel_magnitudes.h"

#include <numeric>

#include "brisk/compress/calibration.h"
#include "brisk/compress/observed_values.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

ChannelMagnitudes channel_magnitudes(const Model& model, std::span<const ObservedChannels> values,
                                     const Dataset& data, int threads) {
  ChannelMagnitudes result;
  if (values.empty()) return result;
  Builder builder(model.program.graph.ops(), model.program.graph.name());
  std::vector<Builder::Output> outputs;
  std::vector<ValueId> observed;
  for (const ObservedChannels& channels : values) observed.push_back(channels.value);
  for (const Value& value : observed_values(builder, model.program, observed)) {
    std::vector<int64_t> axes(static_cast<size_t>(value.rank() - values[outputs.size()].axes));
    std::iota(axes.begin(), axes.end(), 0);
    outputs.push_back({fmt::format("{}", outputs.size()), reduce_max(abs(value), axes)});
  }
  const Program program = observing(builder, model.program, outputs);
  const std::vector<Tensor> found = mean_results(program, model.weights, data, threads);
  for (size_t i = 0; i < values.size(); ++i)
    result[values[i].value] = found[i].reshaped({found[i].num_elements()});
  return result;
}

}  // namespace brisk
