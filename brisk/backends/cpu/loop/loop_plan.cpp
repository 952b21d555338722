#include "brisk/backends/cpu/loop/loop_plan.h"

#include <algorithm>
#include <bit>

#include "brisk/backends/cpu/loop/loop_program.h"
#include "brisk/base/error.h"

namespace brisk {
namespace {

constexpr int64_t kAlignment = 64;
/// Elements of the innermost axis that one unit takes: a few KiB, so that operands and
/// accumulators of a unit stay in the first-level cache.
constexpr int64_t kPointwiseBlock = 4096;
constexpr int64_t kColumnBlock = 1024;
constexpr int64_t kSmallestColumnBlock = 128;
/// Rows that are worth partial results of their own: whole rows are read in order, which blocks of
/// columns are not.
constexpr int64_t kRowsWorthAPart = 32;
constexpr int64_t kStreamedBytes = int64_t{32} << 20;
constexpr int64_t kSmallestStreamedVector = 32;
/// A row's cached line stays within the second-level cache.
constexpr int64_t kLongestCachedRow = 32768;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// Elements in a vector: as many as registers hold of the widest type that dominates; wider ones
/// (64-bit indices beside f32) then take two registers.
int32_t choose_lanes(const LoopProgram& program, VectorIsa isa) {
  const int bytes = isa == VectorIsa::avx512 ? 64 : 32;
  int64_t widest = 1;
  bool doubles = false;
  for (const LoopLine& line : program.lines) {
    widest = std::max<int64_t>(widest, byte_size(line.type));
    doubles |= line.type == DType::f64;
  }
  bool only_wide = true;
  for (const LoopLine& line : program.lines) only_wide &= byte_size(line.type) == 8;
  const int64_t size = doubles || only_wide ? 8 : std::min<int64_t>(widest, 4);
  return static_cast<int32_t>(bytes / size);
}

bool is_expensive(const LoopLine& line) {
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

/// Phases and axes of the lines.
void analyse_lines(const LoopProgram& program, LoopPlan& plan) {
  const auto axes_of = [](const AffineIndex& at) {
    uint64_t axes = 0;
    for (size_t a = 0; a < at.strides.size(); ++a)
      if (at.strides[a] != 0) axes |= uint64_t{1} << a;
    return axes;
  };
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
        phase = plan.line_phase[source];
        axes = kept_axes;  // its accumulator's place, even if the value happens not to change
        folded[i] = true;
        break;
      }
      default:
        for (const int32_t operand : line.operands) {
          if (operand < 0) continue;
          const bool ends_phase =
              program.lines[operand].reduced && folded[operand] && !line.reduced;
          phase = std::max(phase, plan.line_phase[operand] + (ends_phase ? 1 : 0));
          axes |= plan.line_axes[operand];
          folded[i] = folded[i] || (folded[operand] && line.reduced);
        }
    }
    plan.line_phase.push_back(phase);
    plan.line_axes.push_back(axes);
    plan.num_phases = std::max(plan.num_phases, phase + 1);
  }
  std::vector<bool> exported(program.lines.size());
  for (size_t i = 0; i < program.lines.size(); ++i)
    for (const int32_t operand : program.lines[i].operands)
      if (operand >= 0 && program.lines[operand].reduced && folded[operand] &&
          plan.line_phase[operand] < plan.line_phase[i])
        exported[operand] = true;
  for (size_t i = 0; i < exported.size(); ++i)
    if (exported[i]) plan.exports.push_back(static_cast<int32_t>(i));
}

/// Adds `line` and what it needs; results of earlier phases and cached lines are read, not
/// computed.
void add_cone(const LoopProgram& program, const LoopPlan& plan, int32_t line, int32_t phase,
              std::vector<bool>& set) {
  const auto place = static_cast<size_t>(line);
  if (set[place]) return;
  set[place] = true;
  const bool is_export =
      std::find(plan.exports.begin(), plan.exports.end(), line) != plan.exports.end();
  if (is_export && plan.line_phase[place] < phase) return;
  for (const LoopPlan::CachedLine& cached : plan.cached)
    if (cached.line == line && cached.first_phase < phase) return;
  for (const int32_t operand : program.lines[place].operands)
    if (operand >= 0) add_cone(program, plan, operand, phase, set);
}

