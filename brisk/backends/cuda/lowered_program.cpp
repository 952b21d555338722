#include "brisk/backends/cuda/lowered_program.h"

#include <algorithm>
#include <cstdlib>

#include "brisk/backends/cuda/api/entry_points.h"
#include "brisk/passes/fuse_loops.h"
#include "brisk/runtime/lower/split_preparation.h"

namespace brisk::cuda {
namespace {

/// What a tuned choice depends on besides the device.
std::string library_versions() {
  std::string text;
  for (const LibraryReport& library : library_reports())
    text += fmt::format("{} {};", library.name, library.version);
  return text;
}

bool preparation_wanted() {
  const char* value = std::getenv("BRISK_CUDA_PREPARE");
  return value == nullptr || std::string_view(value) != "0";
}

}  // namespace

LoweredProgram::LoweredProgram(const Program& lowered, const CompileOptions& options,
                               const DeviceProperties& properties, const DevicePtr& device)
    : program_(lowered), num_given_state_(lowered.state.size()), properties_(properties) {
  // Whatever loop op is still alone becomes a loop of its own: there is one code path for both.
  program_.graph = one_loop_an_op(program_.graph);
  std::optional<SplitProgram> split;
  if (preparation_wanted()) split = split_preparation(program_);
  if (split) program_ = split->program;
  if (device)
    tuning_ = std::make_unique<TuningDatabase>(properties_, library_versions(), options.cache);
  prepare_ = std::make_unique<PrepareContext>(PrepareContext{code_, device, tuning_.get()});
  const ScheduleContext context{properties_, *prepare_, constants_,
                                options.determinism != Determinism::none, options.tf32};
  const auto choose_kernels = [&] {
    schedule_ = std::make_unique<Schedule>(program_.graph, context, constant_inputs());
    if (split) preparation_ = std::make_unique<Schedule>(split->preparation, context);
  };
  choose_kernels();
  // Where another process measured the same meanwhile, its choices are the ones that stand: runs
  // with one cache are equal to the last bit.
  while (tuning_ && tuning_->save() > 0) choose_kernels();
  for (size_t j = 0; j < program_.updates.size(); ++j)
    in_place_.push_back(schedule_->output_may_overwrite(
        static_cast<size_t>(program_.num_results) + j, static_cast<size_t>(program_.updates[j])));
}

std::vector<bool> LoweredProgram::constant_inputs() const {
  if (!preparation_wanted()) return {};
  std::vector<bool> constant = constant_state(program_);
  constant.resize(program_.graph.inputs().size(), false);
  return constant;
}

int64_t LoweredProgram::arena_bytes() const {
  return std::max(schedule_->arena_bytes(), preparation_ ? preparation_->arena_bytes() : 0);
}

int64_t LoweredProgram::counter_bytes() const {
  return std::max(schedule_->counter_bytes(), preparation_ ? preparation_->counter_bytes() : 0);
}

}  // namespace brisk::cuda
