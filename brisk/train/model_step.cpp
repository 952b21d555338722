#include "brisk/train/model_step.h"

#include <algorithm>

#include "brisk/base/edit_distance.h"
#include "brisk/base/parallel.h"
#include "brisk/base/philox.h"
#include "brisk/base/tasks.h"
#include "brisk/train/optimizer.h"

namespace brisk {

ModelStep make_model_step(const Model& model, const ModelStepOptions& options) {
  StepOptions step;
  step.loss.label_smoothing = options.label_smoothing;
  step.metrics = options.metrics;
  step.optimizer = options.optimizer ? options.optimizer : adam();
  step.precision = options.precision;
  step.accumulate = options.accumulate;
  step.target = options.target;
  step.disabled_passes = {options.disabled_passes.begin(), options.disabled_passes.end()};
  ModelStep result;
  result.program = options.inference ? make_prediction_step(model, step, options.batch_size)
                                     : make_training_step(model, step, options.batch_size);
  result.state = options.inference ? in_types_of(result.program.state, model.weights)
                                   : initial_step_state(result.program, model);
  return result;
}

namespace {

/// How many numbers an integer input may be: the rows of the smallest table that it looks up, the
/// classes that it tells apart, else 2.
int64_t index_limit(const Graph& graph, size_t input) {
  int64_t limit = 0;
  const auto at_most = [&](int64_t count) { limit = limit == 0 ? count : std::min(limit, count); };
  for (const Node& node : graph.nodes()) {
    const bool looks_up = node.op->name == "embedding";
    if (!looks_up && node.op->name != "sparse_softmax_cross_entropy") continue;
    if (node.operands[1].node != graph.inputs()[input]) continue;
    const Shape& shape = graph.type(node.operands[0]).shape();
    at_most(shape.size(looks_up ? 0 : shape.rank() - 1));
  }
  return limit == 0 ? 2 : limit;
}

/// By pieces with streams of their own, the same on however many threads.
void fill_with_normals(std::span<float> values, uint64_t key) {
  constexpr size_t kPiece = 1 << 16;
  const size_t pieces = (values.size() + kPiece - 1) / kPiece;
  run_tasks(pieces, static_cast<size_t>(available_cores()), [&](size_t piece) {
    PhiloxSequence random(fold_key(key, piece));
    const size_t begin = piece * kPiece, count = std::min(kPiece, values.size() - begin);
    for (float& value : values.subspan(begin, count))
      value = static_cast<float>(random.next_normal());
  });
}

}  // namespace

std::vector<Tensor> synthetic_batch(const Program& program) {
  std::vector<Tensor> batch;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i) {
    const Type& type = program.graph.input_type(i);
    Tensor tensor = Tensor::zeros(type.dtype(), type.shape().sizes());
    if (type.dtype() == DType::f32) fill_with_normals(tensor.data<float>(), i);
    if (type.dtype() == DType::i32) {
      const auto limit = static_cast<uint64_t>(index_limit(program.graph, i));
      PhiloxSequence random(i);
      for (int32_t& value : tensor.data<int32_t>())
        value = static_cast<int32_t>(random.next_below(limit));
    }
    batch.push_back(std::move(tensor));
  }
  return batch;
}

ModelStep with_batch_in_state(ModelStep step) {
  for (Tensor& tensor : synthetic_batch(step.program)) {
    const size_t input = step.program.state.size();
    step.program.state.push_back({.name = "batch/" + step.program.graph.input_name(input),
                                  .type = step.program.graph.input_type(input),
                                  .role = StateRole::scalar,
                                  .trainable = false});
    step.state.push_back(std::move(tensor));
  }
  verify(step.program);
  return step;
}

Precision parse_precision(const std::string& name) {
  const auto names = enum_names(Precision{});
  const auto found = std::find(names.begin(), names.end(), name);
  require(found != names.end(), "there is no precision '{}'; there are: {}", name,
          fmt::join(names, ", "));
  return static_cast<Precision>(found - names.begin());
}

std::string_view short_name(Precision precision) {
  switch (precision) {
    case Precision::float32:
      return "f32";
    case Precision::mixed_bfloat16:
      return "bf16";
    case Precision::mixed_float16:
      return "fp16";
    case Precision::float64:
      return "f64";
    case Precision::tf32:
      return "tf32";
  }
  return "";
}

}  // namespace brisk
