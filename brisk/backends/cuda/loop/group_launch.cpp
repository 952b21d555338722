#include "brisk/backends/cuda/loop/group_launch.h"

#include <algorithm>
#include <cstring>

#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/loop/loop_group.h"
#include "brisk/backends/cuda/loop/loop_launch.h"
#include "brisk/backends/loop/make_loop_program.h"

// A result may lie over an operand of its own loop alone: what other loops of the group read must
// stay until the launch is over.

namespace brisk::cuda {
namespace {

/// Where each loop's operands and results stand among the node's.
struct Slices {
  explicit Slices(const Node& node) {
    for (const Graph& region : node.regions) {
      operands.push_back(operands.back() + region.inputs().size());
      results.push_back(results.back() + region.outputs().size());
    }
  }
  size_t count() const { return operands.size() - 1; }
  size_t loop_of_result(size_t result) const {
    return static_cast<size_t>(std::upper_bound(results.begin(), results.end(), result) -
                               results.begin()) -
           1;
  }
  bool has_operand(size_t loop, size_t operand) const {
    return operand >= operands[loop] && operand < operands[loop + 1];
  }

  std::vector<size_t> operands = {0}, results = {0};  ///< first of each loop, then the end
};

Result<std::vector<LoopProgram>> programs_of(const Node& node) {
  std::vector<LoopProgram> programs;
  for (const Graph& region : node.regions) {
    auto program = make_loop_program(region);
    if (!program) return program.failure();
    programs.push_back(std::move(*program));
  }
  return programs;
}

Result<LoopGroup> group_of(const KernelRequest& request) {
  auto programs = programs_of(request.node);
  if (!programs) return programs.failure();
  return make_loop_group(std::move(*programs), request.device);
}

class GroupLaunch final : public Launch {
 public:
  GroupLaunch(LoopGroup group, const Node& node, const DeviceProperties& properties,
              CodeLibrary& code)
      : group_(std::move(group)),
        slices_(node),
        plan_(plan_device_loop(group_.program, properties)),
        kernel_(code.add(group_source(group_))) {}

  void load(const CodeLibrary& code) override { function_ = code.function(kernel_); }

  void enqueue(const LaunchArguments& arguments) override {
    for (size_t first = 0; first < slices_.count(); first = end_of_launch(first))
      enqueue(first, end_of_launch(first), arguments);
  }

  int64_t workspace_bytes() const override {
    int64_t most = 0;
    for (size_t first = 0; first < slices_.count(); first = end_of_launch(first))
      most = std::max(most, blocks_before(first, end_of_launch(first)));
    return group_.workspace_bytes(most);
  }
  int64_t counter_bytes() const override { return group_.folds() ? 4 * group_.capacity() : 0; }
  bool in_place(size_t result, size_t operand) const override {
    const size_t loop = slices_.loop_of_result(result);
    return slices_.has_operand(loop, operand) &&
           loop_in_place(group_.program, plan_, result - slices_.results[loop],
                         operand - slices_.operands[loop]);
  }
  std::string name() const override { return fmt::format("loop/group of {}", slices_.count()); }

 private:
  size_t end_of_launch(size_t first) const {
    return std::min(first + static_cast<size_t>(group_.capacity()), slices_.count());
  }
  int64_t blocks_before(size_t first, size_t end) const {
    int64_t blocks = 0;
    for (size_t loop = first; loop < end; ++loop) blocks += group_.blocks_of(loop);
    return blocks;
  }

