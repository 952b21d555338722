#include "brisk/cli/predict_tensors.h"

#include <fmt/format.h>

#include "brisk/cli/library_warning.h"
#include "brisk/formats/safetensors/safetensors.h"
#include "brisk/passes/pipeline.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

/// Sizes of the named dimensions, from the tensors that are given.
void bind_from(const Type& type, const Tensor& tensor, const std::string& name, Binding& binding) {
  require(tensor.rank() == type.rank(), "the input '{}' must be {}, but is {}", name,
          type.to_string(), tensor.describe());
  for (int64_t axis = 0; axis < type.rank(); ++axis) {
    const Extent& extent = type.shape()[axis];
    const int64_t size = tensor.sizes()[static_cast<size_t>(axis)];
    if (!extent.is_named()) continue;
    const auto [found, is_new] = binding.emplace(extent.name(), size);
    require(is_new || found->second == size, "the dimension '{}' is {} in one input and {} in '{}'",
            extent.name(), found->second, size, name);
  }
}

}  // namespace

void predict_tensors(const Model& model, const TensorPrediction& options) {
  const SafetensorsFile given = read_safetensors(options.inputs).value();
  const Program inference = for_inference(model.program);
  const size_t num_state = inference.state.size();
  Binding binding;
  std::vector<Tensor> inputs;
  for (size_t i = num_state; i < inference.graph.inputs().size(); ++i) {
    const std::string& name = inference.graph.input_name(i);
    const Type& type = inference.graph.input_type(i);
    const Tensor& tensor = given.at(name);
    bind_from(type, tensor, name, binding);
    inputs.push_back(tensor.dtype() == type.dtype() ? tensor : tensor.cast(type.dtype()));
  }
  const std::shared_ptr<const Backend> backend = find_backend(options.backend).value();
  CompileOptions compile_options;
  compile_options.threads = static_cast<int>(options.threads);
  const Compilation compilation =
      compile(bind_dimensions(inference, binding), *backend, compile_options);
  warn_of_missing_libraries(*backend, *compilation.executable);
  compilation.executable->bind_state(model.weights);
  const std::span<const Tensor> results = compilation.executable->run(inputs);
  std::vector<NamedTensor> outputs;
  for (size_t r = 0; r < results.size(); ++r) {
    outputs.push_back({inference.graph.outputs()[r].name, results[r]});
    fmt::print("{}: {}\n", outputs.back().name, results[r].describe());
  }
  if (Status s = write_safetensors(options.outputs, outputs); !s) refuse("{}", s.error());
}

}  // namespace brisk::cli
