#pragma once

/// What every code generator asks of a loop program before it decides how to run it. A phase ends
/// where reductions are complete; lines that use their results at every point belong to the next
/// one (softmax: maximum, sum, quotient).
///
/// Read by the code generator's library too: plain data; the functions stand in loop_phases.cpp.

#include <cstdint>
#include <functional>
#include <vector>

namespace brisk {

struct LoopProgram;

struct LoopPhases {
  int32_t num_phases = 1;
  std::vector<int32_t> line_phase;  ///< of each line
  std::vector<uint64_t> line_axes;  ///< bit a: the line changes with axis a
  std::vector<int32_t> exports;     ///< reduced lines that a later phase reads
  /// By phase and line: needed by folds and stores at every point; by reduced stores and exports.
  std::vector<std::vector<bool>> needed_at_points, needed_after;
};

/// Phases, axes and exports; `needed_*` stay empty.
LoopPhases analyse_phases(const LoopProgram& program);
/// Fills `needed_*`. Results of earlier phases are read, not computed; so is a line for which
/// `kept(line, phase)` holds.
void find_needed(const LoopProgram& program, LoopPhases& phases,
                 const std::function<bool(int32_t line, int32_t phase)>& kept = {});
/// Mathematics that takes tens of instructions.
bool is_expensive(const LoopProgram& program, int32_t line);

}  // namespace brisk
