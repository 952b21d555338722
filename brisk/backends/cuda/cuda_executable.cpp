#include "brisk/backends/cuda/cuda_executable.h"

#include <cstdlib>
#include <cstring>
#include <optional>

#include "brisk/backends/cuda/capture_order.h"
#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/memory_layout.h"
#include "brisk/backends/cuda/step_clock.h"
#include "brisk/backends/cuda/step_graph.h"
#include "brisk/base/parallel.h"
#include "brisk/ir/liveness.h"

// Two runs may be under way. Run n uses slot n % 2: its batch goes through the slot's page-locked
// buffer and the copy stream into the slot's inputs, while the compute stream still works on run
// n - 1; then the slot's graph is launched, which ends with its results' copy to the slot's
// page-locked ones. The host waits where it must: for the upload of run n - 2 before it overwrites
// that buffer, and for results when they are collected. The first run of an executable is launched
// kernel by kernel, so that libraries load what they load lazily outside of a capture.

namespace brisk::cuda {
namespace {

void check_given(const std::string& name, const Type& type, const Tensor& given) {
  require(given.defined() && type == Type(given.dtype(), Shape(given.sizes())),
          "'{}' is {}, but {} is given", name, type.to_string(),
          given.defined() ? given.describe() : std::string("nothing"));
}

/// Into page-locked memory; large batches by several threads, since one can't fill the bus.
void copy_host(std::byte* to, const std::byte* from, int64_t bytes) {
  constexpr int64_t kPart = 1 << 20;
  const int64_t parts = (bytes + kPart - 1) / kPart;
  parallel_for(parts, std::min(4, available_cores()), [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kPart, last = std::min(bytes, end * kPart);
    std::memcpy(to + first, from + first, static_cast<size_t>(last - first));
  });
}

bool is_set_to(const char* variable, std::string_view expected) {
  const char* value = std::getenv(variable);
  return value != nullptr && value == expected;
}

/// What pays where steps are short, and drivers since 12.3 can capture.
bool wanted(const char* variable, const Schedule& schedule) {
  return CaptureOrder::available() &&
         (is_set_to(variable, "1") || (!is_set_to(variable, "0") && schedule.mostly_short()));
}

Poison poison_wanted() {
  const char* value = std::getenv("BRISK_CUDA_POISON");
  const std::string_view wanted = value == nullptr ? "" : value;
  return wanted == "1" ? Poison::all : wanted == "bulk_stores" ? Poison::bulk_stores : Poison::none;
}

/// Before any kernel is measured, which takes minutes with tensors that large: a program lowered
/// without a device measures none. Kernels chosen so may want more scratch memory, hence "far".
void refuse_far_too_large(const Program& program, const CompileOptions& options,
                          const Device& device) {
  const int64_t free = device.free_bytes();
  if (peak_bytes(program.graph) <= free) return;
  const LoweredProgram described(program, options, device.properties(), nullptr);
  const MemoryLayout layout(described);
  require(layout.total_bytes() <= free + free / 4, "{}", layout.shortage(described, free));
}

class CudaExecutable final : public Executable {
 public:
  CudaExecutable(const Program& lowered, const CompileOptions& options, const DevicePtr& device)
      : device_(device),
        lowered_(lowered, options, device->properties(), device),
        program_(lowered_.program()),
        layout_(lowered_),
        compute_(device->make_stream()),
        copy_(device->make_stream()) {
    CodeOptions code_options;
    code_options.architecture = device->properties().architecture();
    code_options.cache = options.cache;
    code_options.dump_directory = options.dump_directory;
    code_options.jobs = options.threads;
    lowered_.code().build(device, code_options);
    lowered_.schedule().load(lowered_.code());
    if (lowered_.preparation() != nullptr) lowered_.preparation()->load(lowered_.code());
    require(layout_.total_bytes() <= device->free_bytes(), "{}",
            layout_.shortage(lowered_, device->free_bytes()));
    memory_ = device->allocate(layout_.total_bytes());
    lowered_.constants().place(address(layout_.constants()), *compute_);
    compute_->fill(address(layout_.counters()), 0, layout_.counter_bytes());
    for (size_t s = 0; s < kSlots; ++s) make_slot(s);
    use_graphs_ = !is_set_to("BRISK_CUDA_GRAPH", "0") && !lowered_.schedule().needs_host();
    overlap_ = wanted("BRISK_CUDA_OVERLAP", lowered_.schedule());
    early_ = wanted("BRISK_CUDA_EARLY", lowered_.schedule());
    poison_ = poison_wanted();
  }

