#include "brisk/passes/pass.h"

#include <chrono>
#include <filesystem>

#include "brisk/base/edit_distance.h"
#include "brisk/base/error.h"
#include "brisk/base/file.h"
#include "brisk/ir/text.h"

namespace brisk {
namespace {

int64_t count_nodes(const Graph& graph) {
  auto count = static_cast<int64_t>(graph.nodes().size());
  for (const Node& node : graph.nodes())
    for (const Graph& region : node.regions) count += count_nodes(region);
  return count;
}

void dump(const Program& program, const std::string& directory, std::string_view pass, size_t number) {
  const std::filesystem::path path =
      std::filesystem::path(directory) / fmt::format("{:02}_{}.txt", number, pass);
  std::filesystem::create_directories(directory);
  write_file_atomically(path, print(program)).value();
}

}  // namespace

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::model: return "model";
    case Phase::meaning: return "meaning";
    case Phase::differentiate: return "differentiate";
    case Phase::step: return "step";
    case Phase::lower: return "lower";
    case Phase::plan: return "plan";
  }
  return "unknown";
}

Program run_pass(Program program, const Pass& pass, const PassContext& context,
                 std::vector<PassReport>* reports) {
  PassReport report{.name = pass.name, .nodes_before = count_nodes(program.graph)};
  if (!pass.required && context.disabled.contains(pass.name)) {
    report.skipped = true;
    report.nodes_after = report.nodes_before;
    if (reports != nullptr) reports->push_back(report);
    return program;
  }
  const Graph before = program.graph;
  const auto start = std::chrono::steady_clock::now();
  program = pass.run(std::move(program), context);
  report.milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  report.nodes_after = count_nodes(program.graph);
  report.changed = report.nodes_after != report.nodes_before || !(before == program.graph);
  if (context.verify) {
    try {
      verify(program);
    } catch (const Error& error) {
      throw InternalError(fmt::format("after pass '{}': {}", pass.name, error.what()));
    }
  }
  if (report.changed && !context.dump_directory.empty())
    dump(program, context.dump_directory, pass.name, reports != nullptr ? reports->size() : 0);
  if (reports != nullptr) reports->push_back(report);
  return program;
}

Program run_pipeline(Program program, std::span<const Pass> passes, const PassContext& context,
                     std::vector<PassReport>* reports) {
  std::vector<std::string> optional;
  for (const Pass& pass : passes)
    if (!pass.required) optional.push_back(pass.name);
  for (const std::string& name : context.disabled)
    require(std::find(optional.begin(), optional.end(), name) != optional.end(),
            "there is no pass '{}' that can be switched off{}; there are: {}", name,
            did_you_mean(name, optional), fmt::join(optional, ", "));
  std::vector<PassReport> own;
  if (reports == nullptr) reports = &own;
  Phase phase = Phase::model;
  for (const Pass& pass : passes) {
    invariant(pass.phase >= phase, "pass '{}' of phase '{}' stands behind phase '{}'", pass.name,
              name(pass.phase), name(phase));
    phase = pass.phase;
    program = run_pass(std::move(program), pass, context, reports);
  }
  return program;
}

}  // namespace brisk
