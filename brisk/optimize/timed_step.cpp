#include "brisk/optimize/timed_step.h"

#include "brisk/train/model_step.h"

namespace brisk {
namespace {

constexpr int kBatches = 4;  ///< that are held in memory: more than a cache holds of most data

std::vector<Example> first_batches(const Dataset& data) {
  const auto iterator = data.iterator();
  std::vector<Example> batches;
  Example batch;
  while (batches.size() < kBatches && iterator->next(batch)) {
    if (batch[0].sizes()[0] != data.batch_size()) continue;  // an epoch's short last batch
    Example copy;
    for (const Tensor& tensor : batch) copy.push_back(tensor.clone());
    batches.push_back(std::move(copy));
  }
  require(!batches.empty(), "the training data has not one full batch of {} examples",
          data.batch_size());
  return batches;
}

}  // namespace

std::unique_ptr<Executable> compiled_training_step(const Job& job) {
  const auto backend = find_backend(job.trainer.backend).value();
  const StepOptions options{.loss = job.trainer.loss,
                            .metrics = job.trainer.metrics,
                            .optimizer = job.trainer.optimizer,
                            .precision = job.trainer.precision,
                            .accumulate = job.trainer.accumulate,
                            .disabled_passes = job.trainer.compile.disabled_passes,
                            .target = backend->target()};
  Model model = job.model;
  if (model.weights.empty()) model.initialize(job.trainer.seed);
  const Program program = make_training_step(model, options, job.recipe.batch_size);
  auto executable = compile(program, *backend, job.trainer.compile).executable;
  executable->bind_state(initial_step_state(program, model));
  return executable;
}

TimedStep TimedStep::training(const Job& job) {
  return {compiled_training_step(job), first_batches(job.train), job.recipe.batch_size};
}

TimedStep TimedStep::inference(const Model& model, const std::string& backend_name,
                               CompileOptions options, int64_t batch_size) {
  const auto backend = find_backend(backend_name).value();
  const ModelStep step = with_batch_in_state(make_model_step(
      model,
      {.batch_size = batch_size,
       .inference = true,
       .target = backend->target(),
       .disabled_passes = {options.disabled_passes.begin(), options.disabled_passes.end()}}));
  auto executable = compile(step.program, *backend, options).executable;
  executable->bind_state(step.state);
  return {std::move(executable), {}, batch_size};
}

void TimedStep::run() {
  if (batches_.empty())
    executable_->run({});
  else
    executable_->run(batches_[next_++ % batches_.size()]);
}

}  // namespace brisk