  ~CudaExecutable() override {
    // Nothing may still run on memory that goes away; what failed was reported when it was
    // collected.
    try {
      device_->make_current();
      compute_->synchronize();
      copy_->synchronize();
    } catch (const Error&) {
    }
  }

  void bind_state(std::span<const Tensor> state) override {
    require(state.size() == lowered_.num_given_state(),
            "the program has {} state entries, but {} are given", lowered_.num_given_state(),
            state.size());
    for (size_t i = 0; i < state.size(); ++i)
      check_given(program_.state[i].name, program_.state[i].type, state[i]);
    device_->make_current();
    for (size_t i = 0; i < state.size(); ++i)
      compute_->copy_to_device(current(i), state[i].bytes(), state[i].num_bytes());
    compute_->synchronize();
    bound_ = true;
    prepared_ = false;
  }

  std::vector<Tensor> state() const override {
    std::vector<Tensor> result;
    for (size_t i = 0; i < lowered_.num_given_state(); ++i) result.push_back(fetch(i));
    device_->make_current();
    compute_->synchronize();
    return result;
  }

  Tensor state(size_t index) const override {
    Tensor result = fetch(index);
    compute_->synchronize();
    return result;
  }

  void set_state(size_t index, const Tensor& value) override {
    check_entry(index);
    require(bound_, "state '{}' was set before the state was bound", program_.state[index].name);
    check_given(program_.state[index].name, program_.state[index].type, value);
    if (program_.state[index].role != StateRole::scalar) prepared_ = false;
    device_->make_current();
    if (value.num_bytes() <= kSmallBytes) {
      compute_->set(current(index), value.bytes(), value.num_bytes());
    } else {
      compute_->copy_to_device(current(index), value.bytes(), value.num_bytes());
      compute_->synchronize();
    }
  }

  std::span<const Tensor> run(std::span<const Tensor> inputs) override {
    require(in_flight_ == 0, "run was called while {} started runs are not collected", in_flight_);
    start(inputs);
    return collect();
  }

  int64_t runs_in_flight() const override { return kSlots; }

  void start(std::span<const Tensor> inputs) override {
    require(in_flight_ < kSlots, "a run was started while {} are not collected", in_flight_);
    check_inputs(inputs);
    device_->make_current();
    Slot& slot = next_slot();
    upload(slot, inputs);
    prepare(slot);
    launch(slot);
    if (has_inputs()) slot.consumed->record(*compute_);
    slot.finished->record(*compute_);
    ++started_;
    ++in_flight_;
  }

  std::span<const Tensor> collect() override {
    require(in_flight_ > 0, "results were collected, but no run was started");
    device_->make_current();
    Slot& slot = slots_[(started_ - in_flight_) % kSlots];
    slot.finished->synchronize();
    --in_flight_;
    return slot.results;
  }

  Profile profile(std::span<const Tensor> inputs, int runs) override {
    require(runs > 0, "profiling takes at least one run, but {} are asked for", runs);
    require(in_flight_ == 0, "a profile was asked for while {} started runs are not collected",
            in_flight_);
    check_inputs(inputs);
    device_->make_current();
    std::vector<KernelReport> reports = explain();
    const auto clock = make_step_clock(device_, reports.size());
    for (int i = 0; i < runs; ++i) {
      Slot& slot = next_slot();
      upload(slot, inputs);
      prepare(slot);
      lowered_.schedule().enqueue(slot.inputs, slot.outputs, schedule_memory(), compute_->handle(),
                                  [&](size_t step) { clock->before_step(step, *compute_); });
      if (has_inputs()) slot.consumed->record(*compute_);
      ++started_;
      compute_->synchronize();
      clock->add_run(reports, runs);
    }
    return {std::move(reports), clock->name()};
  }

  std::vector<KernelReport> explain() const override { return lowered_.schedule().reports(); }
  int64_t peak_bytes() const override { return layout_.total_bytes(); }