void find_needed(const LoopProgram& program, LoopPlan& plan) {
  const auto phases = static_cast<size_t>(plan.num_phases);
  plan.needed_at_points.assign(phases, std::vector<bool>(program.lines.size()));
  plan.needed_after = plan.needed_at_points;
  const auto add = [&](auto& sets, int32_t line) {
    const int32_t phase = plan.line_phase[static_cast<size_t>(line)];
    add_cone(program, plan, line, phase, sets[static_cast<size_t>(phase)]);
  };
  for (const LoopReduction& reduction : program.reductions)
    add(plan.needed_at_points, reduction.line);
  for (const LoopStore& store : program.stores)
    add(program.lines[static_cast<size_t>(store.line)].reduced ? plan.needed_after
                                                               : plan.needed_at_points,
        store.line);
  for (const int32_t line : plan.exports) add(plan.needed_after, line);
}

/// Chooses the cached lines of a row that one thread goes through several times.
void choose_cached(const LoopProgram& program, LoopPlan& plan) {
  find_needed(program, plan);
  const size_t rank = program.axes.size();
  const bool one_reduced_axis = rank == 1 || !program.axes[rank - 2].reduced;
  if (plan.shape != LoopPlan::Shape::row || plan.split_reduced || !one_reduced_axis) return;
  if (program.axes.back().size > kLongestCachedRow) return;
  for (size_t i = 0; i < program.lines.size(); ++i) {
    const bool varies = (plan.line_axes[i] >> (rank - 1) & 1) != 0;
    if (!varies || !is_expensive(program.lines[i]) || program.lines[i].reduced) continue;
    int32_t uses = 0, first = 0;
    for (int32_t phase = plan.num_phases - 1; phase >= 0; --phase)
      if (plan.needed_at_points[static_cast<size_t>(phase)][i]) ++uses, first = phase;
    if (uses > 1) plan.cached.push_back({static_cast<int32_t>(i), first, 0});
  }
  if (!plan.cached.empty()) find_needed(program, plan);
}

void lay_out_scratch(const LoopProgram& program, LoopPlan& plan, int64_t outer_kept) {
  const bool column = plan.shape == LoopPlan::Shape::column;
  const int64_t inner = program.axes.empty() ? 1 : program.axes.back().size;
  if (column) plan.pitch = round_up(plan.split_reduced ? inner : plan.block, plan.lanes);
  const int64_t count = plan.pitch * (plan.split_reduced ? outer_kept : 1);
  const auto place = [&](DType type, int64_t& total) {
    const int64_t offset = total;
    total += round_up(count * byte_size(type), kAlignment);
    return offset;
  };
  // Split by kept units, a row's values stay in registers but for cached lines.
  if (plan.shape == LoopPlan::Shape::row && !plan.split_reduced) {
    for (LoopPlan::CachedLine& cached : plan.cached) {
      cached.offset = plan.part_bytes;
      plan.part_bytes +=
          round_up(round_up(inner, plan.lanes) *
                       byte_size(program.lines[static_cast<size_t>(cached.line)].type),
                   kAlignment);
    }
    return;
  }
  for (const LoopReduction& reduction : program.reductions)
    plan.partial_offset.push_back(place(program.lines[reduction.line].type, plan.part_bytes));
  for (const int32_t line : plan.exports)
    plan.export_offset.push_back(
        place(program.lines[line].type, plan.split_reduced ? plan.shared_bytes : plan.part_bytes));
}

/// Results that no cache would hold until they are read: writing them past the caches saves reading
/// their lines first. Every whole vector must be aligned to its size (buffers are, to 64 bytes).
void choose_streamed(const LoopProgram& program, LoopPlan& plan, int64_t points) {
  for (const LoopStore& store : program.stores) {
    const AffineIndex& at = store.at;
    bool aligned = at.strides.back() == 1 && at.offset % plan.lanes == 0;
    for (size_t a = 0; a + 1 < at.strides.size(); ++a)
      aligned = aligned && at.strides[a] % plan.lanes == 0;
    const int64_t bytes = plan.lanes * byte_size(store.type);
    aligned = aligned && bytes >= kSmallestStreamedVector && bytes <= kAlignment;
    plan.streamed.push_back(aligned && !program.lines[static_cast<size_t>(store.line)].reduced &&
                            points * byte_size(store.type) >= kStreamedBytes);
  }
}

