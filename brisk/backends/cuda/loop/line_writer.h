#pragma once

/// Writes the lines of a loop program as statements of CUDA C++. A stage opens scopes, outermost
/// first; a line is written in the outermost scope in which all that it depends on is known:
///   once   constants and what depends on axes that are fixed for the block or thread
///   inner  depends on the innermost axis besides: an array over the vector's elements
///   row    depends on axes that the stage loops over, not on the innermost
///   point  everything else, inside the loop over the vector's elements
/// Index variables are of type `ix`: `c<axis>` for each axis but the innermost, `in` for the first
/// element of the vector on the innermost axis.

#include <string>
#include <vector>

#include "brisk/backends/cuda/loop/device_loop_plan.h"

namespace brisk::cuda {

/// "f32", "bool": the type that values are computed in.
std::string compute_text(DType type);
/// "f16", "bool8": the type of elements in memory.
std::string storage_text(DType type);
/// A value of a computed type, exactly.
std::string literal_text(DType type, double value, uint64_t bits);

class LineWriter {
 public:
  enum class Scope : uint8_t { none, once, inner, row, point };

  LineWriter(const LoopProgram& program, const DeviceLoopPlan& plan, const LoopStage& stage);

  /// Axes (bits) that are known outside all loops, and those that rows run over. The innermost is
  /// in neither, unless the stage has no place of its own on it (row forms, where `inner_fixed` is
  /// false: every line that moves along it belongs to points).
  void set_axes(uint64_t fixed, uint64_t rows, bool inner_fixed);

  /// Decides the scope of each line of `needed`; lines that are known already (accumulated results)
  /// keep what `define` said. Forgets what an earlier call decided.
  void begin(const std::vector<bool>& needed, int32_t phase);
  /// The text that stands for a line from now on.
  void define(int32_t line, std::string text) {
    text_[static_cast<size_t>(line)] = std::move(text);
  }

  Scope scope(int32_t line) const { return scope_[static_cast<size_t>(line)]; }
  bool has_point_loads() const;

  /// Statements of one scope. `lanes`: elements of the vector. Loads of rows and points stand
  /// apart, so that several turns' loads are issued before the first is used: `declare_loads`
  /// arrays of `turns`, `issue_loads` fills element `turn` (text), the scopes read element `turn`.
  std::string once() const;
  std::string inner(int32_t lanes) const;
  std::string declare_loads(int32_t lanes, const std::string& turns) const;
  std::string issue_loads(int32_t lanes, const std::string& turn) const;
  /// Sets the elements to nothing, where a guard leaves loads out.
  std::string clear_loads(const std::string& turn) const;
  std::string rows(const std::string& turn) const;
  /// The lines of points, then `fold` (text) and the stores of this phase at points.
  std::string points(int32_t lanes, const std::string& turn, const std::string& fold) const;

  /// Lines of `needed_after`, and what they store and export.
  struct After {
    std::string lines;   ///< declare `x<line>`
    std::string writes;  ///< use them
  };
  /// Every line in one scope. `fold_text[reduction]` is the finished fold.
  After after_scalar(const std::vector<std::string>& fold_text);
  /// For each element `v` of a vector; lines and writes in one text.
  std::string after_vector(int32_t lanes, const std::vector<std::string>& fold_text);

  /// Sum of offset, coordinates and, unless `without_inner`, the innermost index.
  std::string offset(const AffineIndex& at, bool without_inner = false) const;
  /// What stands for a line: its name, an element of an array, a literal.
  std::string text(int32_t line) const;
  /// True where a line of `begin`'s set reads the coordinate of an axis.
  bool reads_axis(size_t axis) const;

  std::string partial_pointer(size_t reduction) const;
  const std::string& buffer_parameters() const { return parameters_; }
  /// Of each buffer, operands first: "const f32*".
  const std::vector<std::string>& buffer_types() const { return buffer_types_; }

 private:
  struct Load {
    std::string pointer;
    DType type;
    const AffineIndex* at;
  };
  bool is_export(int32_t line) const;
  int32_t phase_of(int32_t line) const { return plan_.line_phase[static_cast<size_t>(line)]; }
  bool is_load(int32_t line) const;
  Load load_of(int32_t line) const;
  std::string expression(int32_t line) const;
  std::string vector_load(const Load& load, int32_t lanes) const;
  std::string store(const LoopStore& store, int32_t lanes, const std::string& values) const;
  After after(int32_t lanes, const std::vector<std::string>& fold_text);
  void all_to(Scope scope, const std::vector<bool>& set);
  std::string element(const AffineIndex& at, const std::string& pointer) const;

  const LoopProgram& program_;
  const DeviceLoopPlan& plan_;
  const LoopStage& stage_;
  std::vector<AffineIndex> export_at_;
  std::string parameters_;
  std::vector<std::string> buffer_types_;
  uint64_t fixed_ = 0, rows_ = 0;
  bool inner_fixed_ = true;
  int32_t phase_ = 0;
  std::vector<Scope> scope_;
  std::vector<std::string> text_;
  std::vector<bool> needed_;
};

}  // namespace brisk::cuda