 private:
  /// Written by value, in the stream's order, without waiting.
  static constexpr int64_t kSmallBytes = 64;

  struct Slot {
    std::vector<DeviceAddress> inputs, outputs;  ///< of the graph
    PinnedBuffer pinned_inputs, pinned_results;
    std::vector<Tensor> results;  ///< views of pinned_results
    std::optional<Event> uploaded, consumed, finished;
    std::unique_ptr<StepGraph> graph;
    bool used = false;
  };

  DeviceAddress address(int64_t offset) const {
    return memory_.address() + static_cast<DeviceAddress>(offset);
  }
  /// Where state entry `i` is, as the next run will read it.
  DeviceAddress current(size_t i) const { return address(layout_.state(i, started_ % kSlots)); }
  ScheduleMemory schedule_memory() const {
    return {address(layout_.arena()), address(layout_.counters()), address(layout_.packed()),
            poison_};
  }
  Slot& next_slot() { return slots_[started_ % kSlots]; }

  void make_slot(size_t s) {
    Slot& slot = slots_[s];
    for (size_t i = 0; i < program_.state.size(); ++i)
      slot.inputs.push_back(address(layout_.state(i, s)));
    for (size_t i = 0; i < program_.num_batch_inputs(); ++i)
      slot.inputs.push_back(address(layout_.input(i, s)));
    for (size_t r = 0; r < static_cast<size_t>(program_.num_results); ++r)
      slot.outputs.push_back(address(layout_.result(r)));
    for (size_t j = 0; j < program_.updates.size(); ++j)
      slot.outputs.push_back(address(layout_.update(j, s)));
    slot.pinned_inputs = device_->allocate_pinned(layout_.input_bytes());
    slot.pinned_results = device_->allocate_pinned(layout_.result_bytes());
    for (size_t r = 0; r < static_cast<size_t>(program_.num_results); ++r) {
      const Type& type = program_.graph.output_type(r);
      std::byte* at = slot.pinned_results.data() + (layout_.result(r) - layout_.results());
      slot.results.emplace_back(
          type.dtype(), type.shape().sizes(),
          std::shared_ptr<std::byte[]>(at, [keep = slot.pinned_results](std::byte*) {}));
    }
    slot.uploaded.emplace(device_->make_event());
    slot.consumed.emplace(device_->make_event());
    slot.finished.emplace(device_->make_event());
  }

  void check_inputs(std::span<const Tensor> inputs) const {
    require(bound_ || lowered_.num_given_state() == 0,
            "a program was run before its state was bound");
    require(inputs.size() == program_.num_batch_inputs(),
            "the program takes {} inputs, but {} are given", program_.num_batch_inputs(),
            inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i)
      check_given(program_.graph.input_name(program_.state.size() + i),
                  program_.graph.input_type(program_.state.size() + i), inputs[i]);
  }

  bool has_inputs() const { return layout_.input_bytes() > 0; }

  /// What is enqueued next waits for the batch.
  void upload(Slot& slot, std::span<const Tensor> inputs) {
    if (!has_inputs()) return;
    const size_t s = started_ % kSlots;
    if (slot.used) {
      slot.uploaded->synchronize();      // the page-locked buffer is read no more
      slot.consumed->hold_back(*copy_);  // the step that read these inputs is done
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int64_t offset = layout_.input(i, s) - layout_.inputs(s);
      copy_host(slot.pinned_inputs.data() + offset, inputs[i].bytes(), inputs[i].num_bytes());
    }
    copy_->copy_to_device(address(layout_.inputs(s)), slot.pinned_inputs.data(),
                          layout_.input_bytes());
    slot.uploaded->record(*copy_);
    slot.uploaded->hold_back(*compute_);
    slot.used = true;
  }

  /// Once for each set of weights. Prepared values lie in one place for both slots, behind the
  /// given state in the slot's inputs.
  void prepare(const Slot& slot) {
    if (prepared_) return;
    const std::span<const DeviceAddress> inputs = slot.inputs;
    const size_t given = lowered_.num_given_state();
    if (lowered_.preparation() != nullptr)
      lowered_.preparation()->enqueue(inputs.first(given),
                                      inputs.subspan(given, program_.state.size() - given),
                                      schedule_memory(), compute_->handle());
    lowered_.schedule().pack(inputs, schedule_memory(), compute_->handle());
    prepared_ = true;
  }

