#include "brisk/backends/cuda/control_launches.h"

#include "brisk/backends/cuda/aligned.h"
#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/schedule.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"
#include "brisk/ir/type_bytes.h"
#include "brisk/ops/control/control.h"

// A scan's trips are known, so its body is enqueued that many times and the whole can be captured.
// Regions are pure, so a branch computes both sides and keeps one: cheaper than asking the host,
// and the step stays one graph. Where a side must be driven by the host itself, and in a loop whose
// end depends on data, the host reads the flag. The workspace holds the nested schedules' arena
// (they never run at once, so the largest will do), then what the launch itself keeps.

namespace brisk::cuda {
namespace {

using Addresses = std::vector<DeviceAddress>;

DeviceAddress at(DeviceAddress base, int64_t offset) {
  return base + static_cast<DeviceAddress>(offset);
}

bool read_flag(DeviceAddress address, StreamHandle stream) {
  const Driver& cuda = *driver().value();
  bool flag = false;
  check(cuda.memcpy_to_host(&flag, address, sizeof(flag), stream), "cuMemcpyDtoHAsync");
  check(cuda.stream_synchronize(stream), "cuStreamSynchronize");
  return flag;
}

/// Nested schedules work in the beginning of their launch's workspace.
ScheduleMemory memory_of(const LaunchArguments& arguments) {
  return {.arena = arguments.workspace, .counters = arguments.counters, .poison = arguments.poison};
}

/// Several buffers one after another.
class Layout {
 public:
  explicit Layout(std::span<const Type> types) {
    for (const Type& type : types) {
      bytes_.push_back(type_bytes(type));
      offsets_.push_back(total_);
      total_ += aligned(bytes_.back());
    }
  }
  size_t count() const { return bytes_.size(); }
  int64_t total() const { return total_; }
  int64_t bytes(size_t i) const { return bytes_[i]; }
  int64_t offset(size_t i) const { return offsets_[i]; }

 private:
  std::vector<int64_t> bytes_, offsets_;
  int64_t total_ = 0;
};

// Copies `bytes` where the predicate is false; 16 bytes a thread (both buffers are aligned to 256).
constexpr std::string_view kKeepElse = R"(
extern "C" __global__ void $name(const unsigned char* predicate, unsigned char* to,
                                 const unsigned char* from, long long bytes) {
  after_previous();
  if (*predicate) return;
  const long long vectors = bytes / 16;
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < vectors; i += step)
    ((uint4*)to)[i] = ((const uint4*)from)[i];
  for (long long i = vectors * 16 + (long long)blockIdx.x * blockDim.x + threadIdx.x; i < bytes; i += step)
    to[i] = from[i];
}
)";

class BranchLaunch final : public Launch {
 public:
  BranchLaunch(const KernelRequest& request, const ScheduleContext& context)
      : then_(request.node.regions[0], context),
        else_(request.node.regions[1], context),
        results_(request.node.results),
        multiprocessors_(context.device.multiprocessors) {
    if (!needs_host()) kernel_ = context.prepare.code.add({"branch", std::string(kKeepElse)});
  }

  void load(const CodeLibrary& code) override {
    then_.load(code);
    else_.load(code);
    if (!needs_host()) function_ = code.function(kernel_);
  }

  void enqueue(const LaunchArguments& arguments) override {
    const auto operands = arguments.operands.subspan(1);
    if (needs_host()) {
      (read_flag(arguments.operands[0], arguments.stream) ? then_ : else_)
          .enqueue(operands, arguments.results, memory_of(arguments), arguments.stream);
      return;
    }
    Addresses other;
    for (size_t i = 0; i < results_.count(); ++i)
      other.push_back(at(arguments.workspace, arena_bytes() + results_.offset(i)));
    then_.enqueue(operands, arguments.results, memory_of(arguments), arguments.stream);
    else_.enqueue(operands, other, memory_of(arguments), arguments.stream);
    for (size_t i = 0; i < results_.count(); ++i)
      keep_else(arguments.operands[0], arguments.results[i], other[i], results_.bytes(i),
                arguments.stream);
  }

