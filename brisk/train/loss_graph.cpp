#include "brisk/train/loss_graph.h"

#include "brisk/nn/metrics.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/passes/change_precision.h"
#include "brisk/passes/mixed_precision.h"
#include "brisk/passes/pipeline.h"

namespace brisk {

Program make_forward_program(const Model& model, const StepOptions& options, int64_t batch_size,
                             bool training) {
  require(batch_size > 0, "the batch size is {}, but must be positive", batch_size);
  Program program = training ? for_training(model.program) : for_inference(model.program);
  program = bind_dimensions(program, {{"batch", batch_size}});
  std::vector<Pass> passes = forward_pipeline();
  if (options.precision == Precision::mixed_bfloat16 ||
      options.precision == Precision::mixed_float16) {
    const DType type = options.precision == Precision::mixed_bfloat16 ? DType::bf16 : DType::f16;
    passes.push_back(
        {"mixed_precision", Phase::meaning,
         [type](Program p, const PassContext&) { return mixed_precision(std::move(p), type); },
         true});
  } else if (options.precision == Precision::float64) {
    passes.push_back({"change_precision", Phase::meaning,
                      [](Program p, const PassContext&) {
                        return change_precision(std::move(p), DType::f32, DType::f64);
                      },
                      true});
  }
  if (training)
    for (Pass& pass : differentiation_pipeline()) passes.push_back(std::move(pass));
  PassContext context;
  context.target = options.target;
  context.disabled = disabled_in(passes, options.disabled_passes);
  context.verify = false;
  return run_pipeline(std::move(program), passes, context);
}

Program make_loss_program(const Model& model, const StepOptions& options, int64_t batch_size,
                          bool training) {
  const Program forward = make_forward_program(model, options, batch_size, training);
  require(forward.num_results >= 1, "model '{}' has no output", model.name);
  Builder builder(forward.graph.ops(), model.name + (training ? "_train" : "_evaluate"));
  const Distillation* distillation = training ? options.distillation.get() : nullptr;
  if (distillation != nullptr) distillation->require_fits(model);
  const Program teacher = distillation != nullptr ? make_forward_program(distillation->teacher(),
                                                                         options, batch_size, false)
                                                  : Program();

  std::vector<Value> inputs, of_teacher;
  for (size_t i = 0; i < forward.graph.inputs().size(); ++i) {
    if (i == forward.state.size())
      for (const StateEntry& entry : teacher.state)
        of_teacher.push_back(builder.input(teacher_entry(entry.name), entry.type));
    inputs.push_back(builder.input(forward.graph.input_name(i), forward.graph.input_type(i)));
  }
  const std::vector<Value> outputs = builder.inline_graph(forward.graph, inputs);
  Value taught;
  if (distillation != nullptr) {
    of_teacher.insert(of_teacher.end(),
                      inputs.begin() + static_cast<std::ptrdiff_t>(forward.state.size()),
                      inputs.end());
    taught = builder.inline_graph(teacher.graph, of_teacher)[0];
  }
  const LabelScope label(builder, "loss");
  const Value predictions = outputs[0];
  const Value targets = builder.input("targets", target_type(predictions.type(), options.loss));

  std::vector<Builder::Output> results;
  Value losses = per_example_loss(predictions, targets, options.loss);
  if (distillation != nullptr) losses = distillation->per_example_loss(predictions, taught, losses);
  results.push_back({"loss", reduce_mean(losses)});
  for (const std::string& metric : options.metrics)
    results.push_back({metric, reduce_mean(per_example_metric(metric, predictions, targets))});
  Program program = forward;
  for (StateEntry entry : teacher.state) {
    entry.name = teacher_entry(entry.name);
    entry.trainable = false;
    program.state.push_back(std::move(entry));
  }
  program.num_results = static_cast<int64_t>(results.size());
  for (size_t j = 0; j < forward.updates.size(); ++j) {
    const auto output = static_cast<size_t>(forward.num_results) + j;
    results.push_back({forward.graph.outputs()[output].name, outputs[output]});
  }
  program.graph = builder.finish(results);
  return program;
}

}  // namespace brisk
