#include "brisk/backends/cpu/loop/loop_plan.h"

#include <algorithm>
#include <bit>

#include "brisk/backends/loop/loop_program.h"
#include "brisk/base/error.h"
#include "brisk/base/rounding.h"

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

/// Chooses the cached lines of a row that one thread goes through several times.
void choose_cached(const LoopProgram& program, LoopPlan& plan) {
  find_needed(program, plan, {});
  const size_t rank = program.axes.size();
  const bool one_reduced_axis = rank == 1 || !program.axes[rank - 2].reduced;
  if (plan.shape != LoopPlan::Shape::row || plan.split_reduced || !one_reduced_axis) return;
  if (program.axes.back().size > kLongestCachedRow) return;
  for (size_t i = 0; i < program.lines.size(); ++i) {
    const bool varies = (plan.line_axes[i] >> (rank - 1) & 1) != 0;
    if (!varies || !is_expensive(program, static_cast<int32_t>(i)) || program.lines[i].reduced)
      continue;
    int32_t uses = 0, first = 0;
    for (int32_t phase = plan.num_phases - 1; phase >= 0; --phase)
      if (plan.needed_at_points[static_cast<size_t>(phase)][i]) ++uses, first = phase;
    if (uses > 1) plan.cached.push_back({static_cast<int32_t>(i), first, 0});
  }
  if (plan.cached.empty()) return;
  find_needed(program, plan, [&](int32_t line, int32_t phase) {
    for (const LoopPlan::CachedLine& cached : plan.cached)
      if (cached.line == line && cached.first_phase < phase) return true;
    return false;
  });
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
  for (size_t i = 0; i < program.lines.size(); ++i)
    if (!program.lines[i].reduced)
      per_point += is_expensive(program, static_cast<int32_t>(i)) ? 15 * per_line : per_line;
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
  static_cast<LoopPhases&>(plan) = analyse_phases(program);

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
