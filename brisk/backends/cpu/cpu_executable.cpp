#include "brisk/backends/cpu/cpu_executable.h"

#include <cstring>

#include "brisk/backends/cpu/loop_library.h"
#include "brisk/backends/cpu/schedule.h"
#include "brisk/base/parallel.h"
#include "brisk/passes/fuse_loops.h"
#include "brisk/runtime/lower/split_preparation.h"

// What depends on unchanging state alone is computed in the first run after a bind
// (runtime/lower/split_preparation.h). State is updated in place where the schedule proves that
// nobody reads the old value after the new one is written; otherwise an entry has two buffers that
// change roles after each run. The schedule's inputs are state, prepared values, the run's inputs.

namespace brisk::cpu {
namespace {

class CpuExecutable final : public Executable {
 public:
  CpuExecutable(const Program& lowered, const CompileOptions& options)
      : program_(lowered), threads_(options.threads > 0 ? options.threads : available_cores()) {
    set_library_threads(threads_);
    // Whatever loop op is still alone becomes a loop of its own: there is one code path for both.
    program_.graph = one_loop_an_op(program_.graph);
    LoopCompileOptions loop_options;
    loop_options.cache = options.cache;
    loop_options.threads = threads_;
    loops_ = std::make_unique<LoopLibrary>(program_.graph, loop_options);
    if (const std::optional<SplitProgram> split = split_preparation(program_)) {
      const ScheduleOptions of_state{threads_, loops_.get(), constant_state(program_)};
      preparation_ = std::make_unique<Schedule>(split->preparation, of_state);
      for (size_t i = 0; i < split->preparation.outputs().size(); ++i) {
        const Type& type = split->preparation.output_type(i);
        prepared_.emplace_back(type.dtype(), type.shape().sizes());
      }
      program_.graph = split->program.graph;
    }
    const ScheduleOptions schedule_options{threads_, loops_.get(), constant_inputs()};
    schedule_ = std::make_unique<Schedule>(program_.graph, schedule_options);
    arena_ = allocate_aligned(schedule_->arena_bytes());
    place_updates();
  }

  void bind_state(std::span<const Tensor> state) override {
    require(state.size() == program_.state.size(),
            "the program has {} state entries, but {} are given", program_.state.size(),
            state.size());
    for (size_t i = 0; i < state.size(); ++i) {
      check(program_.state[i].name, program_.state[i].type, state[i]);
      current_[i] = state[i].clone();
      if (other_[i].defined()) other_[i] = Tensor(state[i].dtype(), state[i].sizes());
    }
    bound_ = true;
    forget_prepared();
  }

  std::vector<Tensor> state() const override {
    std::vector<Tensor> result;
    for (size_t i = 0; i < current_.size(); ++i) result.push_back(state(i));
    return result;
  }
  Tensor state(size_t index) const override {
    check_entry(index);
    require(bound_, "the state of a program was asked for before it was bound");
    return current_[index].clone();
  }

  void set_state(size_t index, const Tensor& value) override {
    check_entry(index);
    require(bound_, "state '{}' was set before the state was bound", program_.state[index].name);
    check(program_.state[index].name, program_.state[index].type, value);
    std::memcpy(current_[index].bytes(), value.bytes(), static_cast<size_t>(value.num_bytes()));
    if (program_.state[index].role != StateRole::scalar) forget_prepared();
  }

  std::span<const Tensor> run(std::span<const Tensor> inputs) override {
    set_library_threads(threads_);
    gather(inputs);
    schedule_->run(inputs_, outputs_, arena_.get());
    swap_updates();
    return results_;
  }

  Profile profile(std::span<const Tensor> inputs, int runs) override {
    require(runs > 0, "profiling takes at least one run, but {} are asked for", runs);
    run(inputs);  // what is packed once after a bind does not count
    std::vector<double> seconds;
    for (int i = 0; i < runs; ++i) {
      gather(inputs);
      schedule_->run_timed(inputs_, outputs_, arena_.get(), seconds);
      swap_updates();
    }
    std::vector<KernelReport> reports = schedule_->reports();
    for (size_t i = 0; i < reports.size(); ++i) reports[i].milliseconds = seconds[i] * 1e3 / runs;
    return {std::move(reports), "steady clock"};
  }

  std::vector<KernelReport> explain() const override { return schedule_->reports(); }

  int64_t peak_bytes() const override {
    int64_t bytes = schedule_->arena_bytes();
    for (const Tensor& tensor : results_) bytes += tensor.num_bytes();
    for (const Tensor& tensor : prepared_) bytes += tensor.num_bytes();
    for (size_t i = 0; i < program_.state.size(); ++i) {
      const Type& type = program_.state[i].type;
      bytes += byte_size(type.dtype(), type.shape().num_elements()) * (other_[i].defined() ? 2 : 1);
    }
    return bytes;
  }

