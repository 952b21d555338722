#include "brisk/backends/cuda/loop/loop_launch.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/loop/group_launch.h"
#include "brisk/backends/cuda/loop/stage_source.h"
#include "brisk/backends/loop/make_loop_program.h"
#include "brisk/base/dtype.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/standard.h"

namespace brisk::cuda {
namespace {

class LoopLaunch final : public Launch {
 public:
  LoopLaunch(LoopProgram program, const DeviceProperties& properties, CodeLibrary& code)
      : program_(device_loop_program(program, properties)),
        plan_(plan_device_loop(program_, properties)) {
    for (const LoopStage& stage : plan_.stages)
      kernels_.push_back(code.add(stage_source(program_, plan_, stage)));
  }

  void load(const CodeLibrary& code) override {
    functions_.clear();
    for (const size_t kernel : kernels_) functions_.push_back(code.function(kernel));
  }

  void enqueue(const LaunchArguments& arguments) override {
    addresses_.assign(arguments.operands.begin(), arguments.operands.end());
    addresses_.insert(addresses_.end(), arguments.results.begin(), arguments.results.end());
    addresses_.push_back(arguments.workspace);
    addresses_.push_back(arguments.counters);
    pointers_.clear();
    for (DeviceAddress& address : addresses_) pointers_.push_back(&address);
    for (size_t s = 0; s < functions_.size(); ++s) {
      const LoopStage& stage = plan_.stages[s];
      launch_function(functions_[s], {static_cast<unsigned>(stage.grid())},
                      {static_cast<unsigned>(stage.threads())}, 0, arguments.stream, pointers_);
    }
  }

  int64_t workspace_bytes() const override { return plan_.workspace_bytes; }
  int64_t counter_bytes() const override { return plan_.counters * 4; }
  bool in_place(size_t result, size_t operand) const override {
    return loop_in_place(program_, plan_, result, operand);
  }
  std::string name() const override {
    std::string text;
    for (const LoopStage& stage : plan_.stages)
      text += fmt::format("{}{}", text.empty() ? "loop/" : "+", cuda::name(stage.form));
    return text.empty() ? "loop/nothing" : text;
  }

 private:
  LoopProgram program_;
  DeviceLoopPlan plan_;
  std::vector<size_t> kernels_;
  std::vector<DeviceFunction> functions_;
  std::vector<DeviceAddress> addresses_;
  std::vector<void*> pointers_;
};

constexpr int32_t kMostBuffers = 480;  // the driver takes 4 KiB of arguments

/// The region of a node: its own, or one that holds just the node.
Graph region_of(const Node& node, std::span<const Type> operands) {
  if (node.op->name == "fused_loop") return node.regions[0];
  Builder builder(standard_ops());
  std::vector<Value> inputs;
  for (size_t i = 0; i < operands.size(); ++i)
    inputs.push_back(builder.input(fmt::format("x{}", i), operands[i]));
  const std::vector<Value> results = builder.emit(*node.op, inputs, node.attributes, node.regions);
  std::vector<Builder::Output> outputs;
  for (size_t i = 0; i < results.size(); ++i)
    outputs.push_back({fmt::format("y{}", i), results[i]});
  return builder.finish(outputs);
}

Result<LoopProgram> program_of(const KernelRequest& request) {
  auto program = make_loop_program(region_of(request.node, request.operands));
  if (program && program->num_operands + program->num_results > kMostBuffers)
    return fail("{} operands and results are more than one kernel takes",
                program->num_operands + program->num_results);
  return program;
}

std::optional<std::string> refuse_loop(const KernelRequest& request) {
  const auto program = program_of(request);
  if (!program) return program.error();
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_loop(const KernelRequest& request, const PrepareContext& context) {
  return make_loop_launch(std::move(program_of(request)).value(), request.device, context.code);
}

/// Ops whose single nodes are loops.
bool is_loop_by_itself(const Op& op) {
  switch (op.kind) {
    case OpKind::elementwise:
      return static_cast<bool>(op.expr_rule);
    case OpKind::source:
      return static_cast<bool>(op.expr_rule);
    case OpKind::reduce:
      return op.combiner != ScalarOp::input;
    case OpKind::move:
      return static_cast<bool>(op.index_map_rule);
    default:
      return false;
  }
}

}  // namespace

std::unique_ptr<Launch> make_loop_launch(LoopProgram program, const DeviceProperties& properties,
                                         CodeLibrary& code) {
  return std::make_unique<LoopLaunch>(std::move(program), properties, code);
}

bool loop_in_place(const LoopProgram& program, const DeviceLoopPlan& plan, size_t result,
                   size_t operand) {
  // One kernel that reads a point, and then writes it.
  if (plan.stages.size() != 1) return false;
  const LoopStage& stage = plan.stages[0];
  const bool once = stage.form == LoopStage::Form::pointwise ||
                    (stage.form == LoopStage::Form::row && stage.registers > 0);
  const auto written = program.num_operands + static_cast<int32_t>(result);
  const LoopStore* store = nullptr;
  for (const LoopStore& candidate : program.stores) {
    if (candidate.buffer != written) continue;
    if (store != nullptr) return false;
    store = &candidate;
  }
  if (!once || store == nullptr || program.lines[static_cast<size_t>(store->line)].reduced)
    return false;
  // In a loop with an axis along which the store does not move, places are written more than once.
  for (size_t a = 0; a < program.axes.size(); ++a)
    if (program.axes[a].size > 1 && store->at.strides[a] == 0) return false;
  return std::all_of(program.loads.begin(), program.loads.end(), [&](const LoopLoad& load) {
    return load.buffer != static_cast<int32_t>(operand) ||
           (load.at == store->at && bits(load.type) == bits(store->type));
  });
}

std::vector<OpKernel> loop_kernels() {
  const Kernel kernel{"loop", refuse_loop, prepare_loop};
  std::vector<OpKernel> list = transpose_kernels();
  list.push_back({"fused_loop", kernel});
  for (OpKernel& row : loop_group_kernels()) list.push_back(std::move(row));
  for (const Op* op : standard_ops()->all())
    if (is_loop_by_itself(*op))
      list.push_back({op->name, kernel});  // names live as long as the ops
  return list;
}

}  // namespace brisk::cuda
