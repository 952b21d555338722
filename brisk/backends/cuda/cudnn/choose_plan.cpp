#include "brisk/backends/cuda/cudnn/choose_plan.h"

#include <limits>

#include "brisk/backends/cuda/measuring_memory.h"
#include "brisk/backends/cuda/tuning.h"

namespace brisk::cuda::cudnn {
namespace {

Failure no_engine(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return fail("cuDNN has no engine for it");
  return fail("cuDNN has no engine for it: {}", fmt::join(reasons, "; "));
}

ChosenPlan chosen(const OperationGraph& graph, Plan plan, double milliseconds) {
  ChosenPlan result;
  result.memory_ids = graph.memory_ids;
  result.name = plan.name();
  result.workspace_bytes = plan.workspace_bytes();
  result.milliseconds = milliseconds;
  result.plan = std::move(plan);
  return result;
}

Result<ChosenPlan> choose_without_device(const OperationGraph& graph, const Target& target,
                                         const PlanOptions& options) {
  std::vector<std::string> reasons;
  for (const EngineConfig& config :
       engine_configs(graph, target, options.rules, options.candidates, &reasons)) {
    Result<Plan> plan = Plan::make(config, target);
    if (plan) {
      if (plan->workspace_bytes() <= options.rules.workspace_limit)
        return chosen(graph, std::move(*plan), 0);
      reasons.push_back(
          fmt::format("{}: wants {} MB of workspace", config.name, plan->workspace_bytes() >> 20));
    } else if (only_lacks_device(plan.error())) {
      return ChosenPlan{graph.memory_ids, std::nullopt, config.name};
    } else {
      reasons.push_back(plan.error());
    }
  }
  return no_engine(reasons);
}

Result<ChosenPlan> measure_plans(const OperationGraph& graph, const Target& target,
                                 const PlanOptions& options, const DevicePtr& device) {
  std::vector<std::string> reasons;
  std::vector<Plan> plans;
  int64_t workspace_bytes = 0;
  for (const EngineConfig& config :
       engine_configs(graph, target, options.rules, options.candidates, &reasons)) {
    Result<Plan> plan = Plan::make(config, target);
    if (!plan) {
      reasons.push_back(plan.error());
    } else if (plan->workspace_bytes() > options.rules.workspace_limit) {
      reasons.push_back(
          fmt::format("{}: wants {} MB of workspace", config.name, plan->workspace_bytes() >> 20));
    } else {
      workspace_bytes = std::max(workspace_bytes, plan->workspace_bytes());
      plans.push_back(std::move(*plan));
    }
  }
  if (plans.empty()) return no_engine(reasons);

  const MeasuringMemory memory(device, options.bytes, workspace_bytes);
  std::optional<ChosenPlan> best;
  for (Plan& plan : plans) {
    try {
      const double milliseconds = measure(device, [&](StreamHandle stream) {
        plan.execute(graph.memory_ids, memory.addresses(), memory.workspace(), stream);
      });
      if (!best || milliseconds < best->milliseconds)
        best = chosen(graph, std::move(plan), milliseconds);
    } catch (const UserError& error) {  // an engine that was offered but can't run here
      reasons.push_back(error.what());
    }
  }
  if (!best) return no_engine(reasons);
  return std::move(*best);
}

}  // namespace

Result<ChosenPlan> choose_plan(const MakeGraph& make_graph, const PlanOptions& options,
                               const DeviceProperties& device, const PrepareContext& context) {
  const Result<Target> target =
      context.device ? Target::of_device(context.device) : Target::described(device);
  if (!target) return target.failure();
  const OperationGraph graph = make_graph(*target);
  if (!context.device) return choose_without_device(graph, *target, options);

  const std::string problem = fmt::format("cudnn {} deterministic={} tensor_cores={}", graph.text,
                                          options.rules.deterministic, options.rules.tensor_cores);
  if (context.tuning) {
    if (const std::optional<TunedChoice> known = context.tuning->find(problem)) {
      Result<Plan> plan = Plan::from_text(known->plan, *target);
      if (plan) return chosen(graph, std::move(*plan), known->milliseconds);
    }
  }
  Result<ChosenPlan> best = measure_plans(graph, *target, options, context.device);
  if (best && context.tuning)
    context.tuning->store(problem, {best->name, best->plan->to_text(), best->milliseconds});
  return best;
}

}  // namespace brisk::cuda::cudnn
