#pragma once

/// Emits the lines of a loop program at a place in the nest: as scalars where they do not change
/// with the innermost axis (hoisted to the outermost loop that fixes them), as vectors inside.

#include <vector>

#include "brisk/backends/cpu/llvm/vector_builder.h"
#include "brisk/backends/cpu/loop/codegen_interface.h"

namespace brisk {

/// A place in the nest: the indices of the axes that are open there and what is known at it.
struct Point {
  std::vector<llvm::Value*> index;     ///< of each axis; null while it is not open
  std::vector<llvm::Value*> scalar;    ///< of each line; null until computed
  std::vector<llvm::Value*> load_row;  ///< addresses at index 0 of the innermost axis
  std::vector<llvm::Value*> store_row;
  std::vector<llvm::Value*> position_row;  ///< positions at index 0 of the innermost axis
};

/// One vector of the innermost axis at a point.
struct Body {
  const Point* point = nullptr;
  llvm::Value* base = nullptr;      ///< index of the first lane
  int active = 0;                   ///< lanes that exist
  std::vector<llvm::Value*> value;  ///< of each line; null until computed
};

using LineSet = std::vector<bool>;

class LineEmitter {
 public:
  LineEmitter(VectorBuilder& build, const LoopProgram& program, const LoopPlan& plan)
      : b_(build), program_(program), plan_(plan) {}

  /// Base addresses of the buffers, for the function that is being emitted.
  void set_buffers(std::vector<llvm::Value*> buffers) { buffers_ = std::move(buffers); }

  Point outermost() const;
  Body body(const Point& point, llvm::Value* base, int active) const;
  /// Computes all of `needed` that the open axes of `point` fix.
  void hoist(Point& point, const LineSet& needed);
  /// Addresses for the innermost loop over `needed` and the stores of `phase`.
  void open_rows(Point& point, const LineSet& needed, int phase, bool reduced_stores);
  llvm::Value* vector(Body& body, int32_t line);
  /// Stores of `phase`: those at every point, or the reduced ones, as vectors.
  void store_vectors(Body& body, int phase, bool reduced_stores);
  /// The same for scalars, whose lines are known at `point`.
  void store_scalars(const Point& point, int phase);

  bool varies_inside(int32_t line) const {
    return (plan_.line_axes[static_cast<size_t>(line)] >> inner_axis() & 1) != 0;
  }
  size_t inner_axis() const { return program_.axes.size() - 1; }
  int64_t inner_stride(const AffineIndex& at) const { return at.strides[inner_axis()]; }

 private:
  bool stores_in(const LoopStore& store, int phase, bool reduced_stores) const;
  /// offset + strides * index over the open axes but the innermost, as i64.
  llvm::Value* element_index(const Point& point, const AffineIndex& at, bool with_inner);
  llvm::Value* address(int32_t buffer, DType type, llvm::Value* element);
  llvm::Value* scalar(Point& point, int32_t line);
  llvm::Value* compute(const LoopLine& line, llvm::ArrayRef<llvm::Value*> operands);

  VectorBuilder& b_;
  const LoopProgram& program_;
  const LoopPlan& plan_;
  std::vector<llvm::Value*> buffers_;
};

}  // namespace brisk