  int64_t workspace_bytes() const override {
    return arena_bytes() + (needs_host() ? 0 : results_.total());
  }
  int64_t counter_bytes() const override {
    return std::max(then_.counter_bytes(), else_.counter_bytes());
  }
  std::string name() const override {
    return needs_host() ? "schedule/branch by host" : "schedule/branch";
  }
  bool needs_host() const override { return then_.needs_host() || else_.needs_host(); }

 private:
  int64_t arena_bytes() const {
    return aligned(std::max(then_.arena_bytes(), else_.arena_bytes()));
  }

  void keep_else(DeviceAddress predicate, DeviceAddress to, DeviceAddress from, int64_t bytes,
                 StreamHandle stream) const {
    if (bytes == 0) return;
    constexpr int64_t threads = 256;
    const int64_t wanted = (bytes / 16 + threads) / threads;
    const auto blocks =
        static_cast<unsigned>(std::min<int64_t>(wanted, int64_t{8} * multiprocessors_));
    long long count = bytes;
    std::array<void*, 4> values{&predicate, &to, &from, &count};
    launch_function(function_, {blocks}, {threads}, 0, stream, values);
  }

  Schedule then_, else_;
  Layout results_;
  int multiprocessors_;
  size_t kernel_ = 0;
  DeviceFunction function_;
};

/// Loop-carried values in two copies that change roles after each trip.
class CarriedState {
 public:
  explicit CarriedState(std::span<const Type> types) : layout_(types) {}
  int64_t bytes() const { return 2 * layout_.total(); }
  size_t count() const { return layout_.count(); }

  void start(std::span<const DeviceAddress> initial, DeviceAddress base, StreamHandle stream) {
    base_ = base;
    side_ = 0;
    for (size_t i = 0; i < count(); ++i)
      copy_on_device(current(i), initial[i], layout_.bytes(i), stream);
  }
  DeviceAddress current(size_t i) const {
    return at(base_, side_ * layout_.total() + layout_.offset(i));
  }
  DeviceAddress next(size_t i) const {
    return at(base_, (1 - side_) * layout_.total() + layout_.offset(i));
  }
  void advance() { side_ = 1 - side_; }
  void finish(std::span<const DeviceAddress> results, StreamHandle stream) const {
    for (size_t i = 0; i < count(); ++i)
      copy_on_device(results[i], current(i), layout_.bytes(i), stream);
  }

 private:
  Layout layout_;
  DeviceAddress base_ = 0;
  int64_t side_ = 0;
};

class LoopControlLaunch final : public Launch {
 public:
  LoopControlLaunch(const KernelRequest& request, const ScheduleContext& context)
      : condition_(request.node.regions[0], context),
        body_(request.node.regions[1], context),
        state_(request.node.results),
        max_trips_(request.node.attributes.as<LoopAttributes>().max_trips) {}

  void load(const CodeLibrary& code) override {
    condition_.load(code);
    body_.load(code);
  }

  void enqueue(const LaunchArguments& arguments) override {
    const DeviceAddress flag = at(arguments.workspace, arena_bytes() + state_.bytes());
    state_.start(arguments.operands, at(arguments.workspace, arena_bytes()), arguments.stream);
    Addresses in(state_.count()), out(state_.count());
    for (int64_t trip = 0; max_trips_ == 0 || trip < max_trips_; ++trip) {
      for (size_t i = 0; i < in.size(); ++i) in[i] = state_.current(i), out[i] = state_.next(i);
      condition_.enqueue(in, std::span(&flag, 1), memory_of(arguments), arguments.stream);
      if (!read_flag(flag, arguments.stream)) break;
      body_.enqueue(in, out, memory_of(arguments), arguments.stream);
      state_.advance();
    }
    state_.finish(arguments.results, arguments.stream);
  }
  int64_t workspace_bytes() const override { return arena_bytes() + state_.bytes() + 256; }
  int64_t counter_bytes() const override {
    return std::max(condition_.counter_bytes(), body_.counter_bytes());
  }
  std::string name() const override { return "schedule/loop by host"; }
  bool needs_host() const override { return true; }

 private:
  int64_t arena_bytes() const {
    return aligned(std::max(condition_.arena_bytes(), body_.arena_bytes()));
  }

  Schedule condition_, body_;
  CarriedState state_;
  int64_t max_trips_;
};

