#include "brisk/backends/loop/loop_phases.h"

#include <algorithm>

#include "brisk/backends/loop/loop_program.h"

namespace brisk {
namespace {

uint64_t axes_of(const AffineIndex& at) {
  uint64_t axes = 0;
  for (size_t a = 0; a < at.strides.size(); ++a)
    if (at.strides[a] != 0) axes |= uint64_t{1} << a;
  return axes;
}

/// Adds `line` and what it needs.
void add_cone(const LoopProgram& program, const LoopPhases& phases, int32_t line, int32_t phase,
              const std::function<bool(int32_t, int32_t)>& kept, std::vector<bool>& set) {
  const auto place = static_cast<size_t>(line);
  if (set[place]) return;
  set[place] = true;
  const bool is_export =
      std::find(phases.exports.begin(), phases.exports.end(), line) != phases.exports.end();
  if (is_export && phases.line_phase[place] < phase) return;
  if (kept && kept(line, phase)) return;
  for (const int32_t operand : program.lines[place].operands)
    if (operand >= 0) add_cone(program, phases, operand, phase, kept, set);
}

}  // namespace

bool is_expensive(const LoopProgram& program, int32_t number) {
  const LoopLine& line = program.lines[static_cast<size_t>(number)];
  if (line.kind != LoopLine::Kind::operation) return false;
  switch (line.op) {
    case ScalarOp::power:
    case ScalarOp::atan2:
    case ScalarOp::remainder:
    case ScalarOp::exponential:
    case ScalarOp::expm1:
    case ScalarOp::logarithm:
    case ScalarOp::log1p:
    case ScalarOp::sine:
    case ScalarOp::cosine:
    case ScalarOp::tangent:
    case ScalarOp::hyperbolic_tangent:
    case ScalarOp::error_function:
      return true;
    default:
      return false;
  }
}

LoopPhases analyse_phases(const LoopProgram& program) {
  LoopPhases phases;
  uint64_t kept_axes = 0;
  for (size_t a = 0; a < program.axes.size(); ++a)
    if (!program.axes[a].reduced) kept_axes |= uint64_t{1} << a;

  std::vector<bool> folded(program.lines.size());  // a reduction is in its cone
  for (size_t i = 0; i < program.lines.size(); ++i) {
    const LoopLine& line = program.lines[i];
    int32_t phase = 0;
    uint64_t axes = 0;
    switch (line.kind) {
      case LoopLine::Kind::load:
        axes = axes_of(program.loads[line.index].at);
        break;
      case LoopLine::Kind::position:
        axes = axes_of(program.positions[line.index]);
        break;
      case LoopLine::Kind::reduction: {
        const int32_t source = program.reductions[line.index].line;
        phase = phases.line_phase[source];
        axes = kept_axes;  // its accumulator's place, even if the value happens not to change
        folded[i] = true;
        break;
      }
      default:
        for (const int32_t operand : line.operands) {
          if (operand < 0) continue;
          const bool ends_phase =
              program.lines[operand].reduced && folded[operand] && !line.reduced;
          phase = std::max(phase, phases.line_phase[operand] + (ends_phase ? 1 : 0));
          axes |= phases.line_axes[operand];
          folded[i] = folded[i] || (folded[operand] && line.reduced);
        }
    }
    phases.line_phase.push_back(phase);
    phases.line_axes.push_back(axes);
    phases.num_phases = std::max(phases.num_phases, phase + 1);
  }
  std::vector<bool> exported(program.lines.size());
  for (size_t i = 0; i < program.lines.size(); ++i)
    for (const int32_t operand : program.lines[i].operands)
      if (operand >= 0 && program.lines[operand].reduced && folded[operand] &&
          phases.line_phase[operand] < phases.line_phase[i])
        exported[operand] = true;
  for (size_t i = 0; i < exported.size(); ++i)
    if (exported[i]) phases.exports.push_back(static_cast<int32_t>(i));
  return phases;
}

void find_needed(const LoopProgram& program, LoopPhases& phases,
                 const std::function<bool(int32_t, int32_t)>& kept) {
  const auto count = static_cast<size_t>(phases.num_phases);
  phases.needed_at_points.assign(count, std::vector<bool>(program.lines.size()));
  phases.needed_after = phases.needed_at_points;
  const auto add = [&](auto& sets, int32_t line) {
    const int32_t phase = phases.line_phase[static_cast<size_t>(line)];
    add_cone(program, phases, line, phase, kept, sets[static_cast<size_t>(phase)]);
  };
  for (const LoopReduction& reduction : program.reductions)
    add(phases.needed_at_points, reduction.line);
  for (const LoopStore& store : program.stores)
    add(program.lines[static_cast<size_t>(store.line)].reduced ? phases.needed_after
                                                               : phases.needed_at_points,
        store.line);
  for (const int32_t line : phases.exports) add(phases.needed_after, line);
}

}  // namespace brisk
