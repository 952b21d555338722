#include <algorithm>

#include "brisk/backends/cuda/loop/stage_frame.h"

// pointwise of one axis, row_fold and row: threads go through vectors along the innermost axis, of
// all rows that belong together (a kept index's reduced points) as through one.

namespace brisk::cuda {
namespace {

class VectorsBody {
 public:
  explicit VectorsBody(StageFrame& frame) : f_(frame), stage_(frame.stage) {
    const bool reduces = stage_.form != LoopStage::Form::pointwise;
    const auto is_reduced = [&](size_t a) { return f_.program.axes[a].reduced; };
    if (reduces) fixed_ = f_.outer_axes([&](size_t a) { return !is_reduced(a); });
    outer_ = f_.outer_axes([&](size_t a) { return !reduces || is_reduced(a); });
    f_.lines.set_axes(StageFrame::bits(fixed_), 0, false);
    per_row_ = f_.inner_size() / stage_.lanes;
    vectors_ = per_row_ * f_.count(outer_);
    tail_ = f_.inner_size() - per_row_ * stage_.lanes;
  }

  std::string pointwise() {
    begin(stage_.phase);
    const int64_t threads = stage_.threads(), unroll = stage_.unroll;
    std::string code = f_.lines.once();
    code += fmt::format(
        "  const ix base = (ix)blockIdx.x * {}u + threadIdx.x, vectors = (ix)({}ull);\n",
        threads * unroll, vectors_);
    if (vectors_ > 0) {
      if (unroll > 1)
        code += fmt::format("  if (base + {}u < vectors) {{\n{}  }} else\n", threads * (unroll - 1),
                            turn("base", threads, static_cast<int32_t>(unroll), ""));
      // Each vector once, since a result may lie over its operand: where every block has one turn,
      // the next vectors are another block's; else only the last block comes here.
      code += unroll > 1
                  ? fmt::format("  for (ix q = base; q < vectors; q += {}u) {{\n{}  }}\n", threads,
                                turn("q", 0, 1, ""))
                  : fmt::format("  if (base < vectors) {{\n{}  }}\n", turn("base", 0, 1, ""));
    }
    return code + tail("blockIdx.x == 0u", "");
  }

  std::string row_fold() {
    begin(stage_.phase);
    const std::vector<size_t> reductions = f_.reductions_of(stage_.phase);
    const int64_t step = stage_.parts * stage_.threads();
    std::string code =
        fmt::format("  const ix part = blockIdx.x % {}u, fixed = blockIdx.x / {}u;\n", stage_.parts,
                    stage_.parts);
    code += f_.coordinates(fixed_, "fixed") + f_.lines.once() +
            f_.accumulators(reductions, stage_.lanes);
    const std::string fold = f_.accumulate(reductions);
    if (has_points(stage_.phase)) {
      code += loop(fmt::format("part * {}u + threadIdx.x", stage_.threads()), step, fold);
      code += tail("part == 0u", fold);
    }
    code += "  __shared__ u64 shared[32];\n";
    code += fold_all(reductions);
    if (stage_.parts > 1) code += combine_parts(reductions);
    const LineWriter::After after = f_.lines.after_scalar(fold_names());
    return code + after.lines + fmt::format("  if (threadIdx.x == 0) {{\n{}  }}\n", after.writes);
  }

  std::string row() {
    const int64_t rows = f_.count(fixed_);
    std::string code = fmt::format(
        "  const ix lane = threadIdx.x % {}u, mine = (ix)blockIdx.x * {}u + threadIdx.x / {}u;\n"
        "  const bool live = mine < (ix)({}ull);\n  const ix kept = live ? mine : (ix)({}ull);\n",
        stage_.inner_threads, stage_.outer_threads, stage_.inner_threads, rows, rows - 1);
    code += f_.coordinates(fixed_, "kept");
    code += "  __shared__ u64 shared[32];\n";
    if (stage_.registers > 0 && vectors_ > 0) code += load_row();
    for (int32_t phase = 0; phase < f_.plan.num_phases; ++phase) code += row_phase(phase);
    return code;
  }