  /// The table as the kernel declares it.
  void enqueue(size_t first, size_t end, const LaunchArguments& arguments) {
    table_.assign(static_cast<size_t>(group_.capacity() * group_.words_of_loop()), 0);
    uint64_t* at = table_.data();
    for (size_t loop = first; loop < end; ++loop) {
      for (size_t i = slices_.operands[loop]; i < slices_.operands[loop + 1]; ++i)
        *at++ = arguments.operands[i];
      for (size_t r = slices_.results[loop]; r < slices_.results[loop + 1]; ++r)
        *at++ = arguments.results[r];
      const uint32_t numbers[4] = {static_cast<uint32_t>(group_.elements[loop]),
                                   static_cast<uint32_t>(blocks_before(first, loop)),
                                   static_cast<uint32_t>(group_.blocks_of(loop)), 0};
      std::memcpy(at, numbers, sizeof(numbers));
      at += 2;
    }
    DeviceAddress workspace = arguments.workspace, counters = arguments.counters;
    auto count = static_cast<uint32_t>(end - first);
    void* pointers[] = {table_.data(), &workspace, &counters, &count};
    launch_function(function_, {static_cast<unsigned>(blocks_before(first, end))},
                    {static_cast<unsigned>(group_.stage.threads())}, 0, arguments.stream, pointers);
  }

  LoopGroup group_;
  Slices slices_;
  DeviceLoopPlan plan_;
  size_t kernel_;
  DeviceFunction function_;
  std::vector<uint64_t> table_;
};

std::optional<std::string> refuse_group(const KernelRequest& request) {
  const auto group = group_of(request);
  if (!group) return group.error();
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_group(const KernelRequest& request, const PrepareContext& context) {
  return std::make_unique<GroupLaunch>(group_of(request).value(), request.node, request.device,
                                       context.code);
}

/// Each loop's own kernels, one after another in one workspace.
class OneByOneLaunch final : public Launch {
 public:
  OneByOneLaunch(std::vector<LoopProgram> programs, const Node& node,
                 const DeviceProperties& properties, CodeLibrary& code)
      : slices_(node) {
    for (LoopProgram& program : programs)
      launches_.push_back(make_loop_launch(std::move(program), properties, code));
  }

  void load(const CodeLibrary& code) override {
    for (const auto& launch : launches_) launch->load(code);
  }
  void enqueue(const LaunchArguments& arguments) override {
    for (size_t loop = 0; loop < launches_.size(); ++loop) {
      LaunchArguments own = arguments;
      own.operands = slice(arguments.operands, slices_.operands, loop);
      own.results = slice(arguments.results, slices_.results, loop);
      launches_[loop]->enqueue(own);
    }
  }
  int64_t workspace_bytes() const override {
    return most([](const Launch& launch) { return launch.workspace_bytes(); });
  }
  int64_t counter_bytes() const override {
    return most([](const Launch& launch) { return launch.counter_bytes(); });
  }
  bool in_place(size_t result, size_t operand) const override {
    const size_t loop = slices_.loop_of_result(result);
    return slices_.has_operand(loop, operand) &&
           launches_[loop]->in_place(result - slices_.results[loop],
                                     operand - slices_.operands[loop]);
  }
  std::string name() const override { return fmt::format("loop/{} one by one", launches_.size()); }

 private:
  static std::span<const DeviceAddress> slice(std::span<const DeviceAddress> addresses,
                                              const std::vector<size_t>& firsts, size_t loop) {
    return addresses.subspan(firsts[loop], firsts[loop + 1] - firsts[loop]);
  }
  int64_t most(int64_t (*bytes)(const Launch&)) const {
    int64_t result = 0;
    for (const auto& launch : launches_) result = std::max(result, bytes(*launch));
    return result;
  }

  Slices slices_;
  std::vector<std::unique_ptr<Launch>> launches_;
};

std::optional<std::string> refuse_one_by_one(const KernelRequest& request) {
  const auto programs = programs_of(request.node);
  if (!programs) return programs.error();
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_one_by_one(const KernelRequest& request,
                                           const PrepareContext& context) {
  return std::make_unique<OneByOneLaunch>(programs_of(request.node).value(), request.node,
                                          request.device, context.code);
}

}  // namespace

std::vector<OpKernel> loop_group_kernels() {
  return {
      {"loop_group", {"loop group", refuse_group, prepare_group}},
      {"loop_group", {"loop", refuse_one_by_one, prepare_one_by_one}},
  };
}

}  // namespace brisk::cuda
