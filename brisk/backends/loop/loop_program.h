#pragma once

/// A fused loop as flat plain data: what is computed, without how it is scheduled. It is what the
/// code generator reads, what the disk cache is keyed by, and what tests write by hand.
///
/// The iteration space is the product of `axes`, in loop order: kept axes, then reduced axes, then
/// at most one kept axis again (innermost). A line is computed at every point of the space, or
/// (`reduced`) once for each index of the kept axes. Without reduced axes the loop is pointwise.
///
/// This header is read by the code generator's library too, which shares no compiled code with
/// brisk: it holds structs only; functions over them stand in loop_program.cpp.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "brisk/base/dtype.h"
#include "brisk/ir/expr.h"

namespace brisk {

struct LoopAxis {
  int64_t size = 1;
  bool reduced = false;
  friend bool operator==(const LoopAxis&, const LoopAxis&) = default;
};

/// offset + sum over axes of strides[axis] * index[axis]; of memory, in elements.
struct AffineIndex {
  int64_t offset = 0;
  std::vector<int64_t> strides;
  friend bool operator==(const AffineIndex&, const AffineIndex&) = default;
};

struct LoopLoad {
  int32_t buffer = 0;       ///< operands first, then results
  DType type = DType::f32;  ///< in memory
  AffineIndex at;
  friend bool operator==(const LoopLoad&, const LoopLoad&) = default;
};

/// Folds `line`, which is computed at every point, over the reduced axes. An empty fold gives the
/// identity.
struct LoopReduction {
  int32_t line = 0;
  ScalarOp combiner = ScalarOp::add;
  double identity = 0;         ///< floating types
  uint64_t identity_bits = 0;  ///< integers and bool
  friend bool operator==(const LoopReduction&, const LoopReduction&) = default;
};

/// Writes `line`, converted to `type`. A reduced line has no strides along reduced axes.
struct LoopStore {
  int32_t line = 0;
  int32_t buffer = 0;
  DType type = DType::f32;
  AffineIndex at;
  friend bool operator==(const LoopStore&, const LoopStore&) = default;
};

/// One value. Operands are earlier lines. Types are compute types (short floats never occur).
struct LoopLine {
  enum class Kind : uint8_t {
    operation,  ///< `op` on `operands` (ScalarOp::constant included; never input or an index)
    load,       ///< loads[index]
    position,   ///< positions[index] as an integer of `type`
    reduction,  ///< the result of reductions[index]
    rounded,    ///< operand 0 (f32) rounded to the short float `storage` and back
  };
  Kind kind = Kind::operation;
  ScalarOp op = ScalarOp::constant;
  DType type = DType::f32;
  DType storage = DType::f32;
  bool reduced = false;
  std::array<int32_t, 3> operands{-1, -1, -1};
  int32_t index = 0;
  double value = 0;
  uint64_t bits = 0;
  friend bool operator==(const LoopLine&, const LoopLine&) = default;
};

struct LoopProgram {
  std::vector<LoopAxis> axes;
  int32_t num_operands = 0;
  int32_t num_results = 0;
  std::vector<LoopLoad> loads;
  std::vector<AffineIndex> positions;
  std::vector<LoopReduction> reductions;
  std::vector<LoopLine> lines;
  std::vector<LoopStore> stores;
  friend bool operator==(const LoopProgram&, const LoopProgram&) = default;
};

/// One line of text per item; two programs are equal when their texts are.
std::string to_text(const LoopProgram& program);
/// Checks operands, types, ranges of indices and the order of the axes; an invariant naming the
/// line. Code is never generated from a program that was not checked.
void check(const LoopProgram& program);

}  // namespace brisk