 private:
  void begin(int32_t phase) {
    f_.lines.begin(f_.plan.needed_at_points[static_cast<size_t>(phase)], phase);
  }

  bool has_points(int32_t phase) const {
    const auto& needed = f_.plan.needed_at_points[static_cast<size_t>(phase)];
    return vectors_ * stage_.lanes + tail_ > 0 &&
           std::find(needed.begin(), needed.end(), true) != needed.end();
  }

  /// Declares `in` and the coordinates of vector `q`.
  std::string place(const std::string& q) const {
    std::string code;
    if (outer_.empty()) return fmt::format("      const ix in = ({}) * {}u;\n", q, stage_.lanes);
    code = fmt::format("      const ix at = {}, in = at % {}u * {}u;\n", q, per_row_, stage_.lanes);
    return code + f_.coordinates(outer_, fmt::format("at / {}u", per_row_));
  }

  /// `count` vectors from `first` on, `step` apart.
  std::string turn(const std::string& first, int64_t step, int32_t count,
                   const std::string& fold) const {
    const std::string index =
        place(f_.turned(fmt::format("{} + (ix)u * {}u", first, step), vectors_));
    return f_.lines.declare_loads(stage_.lanes, std::to_string(count)) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, index,
                       f_.lines.issue_loads(stage_.lanes, "u")) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, index,
                       f_.lines.points(stage_.lanes, "u", fold));
  }

  std::string loop(const std::string& first, int64_t step, const std::string& fold) const {
    std::string code =
        fmt::format("  {{\n  const ix vectors = (ix)({}ull);\n  ix q = {};\n", vectors_, first);
    if (stage_.unroll > 1)
      code += fmt::format("  for (; q + {}u < vectors; q += {}u) {{\n{}  }}\n",
                          step * (stage_.unroll - 1), step * stage_.unroll,
                          turn("q", step, stage_.unroll, fold));
    return code + fmt::format("  for (; q < vectors; q += {}u) {{\n{}  }}\n  }}\n", step,
                              turn("q", 0, 1, fold));
  }

  /// The elements of a single row that fill no vector.
  std::string tail(const std::string& condition, const std::string& fold) const {
    if (tail_ == 0) return {};
    return fmt::format(
        "  if ({} && threadIdx.x < {}u) {{\n    const ix in = (ix)({}ull) + threadIdx.x;\n{}{}{}  "
        "}}\n",
        condition, tail_, per_row_ * stage_.lanes, f_.lines.declare_loads(1, "1"),
        f_.lines.issue_loads(1, "0"), f_.lines.points(1, "0", fold));
  }

  // ---- folds ----------------------------------------------------------------------------------

  std::vector<std::string> fold_names() const {
    std::vector<std::string> names;
    for (size_t r = 0; r < f_.program.reductions.size(); ++r)
      names.push_back(fmt::format("f{}", r));
    return names;
  }

  std::string fold(size_t r, const std::string& target) const {
    return fmt::format("  {} = fold_threads<{}>(fold_elements(a{}, {}), {}, ({}*)shared);\n",
                       target, stage_.inner_threads, r, f_.combiner(r), f_.combiner(r),
                       compute_text(f_.type_of(r)));
  }

  std::string fold_all(const std::vector<size_t>& reductions) const {
    std::string code;
    for (const size_t r : reductions)
      code += fold(r, fmt::format("{} f{}", compute_text(f_.type_of(r)), r));
    return code;
  }

