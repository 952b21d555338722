#include "brisk/cli/image_scale.h"

#include <fmt/format.h>

#include "brisk/ops/control/control.h"
#include "brisk/train/job.h"

namespace brisk::cli {
namespace {

/// The layer by which the model scales its first input itself; empty without one.
std::string own_scaling(const Graph& graph, NodeId input) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name != "call" || node.operands.empty() || node.operands[0].node != input)
      continue;
    const auto& layer = node.attributes.as<CallAttributes>();
    if (layer.kind == "Rescaling" || layer.kind == "Normalization") return layer.name;
    // A model inside of the model may begin with it.
    for (const Graph& region : node.regions)
      if (std::string name = own_scaling(region, region.inputs()[0]); !name.empty()) return name;
  }
  return "";
}

}  // namespace

void add_image_scale_options(CLI::App& verb, ImageScale& scale) {
  verb.add_option("--mean", scale.mean,
                  "What is subtracted from pixels (0 to 255) before the model: a number, or one a "
                  "channel; else 0");
  verb.add_option("--std", scale.std,
                  "What they are divided by then; else 1 where the model begins with Rescaling or "
                  "Normalization, and 255 where it does not")
      ->check(CLI::PositiveNumber);
}

std::string image_preprocessing(const Package& package, const ImageScale& scale) {
  const Graph& graph = package.program.graph;
  const size_t first = package.program.state.size();
  if (graph.inputs().size() <= first) return "";
  const Shape& shape = graph.input_type(first).shape();
  const bool given = !scale.mean.empty() || !scale.std.empty();
  if (shape.rank() != 4) {
    require(!given, "--mean and --std are for a model that takes images [height, width, channels]");
    return "";
  }
  std::vector<int64_t> sizes;
  for (int64_t axis = 1; axis < 4; ++axis) {
    if (shape[axis].is_named()) return "";
    sizes.push_back(shape.size(axis));
  }
  for (const std::vector<double>* numbers : {&scale.mean, &scale.std})
    require(numbers->size() <= 1 || static_cast<int64_t>(numbers->size()) == sizes[2],
            "{} numbers are given, but images have {} channels: give one, or one for each",
            numbers->size(), sizes[2]);
  const std::string layer = own_scaling(graph, graph.inputs()[first]);
  Recipe recipe;
  if (!layer.empty()) recipe.std = {1};
  if (!scale.mean.empty()) recipe.mean = scale.mean;
  if (!scale.std.empty()) recipe.std = scale.std;
  fmt::print("images go in as (pixel - {}) / {}{}\n", fmt::join(recipe.mean, " "),
             fmt::join(recipe.std, " "),
             given           ? ""
             : layer.empty() ? "; another scale by --mean and --std"
                             : fmt::format(": '{}' scales them", layer));
  return preprocessing_text(recipe, sizes);
}

}  // namespace brisk::cli
