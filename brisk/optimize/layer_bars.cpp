#include "brisk/optimize/layer_bars.h"

#include "brisk/compress/fold_weights.h"
#include "brisk/optimize/layer_times.h"

namespace brisk {
namespace {

std::set<std::string> integer_layers(const Model& model) {
  std::set<std::string> labels;
  for (const Node& node : model.program.graph.nodes())
    if (node.op->name == "quantized_convolution" || node.op->name == "quantized_dot" ||
        node.op->name == "weight_only_dot")
      labels.insert(node.label);
  return labels;
}

}  // namespace

std::vector<LayerBar> layer_bars(const OptimizeContext& context, const Candidate& best,
                                 int64_t batch_size) {
  if (context.options.backend != "cpu") return {};
  const LayerTimeOptions how{batch_size, static_cast<int>(context.options.threads), 20};
  const Model folded = fold_weights(best.trained);
  const std::map<std::string, double> before = layer_times(folded, {}, how),
                                      after = layer_times(best.served, {}, how);
  const std::set<std::string> integers = integer_layers(best.served);
  const std::string plain = best.deployment.format == NumberFormat::bf16 ? "bf16" : "f32";
  std::vector<LayerBar> bars;
  std::set<std::string> seen;
  const auto add = [&](const std::string& label) {
    if (!seen.insert(label).second) return;
    const auto time = [&](const std::map<std::string, double>& times) {
      const auto found = times.find(label);
      return found == times.end() ? 0.0 : found->second;
    };
    if (time(before) + time(after) > 0)
      bars.push_back({label.empty() ? "(no layer)" : label,
                      integers.contains(label) ? "int8" : plain, time(before), time(after)});
  };
  for (const Node& node : folded.program.graph.nodes()) add(node.label);
  for (const auto& [label, milliseconds] : before) add(label);
  for (const auto& [label, milliseconds] : after) add(label);
  return bars;
}

}  // namespace brisk
