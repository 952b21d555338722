#include <algorithm>

#include "brisk/backends/cuda/loop/stage_frame.h"

// pointwise (of several axes) and column_fold. A thread has one vector's place on the innermost
// axis, so what depends on that axis alone is computed once; then it goes through rows, `unroll` of
// them at a time, all their loads issued first.

namespace brisk::cuda {
namespace {

class RowsBody {
 public:
  explicit RowsBody(StageFrame& frame)
      : f_(frame), stage_(frame.stage), is_fold_(stage_.form == LoopStage::Form::column_fold) {
    const auto is_reduced = [&](size_t a) { return f_.program.axes[a].reduced; };
    if (is_fold_) {
      fixed_ = f_.outer_axes([&](size_t a) { return !is_reduced(a); });
      rows_ = f_.outer_axes(is_reduced);
      reductions_ = f_.reductions_of(stage_.phase);
    } else {
      rows_ = f_.outer_axes([](size_t) { return true; });
    }
    f_.lines.set_axes(StageFrame::bits(fixed_), StageFrame::bits(rows_), true);
    f_.lines.begin(f_.plan.needed_at_points[static_cast<size_t>(stage_.phase)], stage_.phase);
  }

  std::string write() {
    std::string code = place() + f_.lines.once() + f_.lines.inner(stage_.lanes) +
                       f_.accumulators(reductions_, stage_.lanes);
    if (has_points()) code += loop();
    return is_fold_ ? code + finish() : code;
  }

 private:
  bool has_points() const {
    const auto& needed = f_.plan.needed_at_points[static_cast<size_t>(stage_.phase)];
    return f_.count(rows_) > 0 && std::find(needed.begin(), needed.end(), true) != needed.end();
  }

  std::string place() const {
    const int64_t groups = f_.inner_size() / stage_.lanes;
    std::string code = fmt::format(
        "  const ix chunk = blockIdx.x % {}u, part = blockIdx.x / {}u % {}u, fixed = blockIdx.x / "
        "{}u;\n"
        "  const ix group = chunk * {}u + threadIdx.x % {}u;\n",
        stage_.chunks, stage_.chunks, stage_.parts, stage_.chunks * stage_.parts,
        stage_.inner_threads, stage_.inner_threads);
    const bool exact = groups % stage_.inner_threads == 0;
    if (is_fold_)
      code += exact ? "  const bool live = true;\n"
                    : fmt::format("  const bool live = group < {}u;\n", groups);
    else if (!exact)
      code += fmt::format("  if (group >= {}u) return;\n", groups);
    code += fmt::format("  const ix in = {};\n",
                        is_fold_ && !exact ? fmt::format("live ? group * {}u : 0u", stage_.lanes)
                                           : fmt::format("group * {}u", stage_.lanes));
    return code + f_.coordinates(fixed_, "fixed");
  }

  std::string loop() const {
    const std::string count = fmt::format("(ix)({}ull)", f_.count(rows_));
    std::string code = fmt::format(
        "  const ix step = {}u, rows = {};\n  ix row = part * {}u + threadIdx.x / {}u;\n",
        stage_.parts * stage_.outer_threads, is_fold_ ? "live ? " + count + " : (ix)0" : count,
        stage_.outer_threads, stage_.inner_threads);
    if (stage_.unroll > 1)
      code += fmt::format("  for (; row + {}u * step < rows; row += {}u * step) {{\n{}  }}\n",
                          stage_.unroll - 1, stage_.unroll, turn(stage_.unroll));
    return code + fmt::format("  for (; row < rows; row += step) {{\n{}  }}\n", turn(1));
  }

  std::string turn(int32_t count) const {
    const std::string index =
        fmt::format("      const ix r = {};\n", f_.turned("row + (ix)u * step", f_.count(rows_))) +
        f_.coordinates(rows_, "r");
    return f_.lines.declare_loads(stage_.lanes, std::to_string(count)) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, index,
                       f_.lines.issue_loads(stage_.lanes, "u")) +
           fmt::format("    EACH(u, {}) {{\n{}{}{}    }}\n", count, index, f_.lines.rows("u"),
                       f_.lines.points(stage_.lanes, "u", f_.accumulate(reductions_)));
  }

  std::string fold(size_t r) const {
    return fmt::format("  fold_columns<{}, {}>(a{}, {}, ({}*)shared);\n", stage_.inner_threads,
                       stage_.outer_threads, r, f_.combiner(r), compute_text(f_.type_of(r)));
  }

  std::string finish() {
    int64_t widest = 0;
    for (const size_t r : reductions_) widest = std::max<int64_t>(widest, byte_size(f_.type_of(r)));
    std::string code;
    if (widest > 0)
      code += fmt::format("  __shared__ u64 shared[{}];\n",
                          (widest * stage_.threads() * stage_.lanes + 7) / 8);
    for (const size_t r : reductions_) code += fold(r);
    if (stage_.parts > 1) code += combine_parts();
    std::vector<std::string> folds(f_.program.reductions.size());
    for (const size_t r : reductions_) folds[r] = fmt::format("a{}[v]", r);
    return code + fmt::format("  if (live && threadIdx.x < {}u) {{\n{}  }}\n", stage_.inner_threads,
                              f_.lines.after_vector(stage_.lanes, folds));
  }

  /// The partial results of all blocks at this place, combined by the last of them.
  std::string combine_parts() const {
    std::string code =
        fmt::format("  const ix kept = fixed * (ix)({}ull) + in;\n", f_.inner_size());
    std::string store, load;
    for (const size_t r : reductions_) {
      const std::string type = storage_text(f_.type_of(r));
      store += fmt::format("    store<{}, {}>({} + (part * (ix)({}ull) + kept), a{});\n", type,
                           stage_.lanes, f_.lines.partial_pointer(r), f_.plan.kept, r);
      load += fmt::format(
          "    {{\n      const auto l = load<{}>({} + (p * (ix)({}ull) + kept));\n"
          "      EACH(v, {}) a{}[v] = op_{}(a{}[v], l.get(v));\n    }}\n",
          stage_.lanes, f_.lines.partial_pointer(r), f_.plan.kept, stage_.lanes, r,
          brisk::name(f_.program.reductions[r].combiner), r);
    }
    code +=
        fmt::format("  if (live && threadIdx.x < {}u) {{\n{}  }}\n", stage_.inner_threads, store);
    code += fmt::format("  if (!arrives_last(counters + (fixed * {}u + chunk), {}u)) return;\n",
                        stage_.chunks, stage_.parts);
    for (const size_t r : reductions_)
      code += fmt::format("  EACH(v, {}) a{}[v] = {};\n", stage_.lanes, r, f_.identity(r));
    code +=
        fmt::format("  if (live) for (ix p = threadIdx.x / {}u; p < {}u; p += {}u) {{\n{}  }}\n",
                    stage_.inner_threads, stage_.parts, stage_.outer_threads, load);
    for (const size_t r : reductions_) code += fold(r);
    return code;
  }

  StageFrame& f_;
  const LoopStage& stage_;
  bool is_fold_;
  std::vector<size_t> fixed_, rows_;
  std::vector<size_t> reductions_;
};

}  // namespace

std::string rows_body(StageFrame& frame) {
  return RowsBody(frame).write();
}

}  // namespace brisk::cuda
