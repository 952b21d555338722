// Graphs that are read are also run: lowered, and evaluated by the reference backend. A graph that
// verifies must run or be refused as the caller's fault; anything else is a defect.

#include "brisk/ir/op.h"
#include "brisk/ir/text.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace {

constexpr int64_t kMostElements = 1 << 14;
constexpr int64_t kMostTrips = 64;
constexpr size_t kMostNodes = 200;

/// Small enough to be run within a second.
bool is_small(const brisk::Graph& graph) {
  if (graph.nodes().size() > kMostNodes) return false;
  int64_t elements = 0;
  for (const brisk::Node& node : graph.nodes()) {
    for (const brisk::Type& type : node.results) {
      if (!type.is_tensor() || brisk::bits(type.dtype()) < 8) return false;
      elements += type.shape().num_elements();
      if (elements > kMostElements) return false;
    }
    if (node.op->name == "loop") {
      const int64_t trips = node.attributes.as<brisk::LoopAttributes>().max_trips;
      if (trips == 0 || trips > kMostTrips) return false;
    }
    if (node.op->name == "scan" && node.attributes.as<brisk::ScanAttributes>().trips > kMostTrips)
      return false;
    for (const brisk::Graph& region : node.regions)
      if (!is_small(region)) return false;
  }
  return true;
}

void run(const brisk::Program& program) {
  const auto backend = brisk::find_backend("reference").value();
  const brisk::Compilation compiled = brisk::compile(program, *backend, {.verify = true});
  std::vector<brisk::Tensor> inputs;
  for (size_t i = 0; i < program.graph.inputs().size(); ++i) {
    const brisk::Type& type = program.graph.input_type(i);
    brisk::Tensor& input =
        inputs.emplace_back(brisk::Tensor::zeros(type.dtype(), type.shape().sizes()));
    for (int64_t e = 0; e < input.num_elements(); ++e) input.set(e, static_cast<double>(e % 3));
  }
  compiled.executable->run(inputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto graph =
      brisk::parse_graph({reinterpret_cast<const char*>(bytes), size}, brisk::standard_ops());
  if (!graph || !graph->dimensions().empty()) return 0;
  try {
    if (!is_small(*graph)) return 0;
    run({.graph = *graph, .num_results = static_cast<int64_t>(graph->outputs().size())});
  } catch (const brisk::UserError&) {  // a size that overflows, a type that no kernel takes
  }
  return 0;
}