  void launch(Slot& slot) {
    if (!use_graphs_ || started_ == 0) {
      lowered_.schedule().enqueue(slot.inputs, slot.outputs, schedule_memory(), compute_->handle());
      return fetch_results(slot);
    }
    if (!slot.graph)
      slot.graph = std::make_unique<StepGraph>(device_, *compute_, [&] { capture(slot); });
    slot.graph->launch(*compute_);
  }

  void capture(const Slot& slot) {
    Schedule& schedule = lowered_.schedule();
    const StreamHandle stream = compute_->handle();
    std::optional<EarlyLaunches> early;
    if (early_) early.emplace();
    if (overlap_) {
      CaptureOrder order(stream, step_dependencies(schedule.accesses(slot.inputs, slot.outputs,
                                                                     schedule_memory())));
      schedule.enqueue(slot.inputs, slot.outputs, schedule_memory(), stream,
                       [&](size_t step) { order.before(step); });
      order.finish();
    } else {
      schedule.enqueue(slot.inputs, slot.outputs, schedule_memory(), stream);
    }
    fetch_results(slot);
  }

  void fetch_results(const Slot& slot) {
    compute_->copy_to_host(slot.pinned_results.data(), address(layout_.results()),
                           layout_.result_bytes());
  }

  void check_entry(size_t index) const {
    require(index < lowered_.num_given_state(),
            "the program has {} state entries, but entry {} is asked for",
            lowered_.num_given_state(), index);
  }

  /// Enqueues the copy; the caller waits.
  Tensor fetch(size_t index) const {
    check_entry(index);
    require(bound_, "state '{}' was asked for before the state was bound",
            program_.state[index].name);
    device_->make_current();
    const Type& type = program_.state[index].type;
    Tensor value(type.dtype(), type.shape().sizes());
    compute_->copy_to_host(value.bytes(), current(index), value.num_bytes());
    return value;
  }

  DevicePtr device_;
  LoweredProgram lowered_;
  const Program& program_;
  MemoryLayout layout_;
  DeviceBuffer memory_;
  std::shared_ptr<Stream> compute_, copy_;
  Slot slots_[kSlots];
  size_t started_ = 0, in_flight_ = 0;
  bool bound_ = false, prepared_ = false, use_graphs_ = true, overlap_ = true, early_ = true;
  Poison poison_ = Poison::none;
};

class DescribedExecutable final : public Executable {
 public:
  DescribedExecutable(const Program& lowered, const CompileOptions& options,
                      const DeviceProperties& properties)
      : lowered_(lowered, options, properties, nullptr), layout_(lowered_) {}

  void bind_state(std::span<const Tensor>) override { not_here(); }
  std::vector<Tensor> state() const override { not_here(); }
  Tensor state(size_t) const override { not_here(); }
  void set_state(size_t, const Tensor&) override { not_here(); }
  std::span<const Tensor> run(std::span<const Tensor>) override { not_here(); }
  Profile profile(std::span<const Tensor>, int) override { not_here(); }
  std::vector<KernelReport> explain() const override { return lowered_.schedule().reports(); }
  int64_t peak_bytes() const override { return layout_.total_bytes(); }

 private:
  [[noreturn]] void not_here() const {
    refuse(
        "this program was lowered for a description of {}: it can be explained, but there is no "
        "device to run it on",
        lowered_.properties().name);
  }

  LoweredProgram lowered_;
  MemoryLayout layout_;
};

}  // namespace

std::unique_ptr<Executable> make_cuda_executable(const Program& lowered,
                                                 const CompileOptions& options,
                                                 const DevicePtr& device) {
  refuse_far_too_large(lowered, options, *device);
  return std::make_unique<CudaExecutable>(lowered, options, device);
}

std::unique_ptr<Executable> make_described_executable(const Program& lowered,
                                                      const CompileOptions& options,
                                                      const DeviceProperties& properties) {
  return std::make_unique<DescribedExecutable>(lowered, options, properties);
}

}  // namespace brisk::cuda
