#include <algorithm>

#include "brisk/backends/cuda/aligned.h"
#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/cudnn/attention_patterns.h"
#include "brisk/backends/cuda/cudnn/choose_plan.h"
#include "brisk/backends/cuda/cudnn/convolution_problem.h"
#include "brisk/backends/cuda/cudnn/kernel_lists.h"
#include "brisk/backends/cuda/cudnn/native_composites.h"
#include "brisk/ops/composite/composite.h"

// Attention by cuDNN's engines, compiled when a plan is made. Where they refuse, lowering takes the
// decomposition, so `refuse_attention` must be no narrower than they are.

namespace brisk::cuda::cudnn {
namespace {

constexpr int64_t kLargestHead = 128;

std::optional<std::string> refuse(const KernelRequest& request) {
  return refuse_attention(request.node, request.operands);
}

/// The operands that are tensors of the plan: not the random key, which only training reads.
size_t num_tensors(const KernelRequest& request) {
  const bool has_key = attributes_of(request.node).dropout > 0;
  return request.operands.size() - (has_key ? 1 : 0);
}

/// The plan's tensors are the node's operands, its results and scratch, in that order.
class AttentionLaunch final : public Launch {
 public:
  AttentionLaunch(ChosenPlan plan, size_t num_operands, std::vector<int64_t> scratch, double flops)
      : plan_(std::move(plan)),
        num_operands_(num_operands),
        scratch_(std::move(scratch)),
        flops_(flops) {}

  void enqueue(const LaunchArguments& arguments) override {
    invariant(plan_.plan.has_value(), "attention lowered without a device is run");
    const auto operands = arguments.operands.first(num_operands_);
    std::vector<DeviceAddress> addresses(operands.begin(), operands.end());
    addresses.insert(addresses.end(), arguments.results.begin(), arguments.results.end());
    DeviceAddress scratch = arguments.workspace;
    for (const int64_t bytes : scratch_) {
      addresses.push_back(scratch);
      scratch += static_cast<DeviceAddress>(aligned(bytes));
    }
    plan_.plan->execute(plan_.memory_ids, addresses, scratch, arguments.stream, plan_.scalars);
  }

  int64_t workspace_bytes() const override {
    int64_t bytes = plan_.workspace_bytes;
    for (const int64_t scratch : scratch_) bytes += aligned(scratch);
    return bytes;
  }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override { return "cudnn/" + plan_.name; }
  double flops() const override { return flops_; }

 private:
  ChosenPlan plan_;
  size_t num_operands_;
  std::vector<int64_t> scratch_;
  double flops_;
};

/// Bytes of all that a plan measures with.
std::vector<int64_t> bytes_of(const KernelRequest& request, std::span<const int64_t> scratch) {
  std::vector<int64_t> bytes;
  const auto add = [&](std::span<const Type> types) {
    for (const Type& type : types)
      bytes.push_back(type.shape().num_elements() * byte_size(type.dtype()));
  };
  add(request.operands.first(num_tensors(request)));
  add(request.node.results);
  bytes.insert(bytes.end(), scratch.begin(), scratch.end());
  return bytes;
}

/// The score gradients in memory, as large as all scores, are what an exact gradient costs.
PlanOptions plan_options(const KernelRequest& request, std::span<const int64_t> scratch) {
  return {.rules = {.deterministic = request.deterministic, .workspace_limit = int64_t{4} << 30},
          .candidates = 6,
          .bytes = bytes_of(request, scratch)};
}

std::unique_ptr<Launch> make_launch(const KernelRequest& request, const PrepareContext& context,
                                    const MakeGraph& make_graph, std::vector<int64_t> scratch,
                                    double flops) {
  Result<ChosenPlan> plan =
      choose_plan(make_graph, plan_options(request, scratch), request.device, context);
  if (!plan) {
    // Without a driver cuDNN offers none of these engines, and what is lowered there runs nowhere.
    if (context.device || driver()) brisk::refuse("[{}] {}", request.node.op->name, plan.error());
    plan = ChosenPlan{.name = "attention"};
  }
  return std::make_unique<AttentionLaunch>(std::move(*plan), num_tensors(request),
                                           std::move(scratch), flops);
}

std::unique_ptr<Launch> prepare_forward(const KernelRequest& request,
                                        const PrepareContext& context) {
  const AttentionProblem problem = attention_problem(request.node, request.operands);
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    attention_forward(graph, problem);
    return std::move(graph).build(target);
  };
  const auto widths = static_cast<double>(problem.size + problem.value_size);
  return make_launch(request, context, make_graph, {}, problem.product_flops() * widths);
}

std::unique_ptr<Launch> prepare_backward(const KernelRequest& request,
                                         const PrepareContext& context) {
  const AttentionProblem problem = attention_problem(request.node, request.operands);
  const QueryGradient form =
      request.deterministic ? QueryGradient::exact : QueryGradient::accumulated;
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    attention_backward(graph, problem, form);
    return std::move(graph).build(target);
  };
  std::vector<int64_t> scratch = {memory_bytes(problem.statistics())};
  if (form == QueryGradient::accumulated)
    scratch.push_back(problem.batch * problem.heads * problem.queries * problem.size *
                      byte_size(DType::f32));
  const auto widths = static_cast<double>(3 * problem.size + 2 * problem.value_size);
  return make_launch(request, context, make_graph, std::move(scratch),
                     problem.product_flops() * widths);
}

}  // namespace

std::optional<std::string> refuse_attention(const Node& node, std::span<const Type> operands) {
  if (const auto cudnn = library(); !cudnn) return cudnn.error();
  const AttentionProblem problem = attention_problem(node, operands);
  if (problem.type != DType::f16 && problem.type != DType::bf16)
    return fmt::format("element type {}, but its engines are for f16 and bf16", name(problem.type));
  for (const int64_t size : {problem.size, problem.value_size})
    if (size % 8 != 0 || size > kLargestHead || size == 0)
      return fmt::format("heads of {}, but its engines want a multiple of 8, {} at most", size,
                         kLargestHead);
  if (problem.batch * problem.heads * problem.queries * problem.keys == 0) return "an extent is 0";
  const AttentionAttributes attributes = attributes_of(node);
  if (attributes.dropout > 0 && attributes.training)
    return "weights are dropped by random bits of our own";
  // Given one for all queries, the gradient's engines of 9.14 compute something else.
  if (node.op->name != "dot_product_attention" && problem.bias &&
      problem.bias->sizes[2] != problem.queries)
    return "the gradient's engines want each query's own bias";
  if (problem.queries < 2 || problem.keys < 2) return "its engines want more than one step";
  return std::nullopt;
}

std::vector<OpKernel> attention_kernels() {
  return {{"dot_product_attention", {"cudnn", refuse, prepare_forward}},
          {"dot_product_attention_gradient", {"cudnn", refuse, prepare_backward}}};
}

}  // namespace brisk::cuda::cudnn
