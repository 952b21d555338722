#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/package_job.h"
#include "brisk/cli/verb.h"
#include "brisk/ir/text.h"
#include "brisk/ops/control/control.h"

namespace brisk::cli {
namespace {

struct Options {
  std::string model;
  bool json = false, text = false;
};

struct LayerRow {
  std::string name, kind, output;
  int64_t parameters = 0;
};

/// Layers are the "call" nodes; their parameters are the state entries among their operands.
std::vector<LayerRow> layers(const Model& model) {
  std::vector<LayerRow> rows;
  const Graph& graph = model.program.graph;
  std::map<NodeId, size_t> entry_of;
  for (size_t i = 0; i < model.program.state.size(); ++i) entry_of[graph.inputs()[i]] = i;
  for (const Node& node : graph.nodes()) {
    if (node.op->name != "call") continue;
    const auto& call = node.attributes.as<CallAttributes>();
    LayerRow row{call.name, call.kind, node.results[0].to_string()};
    for (const ValueId& operand : node.operands) {
      const auto entry = entry_of.find(operand.node);
      if (entry == entry_of.end()) continue;
      const StateEntry& state = model.program.state[entry->second];
      if (state.role == StateRole::parameter || state.role == StateRole::statistic)
        row.parameters += state.type.shape().num_elements();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

int run(const Options& options) {
  const Model model = open_model(options.model);
  if (options.text) {
    fmt::print("{}", print(model.program));
    return kDone;
  }
  int64_t bytes = 0, all = 0;
  for (const StateEntry& entry : model.program.state) {
    bytes += byte_size(entry.type.dtype(), entry.type.shape().num_elements());
    if (entry.role == StateRole::parameter || entry.role == StateRole::statistic) all += entry.type.shape().num_elements();
  }
  if (options.json) {
    Json json = {{"name", model.name}, {"parameters", all}, {"trainable", model.num_parameters()}, {"bytes", bytes},
                 {"class_names", model.class_names}, {"layers", Json::array()}};
    for (const LayerRow& row : layers(model))
      json["layers"].push_back({{"name", row.name}, {"kind", row.kind}, {"output", row.output}, {"parameters", row.parameters}});
    fmt::print("{}\n", json.dump());
    return kDone;
  }
  fmt::print("{}\n\n{:32} {:24} {:32} {:>12}\n", model.name, "layer", "kind", "output", "parameters");
  for (const LayerRow& row : layers(model)) fmt::print("{:32} {:24} {:32} {:>12}\n", row.name, row.kind, row.output, row.parameters);
  fmt::print("\n{} parameters, {} of them trained, {:.2f} MB\n", all, model.num_parameters(), static_cast<double>(bytes) / 1e6);
  return kDone;
}

}  // namespace

void add_inspect(CLI::App& app, int& code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("inspect", "Layers, shapes and sizes of a model");
  verb->footer("Example:\n  brisk inspect runs/first/model\n  brisk inspect resnet50 --json");
  verb->add_option("model", options->model, "A model package, or a model's name")->required();
  verb->add_flag("--text", options->text, "Print the whole program as text");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options, &code] { code = run(*options); });
}

}  // namespace brisk::cli
