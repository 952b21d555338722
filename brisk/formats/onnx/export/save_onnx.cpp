#include "brisk/formats/onnx/export/save_onnx.h"

#include <algorithm>

#include "brisk/base/file.h"
#include "brisk/formats/onnx/canonical/formulas.h"
#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/formats/onnx/export/plain_ops.h"
#include "brisk/formats/onnx/schema/write.h"
#include "brisk/ops/quantize/weight_only.h"
#include "brisk/passes/decompose_composites.h"
#include "brisk/passes/inline_calls.h"
#include "brisk/passes/simplify.h"

namespace brisk::onnx {
namespace {

constexpr int kOldest = 17, kNewest = 25;

/// ONNX's attention gives none.
bool reads_attention_statistics(const Graph& graph) {
  const auto is_statistics = [&](ValueId value) {
    return value.result == 1 && graph.node(value.node).op->name == "dot_product_attention";
  };
  for (const NamedValue& output : graph.outputs())
    if (is_statistics(output.value)) return true;
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) {
    return std::any_of(node.operands.begin(), node.operands.end(), is_statistics) ||
           std::any_of(node.regions.begin(), node.regions.end(), reads_attention_statistics);
  });
}

/// The forward graph as ops that have writers: no layers, no composites that ONNX lacks.
Program writable(const Model& model, const SaveOptions& options, int opset) {
  Program program = bind_dimensions(for_inference(model.program), options.dimensions);
  PassContext context;
  context.target.name = "onnx";
  context.target.native_composites = {"softmax",       "log_softmax",    "batch_norm",
                                      "layer_norm",    "dropout",        "embedding",
                                      "reduce_mean",   "one_hot",        "quantized_convolution",
                                      "quantized_dot", "weight_only_dot"};
  program = inline_calls(std::move(program), context);
  program.graph = in_plain_ops(program.graph);
  if (opset >= 23 && !reads_attention_statistics(program.graph))
    context.target.native_composites.insert("dot_product_attention");
  program = decompose_composites(std::move(program), context);
  program.graph = written_out(in_plain_ops(program.graph), opset);
  return simplify(std::move(program), context);
}

/// The oldest that has what the graph needs.
int oldest_opset(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name == "weight_only_dot" &&
        node.attributes.as<WeightOnlyAttributes>().block_size > 0)
      return kOpsetOfBlocks;
    for (const Type& type : node.results)
      if (type.is_tensor() && type.dtype() == DType::i4) return kOpsetOfBlocks;
    for (const Graph& region : node.regions)
      if (oldest_opset(region) > kOldest) return kOpsetOfBlocks;
  }
  return kOldest;
}

int64_t ir_version(int64_t opset) {
  return opset <= 18 ? 8 : opset <= 20 ? 9 : opset <= 22 ? 10 : 11;
}

}  // namespace

Result<ModelDef> to_onnx(const Model& model, const SaveOptions& options) {
  const int opset = options.version == 0 ? oldest_opset(model.program.graph) : options.version;
  if (opset < kOldest || opset > kNewest)
    return fail("brisk writes ONNX of opset {} to {}, not {}", kOldest, kNewest, opset);
  if (model.weights.size() != model.program.state.size())
    return fail("the model has {} weights for {} state entries: initialise or load it first",
                model.weights.size(), model.program.state.size());
  try {
    const Program program = writable(model, options, opset);
    const Graph& graph = program.graph;
    Emitter emitter(graph, opset);
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      const ValueId value{graph.inputs()[i], 0};
      if (i < program.state.size()) {
        emitter.set_known(value, program.state[i].name, model.weights[i]);
        continue;
      }
      emitter.set_input(value, graph.input_name(i));
      emitter.result().inputs.push_back({graph.input_name(i), type_def(graph.input_type(i))});
    }
    for (const NamedValue& output : graph.outputs()) emitter.fresh(output.name);
    write_nodes(emitter);
    emitter.set_label("");
    for (size_t i = 0; i < static_cast<size_t>(program.num_results); ++i) {
      const NamedValue& output = graph.outputs()[i];
      emitter.rename_output(emitter.plain(output.value), output.name);
      emitter.result().outputs.push_back({output.name, type_def(graph.output_type(i))});
    }
    ModelDef file;
    file.graph = emitter.take();
    file.graph.name = model.name.empty() ? "model" : model.name;
    file.ir_version = ir_version(opset);
    file.producer = "brisk";
    file.opsets[""] = opset;
    return file;
  } catch (const UserError& error) {
    return Failure{error.what()};
  }
}

Status save_onnx(const Model& model, const std::filesystem::path& path,
                 const SaveOptions& options) {
  const Result<ModelDef> file = to_onnx(model, options);
  if (!file) return fail("{}: {}", path.string(), file.error());
  // A model of more than protobuf's 2 GiB has its weights beside it, whatever is asked for.
  constexpr int64_t kLargest = (int64_t{1} << 31) - (1 << 24);
  if (options.external_data || weight_bytes(*file) > kLargest) {
    const std::string beside = path.filename().string() + ".data";
    const ExternalLayout layout = external_layout(file->graph, beside);
    const Result<std::string> bytes = write_model(*file, layout);
    if (!bytes) return fail("{}: {}", path.string(), bytes.error());
    // The weights first: a model that is there finds them.
    const std::filesystem::path data = path.parent_path() / beside;
    if (Status s = write_external_data(file->graph, layout, data); !s) return s;
    return write_file_atomically(path, *bytes);
  }
  const Result<std::string> bytes = write_model(*file);
  if (!bytes) return fail("{}: {}", path.string(), bytes.error());
  return write_file_atomically(path, *bytes);
}

}  // namespace brisk::onnx