  std::string combine_parts(const std::vector<size_t>& reductions) const {
    std::string store, code, load;
    for (const size_t r : reductions) {
      const std::string type = storage_text(f_.type_of(r));
      store += fmt::format("    {}[part * (ix)({}ull) + fixed] = narrow<{}>(f{});\n",
                           f_.lines.partial_pointer(r), f_.plan.kept, type, r);
      load += fmt::format("    a{}[0] = op_{}(a{}[0], widen({}[p * (ix)({}ull) + fixed]));\n", r,
                          brisk::name(f_.program.reductions[r].combiner), r,
                          f_.lines.partial_pointer(r), f_.plan.kept);
    }
    code += fmt::format("  if (threadIdx.x == 0) {{\n{}  }}\n", store);
    code += fmt::format("  if (!arrives_last(counters + fixed, {}u)) return;\n", stage_.parts);
    for (const size_t r : reductions)
      code += fmt::format("  EACH(v, {}) a{}[v] = {};\n", stage_.lanes, r, f_.identity(r));
    code += fmt::format("  for (ix p = threadIdx.x; p < {}u; p += {}u) {{\n{}  }}\n", stage_.parts,
                        stage_.threads(), load);
    for (const size_t r : reductions) code += fold(r, fmt::format("f{}", r));
    return code;
  }

  // ---- rows -----------------------------------------------------------------------------------

  bool exact() const { return vectors_ == int64_t{stage_.inner_threads} * stage_.registers; }
  std::string guard() const {
    return exact()
               ? "live"
               : fmt::format("live && lane + (ix)e * {}u < {}u", stage_.inner_threads, vectors_);
  }

  /// All operands that move along the row, into registers, before the first phase.
  std::string load_row() {
    std::vector<bool> needed(f_.program.lines.size());
    for (const auto& set : f_.plan.needed_at_points)
      for (size_t i = 0; i < set.size(); ++i) needed[i] = needed[i] || set[i];
    f_.lines.begin(needed, 0);
    if (!f_.lines.has_point_loads()) return {};
    return f_.lines.declare_loads(stage_.lanes, std::to_string(stage_.registers)) +
           fmt::format("  EACH(e, {}) {{\n    if ({}) {{\n{}{}    }} else {{\n{}    }}\n  }}\n",
                       stage_.registers, guard(),
                       place(fmt::format("lane + (ix)e * {}u", stage_.inner_threads)),
                       f_.lines.issue_loads(stage_.lanes, "e"), f_.lines.clear_loads("e"));
  }

  std::string row_phase(int32_t phase) {
    begin(phase);
    const std::vector<size_t> reductions = f_.reductions_of(phase);
    std::string code = f_.accumulators(reductions, stage_.lanes);
    if (has_points(phase)) {
      code += "  {\n" + f_.lines.once();
      const std::string fold = f_.accumulate(reductions);
      if (stage_.registers > 0)
        code +=
            fmt::format("  EACH(e, {}) {{\n    if ({}) {{\n{}{}    }}\n  }}\n", stage_.registers,
                        guard(), place(fmt::format("lane + (ix)e * {}u", stage_.inner_threads)),
                        f_.lines.points(stage_.lanes, "e", fold));
      else
        code += "  if (live) {\n" + loop("lane", stage_.inner_threads, fold) + "  }\n";
      code += "  }\n";
    }
    code += fold_all(reductions);
    const LineWriter::After after = f_.lines.after_scalar(fold_names());
    code += after.lines;
    if (!after.writes.empty())
      code += fmt::format("  if (live && lane == 0u) {{\n{}  }}\n", after.writes);
    const auto& known = f_.plan.needed_after[static_cast<size_t>(phase)];
    for (size_t i = 0; i < known.size(); ++i) {
      const LoopLine& line = f_.program.lines[i];
      if (known[i] && !(line.kind == LoopLine::Kind::operation && line.op == ScalarOp::constant))
        f_.lines.define(static_cast<int32_t>(i), fmt::format("x{}", i));
    }
    return code;
  }

  StageFrame& f_;
  const LoopStage& stage_;
  std::vector<size_t> fixed_, outer_;
  int64_t per_row_ = 0, vectors_ = 0, tail_ = 0;
};

}  // namespace

std::string vectors_body(StageFrame& frame) {
  VectorsBody body(frame);
  return frame.stage.form == LoopStage::Form::row_fold ? body.row_fold() : body.pointwise();
}

std::string row_body(StageFrame& frame) {
  return VectorsBody(frame).row();
}

}  // namespace brisk::cuda