 private:
  void check_entry(size_t index) const {
    require(index < program_.state.size(),
            "the program has {} state entries, but entry {} is asked for", program_.state.size(),
            index);
  }
  static void check(const std::string& name, const Type& type, const Tensor& given) {
    require(given.defined() && type == Type(given.dtype(), Shape(given.sizes())),
            "'{}' is {}, but {} is given", name, type.to_string(),
            given.defined() ? given.describe() : std::string("nothing"));
  }

  std::vector<bool> constant_inputs() const {
    std::vector<bool> constant = constant_state(program_);
    constant.resize(constant.size() + prepared_.size(), true);
    constant.resize(program_.graph.inputs().size(), false);
    return constant;
  }

  void place_updates() {
    current_.resize(program_.state.size());
    other_.resize(program_.state.size());
    swapped_.assign(program_.updates.size(), false);
    for (size_t j = 0; j < program_.updates.size(); ++j) {
      const auto entry = static_cast<size_t>(program_.updates[j]);
      const size_t output = static_cast<size_t>(program_.num_results) + j;
      if (schedule_->output_may_overwrite(output, entry)) continue;
      swapped_[j] = true;
      const Type& type = program_.state[entry].type;
      other_[entry] = Tensor(type.dtype(), type.shape().sizes());
    }
    for (int64_t r = 0; r < program_.num_results; ++r) {
      const Type& type = program_.graph.output_type(static_cast<size_t>(r));
      results_.emplace_back(type.dtype(), type.shape().sizes());
    }
    inputs_.resize(program_.graph.inputs().size());
    outputs_.resize(program_.graph.outputs().size());
  }

  void gather(std::span<const Tensor> inputs) {
    require(bound_ || program_.state.empty(), "a program was run before its state was bound");
    const size_t num_state = program_.state.size(), first = num_state + prepared_.size();
    require(inputs.size() == inputs_.size() - first,
            "the program takes {} inputs, but {} are given", inputs_.size() - first, inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      check(program_.graph.input_name(first + i), program_.graph.input_type(first + i), inputs[i]);
      inputs_[first + i] = const_cast<std::byte*>(inputs[i].bytes());
    }
    for (size_t i = 0; i < num_state; ++i) inputs_[i] = current_[i].bytes();
    prepare();
    for (size_t r = 0; r < results_.size(); ++r) outputs_[r] = results_[r].bytes();
    for (size_t j = 0; j < program_.updates.size(); ++j) {
      const auto entry = static_cast<size_t>(program_.updates[j]);
      outputs_[results_.size() + j] = (swapped_[j] ? other_[entry] : current_[entry]).bytes();
    }
  }

  /// State was bound or set: what was computed or packed from it is stale.
  void forget_prepared() {
    is_prepared_ = false;
    schedule_->reset();
    if (preparation_) preparation_->reset();
  }

  void prepare() {
    if (is_prepared_ || !preparation_) return;
    const size_t num_state = program_.state.size();
    std::vector<std::byte*> outputs;
    for (Tensor& tensor : prepared_) outputs.push_back(tensor.bytes());
    const std::shared_ptr<std::byte[]> arena = allocate_aligned(preparation_->arena_bytes());
    preparation_->run(std::span(inputs_).first(num_state), outputs, arena.get());
    for (size_t i = 0; i < prepared_.size(); ++i) inputs_[num_state + i] = outputs[i];
    is_prepared_ = true;
  }

  void swap_updates() {
    for (size_t j = 0; j < program_.updates.size(); ++j)
      if (swapped_[j])
        std::swap(current_[static_cast<size_t>(program_.updates[j])],
                  other_[static_cast<size_t>(program_.updates[j])]);
  }

  Program program_;
  int threads_;
  std::unique_ptr<LoopLibrary> loops_;
  std::unique_ptr<Schedule> schedule_, preparation_;
  std::vector<Tensor> prepared_;  ///< the preparation's outputs
  bool is_prepared_ = false;
  std::shared_ptr<std::byte[]> arena_;
  std::vector<Tensor> current_, other_;  ///< per state entry; `other_` where roles change
  std::vector<bool> swapped_;            ///< per update
  std::vector<Tensor> results_;
  std::vector<std::byte*> inputs_, outputs_;
  bool bound_ = false;
};

}  // namespace

std::unique_ptr<Executable> make_cpu_executable(const Program& lowered,
                                                const CompileOptions& options) {
  return std::make_unique<CpuExecutable>(lowered, options);
}

}  // namespace brisk::cpu