double estimate_nanoseconds(const LoopProgram& program, const LoopPlan& plan, int64_t points) {
  double per_point = 0;
  const double per_line = plan.isa == VectorIsa::avx512 ? 0.02 : 0.04;
  for (const LoopLine& line : program.lines)
    if (!line.reduced) per_point += is_expensive(line) ? 15 * per_line : per_line;
  for (const LoopLoad& load : program.loads)
    per_point += 0.04 * static_cast<double>(byte_size(load.type));
  for (const LoopStore& store : program.stores)
    if (!program.lines[store.line].reduced)
      per_point += 0.08 * static_cast<double>(byte_size(store.type));
  return per_point * static_cast<double>(points);
}

}  // namespace

std::string_view name(VectorIsa isa) {
  return isa == VectorIsa::avx512 ? "avx512" : "avx2";
}

LoopPlan plan_loop(const LoopProgram& program, VectorIsa isa, int threads) {
  LoopPlan plan;
  plan.isa = isa;
  plan.lanes = choose_lanes(program, isa);
  analyse_lines(program, plan);

  int64_t outer_kept = 1, reduced = 1, num_reduced = 0, first_reduced = 1;
  const size_t rank = program.axes.size();
  const LoopAxis inner = rank == 0 ? LoopAxis{} : program.axes.back();
  for (size_t a = 0; a < rank; ++a) {
    const LoopAxis& axis = program.axes[a];
    if (axis.reduced && num_reduced++ == 0) first_reduced = axis.size;
    if (axis.reduced)
      reduced *= axis.size;
    else if (a + 1 < rank)
      outer_kept *= axis.size;
  }
  if (num_reduced > 0) plan.shape = inner.reduced ? LoopPlan::Shape::row : LoopPlan::Shape::column;

  const bool small = program.lines.size() <= 24;
  const int64_t points = outer_kept * reduced * (inner.reduced ? 1 : inner.size);
  plan.nanoseconds = estimate_nanoseconds(program, plan, points);
  const int64_t wanted_units = 4 * std::max(threads, 1);
  switch (plan.shape) {
    case LoopPlan::Shape::pointwise:
      plan.unroll = small ? 2 : 1;
      plan.block = round_up(std::min(kPointwiseBlock, std::max<int64_t>(inner.size, 1)),
                            plan.lanes * plan.unroll);
      plan.inner_units = ceil_div(inner.size, plan.block);
      plan.kept_units = outer_kept * plan.inner_units;
      break;
    case LoopPlan::Shape::row:
      plan.unroll = small ? 4 : 2;
      plan.split_reduced =
          outer_kept < wanted_units && plan.nanoseconds > 20'000 && reduced >= 4096;
      plan.block = round_up(std::min<int64_t>(kPointwiseBlock, std::max<int64_t>(inner.size, 1)),
                            plan.lanes * plan.unroll);
      plan.inner_units = ceil_div(inner.size, plan.block);
      plan.kept_units = outer_kept;
      plan.reduced_units = num_reduced == 1 ? plan.inner_units : first_reduced;
      break;
    case LoopPlan::Shape::column: {
      plan.tile_rows = small ? 4 : program.lines.size() <= 48 ? 2 : 1;
      int64_t block =
          std::min(kColumnBlock, round_up(std::max<int64_t>(inner.size, 1), plan.lanes));
      const auto units = [&] { return outer_kept * ceil_div(inner.size, block); };
      plan.split_reduced = units() < wanted_units && plan.nanoseconds > 20'000 &&
                           first_reduced >= kRowsWorthAPart * std::max(threads, 1);
      while (!plan.split_reduced && block > kSmallestColumnBlock && units() < wanted_units)
        block = round_up(block / 2, plan.lanes);
      plan.block = block;
      plan.inner_units = ceil_div(inner.size, block);
      plan.kept_units = outer_kept * plan.inner_units;
      plan.reduced_units = first_reduced;
      break;
    }
  }
  choose_cached(program, plan);
  choose_streamed(program, plan, points);
  lay_out_scratch(program, plan, outer_kept);
  return plan;
}

}  // namespace brisk
