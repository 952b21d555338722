#pragma once

/// How a loop program is run: vector width, blocks, what is split among threads, scratch memory.
/// Plain data, read by the code generator and by the host side that drives the generated code.
///
/// Three shapes, by what the innermost axis is:
///   pointwise  nothing is reduced; the innermost axis is vectorised;
///   row        the innermost axis is reduced: vector accumulators in registers, folded at the end;
///   column     the innermost axis is kept: accumulators lie in scratch, one per kept index, and
///              rows of the reduced axes stream over them, several rows at a time.
/// Two ways to split the work:
///   by kept units     a unit (kept index; with a block of the innermost axis unless `row`) is done
///                     whole by one thread, all phases one after another;
///   by reduced units  each part (one per thread) folds its share of the first reduced axis into
///                     partial results in scratch; "finish" combines them in order of parts.

#include <cstdint>
#include <string_view>
#include <vector>

#include "brisk/backends/loop/loop_phases.h"

namespace brisk {

struct LoopProgram;

/// Instruction sets that code is generated for; each includes FMA and F16C.
enum class VectorIsa : uint8_t { avx2, avx512 };
std::string_view name(VectorIsa isa);

struct LoopPlan : LoopPhases {
  enum class Shape : uint8_t { pointwise, row, column };
  Shape shape = Shape::pointwise;
  bool split_reduced = false;
  VectorIsa isa = VectorIsa::avx2;
  int32_t lanes = 8;        ///< elements of one vector
  int32_t unroll = 1;       ///< vectors of the innermost axis in one turn (row: accumulators)
  int32_t tile_rows = 1;    ///< column: rows in one turn
  int64_t block = 0;        ///< elements of the innermost axis in one unit; a multiple of the lanes
  int64_t inner_units = 1;  ///< blocks of the innermost axis (row, split by kept units: 1)
  int64_t kept_units = 1;   ///< kept indices without the innermost axis, times its blocks if kept
  int64_t reduced_units = 1;   ///< split_reduced: indices of the first reduced axis (row with a
                               ///< single reduced axis: its blocks)
  std::vector<bool> streamed;  ///< of each store: too large for the caches, written past them
  /// Costly lines of a row that a later phase reads again: kept in a part's scratch, written in the
  /// first phase that needs them.
  struct CachedLine {
    int32_t line = 0;
    int32_t first_phase = 0;
    int64_t offset = 0;  ///< in bytes, within a part
  };
  std::vector<CachedLine> cached;

  /// Scratch: the shared part, then `part_bytes` for each part. Offsets are in bytes; `pitch` is
  /// the number of elements per index of the outer kept axes (lanes included for column).
  int64_t shared_bytes = 0;
  int64_t part_bytes = 0;
  int64_t pitch = 1;
  std::vector<int64_t> partial_offset;  ///< of each reduction, within a part
  std::vector<int64_t> export_offset;   ///< of each export: shared if split_reduced, else in a part

  double nanoseconds = 0;  ///< rough time on one thread
};

/// `threads` is a hint for the split; the plan works for any number.
LoopPlan plan_loop(const LoopProgram& program, VectorIsa isa, int threads);

}  // namespace brisk
