#include "brisk/backends/cuda/cudnn/choose_plan.h"

#include <algorithm>

#include "brisk/backends/cuda/measuring_memory.h"
#include "brisk/backends/cuda/tuning.h"

namespace brisk::cuda::cudnn {
namespace {

/// Engines come in several configurations that are refused for one reason.
Failure no_engine(const std::vector<std::string>& reasons) {
  std::vector<std::string> different;
  for (const std::string& reason : reasons)
    if (std::find(different.begin(), different.end(), reason) == different.end())
      different.push_back(reason);
  if (different.empty()) return fail("cuDNN has no engine for it");
  return fail("cuDNN has no engine for it: {}", fmt::join(different, "; "));
}

std::string wants_too_much(const Plan& plan, int64_t limit) {
  return fmt::format("{}: wants {} MB of workspace, but {} MB are the most that it may have",
                     plan.name(), plan.workspace_bytes() >> 20, limit >> 20);
}

/// Where no engine is content with the limit of the rules: a share of the memory that leaves room
/// for the values themselves, since all launches work in one workspace.
int64_t most_workspace(const PlanOptions& options, int64_t memory_bytes) {
  return std::max(options.rules.workspace_limit, memory_bytes / 4);
}

ChosenPlan chosen(const OperationGraph& graph, Plan plan, double milliseconds) {
  ChosenPlan result;
  result.memory_ids = graph.memory_ids;
  result.scalars = graph.scalars;
  result.name = plan.name();
  result.workspace_bytes = plan.workspace_bytes();
  result.milliseconds = milliseconds;
  result.plan = std::move(plan);
  return result;
}

Result<ChosenPlan> choose_without_device(const OperationGraph& graph, const Target& target,
                                         const PlanOptions& options, int64_t memory_bytes) {
  std::vector<std::string> reasons;
  std::optional<Plan> smallest;
  for (const EngineConfig& config :
       engine_configs(graph, target, options.rules, options.candidates, &reasons)) {
    Result<Plan> plan = Plan::make(config, target);
    if (plan) {
      if (plan->workspace_bytes() <= options.rules.workspace_limit)
        return chosen(graph, std::move(*plan), 0);
      if (!smallest || plan->workspace_bytes() < smallest->workspace_bytes())
        smallest = std::move(*plan);
    } else if (only_lacks_device(plan.error())) {
      return ChosenPlan{graph.memory_ids, graph.scalars, std::nullopt, config.name};
    } else {
      reasons.push_back(plan.error());
    }
  }
  if (!smallest) return no_engine(reasons);
  const int64_t most = most_workspace(options, memory_bytes);
  if (smallest->workspace_bytes() <= most) return chosen(graph, std::move(*smallest), 0);
  reasons.push_back(wants_too_much(*smallest, most));
  return no_engine(reasons);
}

/// Those within the rules' limit; where there is none, those that want the least, up to `most`.
std::vector<Plan> with_bearable_workspace(std::vector<Plan> plans, int64_t limit, int64_t most,
                                          std::vector<std::string>& reasons) {
  const auto smallest = std::min_element(
      plans.begin(), plans.end(),
      [](const Plan& a, const Plan& b) { return a.workspace_bytes() < b.workspace_bytes(); });
  if (smallest == plans.end()) return plans;
  limit = std::max(limit, smallest->workspace_bytes());
  if (limit > most) {
    reasons.push_back(wants_too_much(*smallest, most));
    return {};
  }
  std::erase_if(plans, [&](const Plan& plan) { return plan.workspace_bytes() > limit; });
  return plans;
}

Result<ChosenPlan> measure_plans(const OperationGraph& graph, const Target& target,
                                 const PlanOptions& options, const DevicePtr& device) {
  std::vector<std::string> reasons;
  std::vector<Plan> plans;
  for (const EngineConfig& config :
       engine_configs(graph, target, options.rules, options.candidates, &reasons)) {
    Result<Plan> plan = Plan::make(config, target);
    if (plan)
      plans.push_back(std::move(*plan));
    else
      reasons.push_back(plan.error());
  }
  plans = with_bearable_workspace(std::move(plans), options.rules.workspace_limit,
                                  most_workspace(options, device->free_bytes()), reasons);
  if (plans.empty()) return no_engine(reasons);

  int64_t workspace_bytes = 0;
  for (const Plan& plan : plans)
    workspace_bytes = std::max(workspace_bytes, plan.workspace_bytes());
  const MeasuringMemory memory(device, options.bytes, workspace_bytes);
  std::optional<ChosenPlan> best;
  double spent = 0;
  for (Plan& plan : plans) {
    if (best && spent > kMeasuringMilliseconds) break;
    try {
      MeasuringLimits limits;
      if (best) limits.best_milliseconds = best->milliseconds;
      const auto enqueue = [&](StreamHandle stream) {
        plan.execute(graph.memory_ids, memory.addresses(), memory.workspace(), stream,
                     graph.scalars);
      };
      const double milliseconds = measure(device, enqueue, limits);
      spent += 2 * milliseconds;  // with the warm-up
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
  if (!context.device) return choose_without_device(graph, *target, options, device.memory_bytes);

  // The last words set aside what was kept before a wrong engine was known (plan.cpp).
  const std::string problem = fmt::format(
      "cudnn {} deterministic={} tensor_cores={}{}", graph.text, options.rules.deterministic,
      options.rules.tensor_cores, graph.filter_gradient_padded_unevenly ? " without engine 1" : "");
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