class ScanLaunch final : public Launch {
 public:
  ScanLaunch(const KernelRequest& request, const ScheduleContext& context)
      : attributes_(request.node.attributes.as<ScanAttributes>()),
        body_(request.node.regions[0], context),
        state_(std::span<const Type>(request.node.results)
                   .first(static_cast<size_t>(attributes_.num_carries))) {
    const Graph& body = request.node.regions[0];
    const auto carries = static_cast<size_t>(attributes_.num_carries);
    for (size_t i = 0; i < static_cast<size_t>(attributes_.num_sequences); ++i)
      sequence_bytes_.push_back(type_bytes(body.input_type(carries + i)));
    for (size_t i = carries; i < body.outputs().size(); ++i)
      item_bytes_.push_back(type_bytes(body.output_type(i)));
    place_slices();
  }

  void load(const CodeLibrary& code) override { body_.load(code); }

  void enqueue(const LaunchArguments& arguments) override {
    const size_t carries = state_.count(), sequences = sequence_bytes_.size();
    const StreamHandle stream = arguments.stream;
    const DeviceAddress slices =
        at(arguments.workspace, aligned(body_.arena_bytes()) + state_.bytes());
    state_.start(arguments.operands.first(carries),
                 at(arguments.workspace, aligned(body_.arena_bytes())), stream);
    Addresses in(arguments.operands.begin(), arguments.operands.end());
    Addresses out(arguments.results.begin(), arguments.results.end());
    for (int64_t trip = 0; trip < attributes_.trips; ++trip) {
      const int64_t index = attributes_.reverse ? attributes_.trips - 1 - trip : trip;
      for (size_t i = 0; i < carries; ++i) in[i] = state_.current(i), out[i] = state_.next(i);
      for (size_t i = 0; i < sequences; ++i) {
        const DeviceAddress slice = at(arguments.operands[carries + i], index * sequence_bytes_[i]);
        in[carries + i] = sequence_offsets_[i] < 0 ? slice : at(slices, sequence_offsets_[i]);
        copy_on_device(in[carries + i], slice, sequence_bytes_[i], stream);
      }
      for (size_t i = 0; i < item_bytes_.size(); ++i) {
        const DeviceAddress item = at(arguments.results[carries + i], index * item_bytes_[i]);
        out[carries + i] = item_offsets_[i] < 0 ? item : at(slices, item_offsets_[i]);
      }
      body_.enqueue(in, out, memory_of(arguments), stream);
      for (size_t i = 0; i < item_bytes_.size(); ++i)
        copy_on_device(at(arguments.results[carries + i], index * item_bytes_[i]), out[carries + i],
                       item_bytes_[i], stream);
      state_.advance();
    }
    state_.finish(arguments.results.first(carries), stream);
  }

  int64_t workspace_bytes() const override {
    return aligned(body_.arena_bytes()) + state_.bytes() + slice_bytes_;
  }
  int64_t counter_bytes() const override { return body_.counter_bytes(); }
  std::string name() const override {
    return fmt::format("schedule/scan of {}", attributes_.trips);
  }
  bool needs_host() const override { return body_.needs_host(); }

 private:
  /// Kernels count on aligned operands: slices whose size is no multiple of 256 bytes get a buffer.
  void place_slices() {
    const auto place = [&](int64_t bytes) {
      if (bytes % 256 == 0) return int64_t{-1};
      const int64_t offset = slice_bytes_;
      slice_bytes_ += aligned(bytes);
      return offset;
    };
    for (const int64_t bytes : sequence_bytes_) sequence_offsets_.push_back(place(bytes));
    for (const int64_t bytes : item_bytes_) item_offsets_.push_back(place(bytes));
  }

  ScanAttributes attributes_;
  Schedule body_;
  CarriedState state_;
  std::vector<int64_t> sequence_bytes_, item_bytes_;
  std::vector<int64_t> sequence_offsets_,
      item_offsets_;  ///< into the slices' part; -1: used where it is
  int64_t slice_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Launch> prepare_control(const KernelRequest& request,
                                        const ScheduleContext& context) {
  const std::string& op = request.node.op->name;
  if (op == "branch") return std::make_unique<BranchLaunch>(request, context);
  if (op == "loop") return std::make_unique<LoopControlLaunch>(request, context);
  if (op == "scan") return std::make_unique<ScanLaunch>(request, context);
  return nullptr;
}

}  // namespace brisk::cuda
