#include "brisk/backends/cuda/lowered_program.h"

#include "brisk/backends/cuda/api/entry_points.h"
#include "brisk/passes/fuse_loops.h"

namespace brisk::cuda {
namespace {

/// What a tuned choice depends on besides the device.
std::string library_versions() {
  std::string text;
  for (const LibraryReport& library : library_reports())
    text += fmt::format("{} {};", library.name, library.version);
  return text;
}

}  // namespace

LoweredProgram::LoweredProgram(const Program& lowered, const CompileOptions& options,
                               const DeviceProperties& properties, const DevicePtr& device)
    : program_(lowered), properties_(properties) {
  // Whatever loop op is still alone becomes a loop of its own: there is one code path for both.
  program_.graph = one_loop_an_op(program_.graph);
  if (device)
    tuning_ = std::make_unique<TuningDatabase>(properties_, library_versions(), options.cache);
  prepare_ = std::make_unique<PrepareContext>(PrepareContext{code_, device, tuning_.get()});
  const ScheduleContext context{properties_, *prepare_, constants_, options.deterministic};
  schedule_ = std::make_unique<Schedule>(program_.graph, context, constant_inputs());
  if (tuning_) tuning_->save();
  for (size_t j = 0; j < program_.updates.size(); ++j)
    in_place_.push_back(schedule_->output_may_overwrite(
        static_cast<size_t>(program_.num_results) + j, static_cast<size_t>(program_.updates[j])));
}

std::vector<bool> LoweredProgram::constant_inputs() const {
  std::vector<bool> constant(program_.graph.inputs().size(), false);
  for (size_t i = 0; i < program_.state.size(); ++i)
    constant[i] = program_.state[i].role != StateRole::scalar;
  for (const int64_t updated : program_.updates) constant[static_cast<size_t>(updated)] = false;
  return constant;
}

}  // namespace brisk::cuda
