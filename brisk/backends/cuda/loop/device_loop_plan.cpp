#include "brisk/backends/cuda/loop/device_loop_plan.h"

#include <algorithm>
#include <bit>

#include "brisk/backends/loop/one_pass_variance.h"
#include "brisk/base/error.h"
#include "brisk/base/rounding.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kAlignment = 256;
constexpr int32_t kThreads = 256;
constexpr int32_t kFoldThreads = 512;
constexpr int32_t kMaxLanes = 8;
/// Places on the innermost axis that one block of a fold takes at most. (Eight of them, with fewer
/// partial results of each, measured 1 to 4 % slower on an H100 for ResNet-50's batch norms.)
constexpr int32_t kFoldPlaces = 32;
/// Registers (of 4 bytes) that a thread may fill with a row's points.
constexpr int64_t kRowRegisters = 64;
/// Offsets beyond this need 64 bits; the rest of 32 is room for what a grid reaches past the end.
constexpr int64_t kNarrowLimit = 1'900'000'000;
/// Elements of a reduced row from which on several blocks share it, if rows are few.
constexpr int64_t kLongRow = 16384;

struct Space {
  int64_t outer_kept = 1;  // without the innermost axis
  int64_t reduced = 1;
  int64_t inner = 1;
  bool reduces = false, inner_reduced = false;
  int64_t points() const { return outer_kept * reduced * (inner_reduced ? 1 : inner); }
};

Space space_of(const LoopProgram& program) {
  Space space;
  space.inner = program.axes.back().size;
  space.inner_reduced = program.axes.back().reduced;
  for (size_t a = 0; a < program.axes.size(); ++a) {
    const LoopAxis& axis = program.axes[a];
    space.reduces |= axis.reduced;
    if (axis.reduced)
      space.reduced *= axis.size;
    else if (a + 1 < program.axes.size())
      space.outer_kept *= axis.size;
  }
  return space;
}

/// One past the largest offset that an access reaches, were all axes as long as their sizes.
int64_t reach(const LoopProgram& program, const AffineIndex& at) {
  int64_t sum = std::abs(at.offset) + 1;
  for (size_t a = 0; a < at.strides.size(); ++a)
    sum += std::abs(at.strides[a]) * std::max<int64_t>(program.axes[a].size, 1);
  return sum;
}

bool needs_wide_index(const LoopProgram& program, const Space& space) {
  int64_t most = space.points();
  for (const LoopLoad& load : program.loads) most = std::max(most, reach(program, load.at));
  for (const LoopStore& store : program.stores) most = std::max(most, reach(program, store.at));
  return most > kNarrowLimit;
}

struct Access {
  const AffineIndex* at;
  int64_t bytes;
};

/// Accesses at every point that move along the innermost axis.
std::vector<Access> moving_accesses(const LoopProgram& program) {
  std::vector<Access> accesses;
  for (const LoopLine& line : program.lines) {
    if (line.kind != LoopLine::Kind::load || line.reduced) continue;
    const LoopLoad& load = program.loads[static_cast<size_t>(line.index)];
    if (load.at.strides.back() != 0) accesses.push_back({&load.at, byte_size(load.type)});
  }
  for (const LoopStore& store : program.stores)
    if (!program.lines[static_cast<size_t>(store.line)].reduced && store.at.strides.back() != 0)
      accesses.push_back({&store.at, byte_size(store.type)});
  return accesses;
}

/// Whole vectors of 16 bytes of the shortest element, where every access of size can take them.
/// `ragged`: the innermost axis may end within a vector.
int32_t choose_lanes(const LoopProgram& program, bool ragged) {
  const std::vector<Access> accesses = moving_accesses(program);
  const int64_t inner = program.axes.back().size;
  int64_t shortest = 16;
  for (const Access& access : accesses) shortest = std::min(shortest, access.bytes);
  int32_t lanes = static_cast<int32_t>(std::clamp<int64_t>(16 / shortest, 1, kMaxLanes));
  // Operands that are read once for all rows (parameters) may be read element by element.
  const auto fits = [&](const Access& access) {
    bool alone = true;
    for (size_t a = 0; a + 1 < program.axes.size(); ++a) alone &= access.at->strides[a] == 0;
    if (alone && program.axes.size() > 1) return true;
    return is_vector_access(program, *access.at, access.bytes, lanes);
  };
  while (lanes > 1 &&
         ((!ragged && inner % lanes != 0) || !std::all_of(accesses.begin(), accesses.end(), fits)))
    lanes /= 2;
  return lanes;
}

/// Loads of one turn that should be under way together: two to four of them. What lies along the
/// innermost axis alone (parameters) is loaded before, once.
int32_t choose_unroll(const LoopProgram& program) {
  int64_t loads = 0;
  for (const LoopLoad& load : program.loads) {
    const std::vector<int64_t>& strides = load.at.strides;
    const bool moves =
        strides.size() == 1 ||
        std::any_of(strides.begin(), strides.end() - 1, [](int64_t stride) { return stride != 0; });
    loads += strides.back() != 0 && moves ? 1 : 0;
  }
  return loads <= 1 ? 4 : loads <= 3 ? 2 : 1;
}

bool any(const std::vector<bool>& set) {
  return std::find(set.begin(), set.end(), true) != set.end();
}

/// Threads side by side along `groups` vectors of the innermost axis, at most `most`, evenly.
int32_t threads_along(int64_t groups, int32_t most) {
  if (groups <= most) return static_cast<int32_t>(std::max<int64_t>(groups, 1));
  return static_cast<int32_t>(ceil_div(groups, ceil_div(groups, most)));
}

class Planner {
 public:
  Planner(const LoopProgram& program, const DeviceProperties& device)
      : program_(program),
        space_(space_of(program)),
        processors_(std::max(device.multiprocessors, 1)) {
    static_cast<LoopPhases&>(plan_) = analyse_phases(program);
    find_needed(program, plan_, {});
    plan_.wide_index = needs_wide_index(program, space_);
    plan_.kept = space_.outer_kept * (space_.inner_reduced ? 1 : space_.inner);
  }

  DeviceLoopPlan plan() {
    plan_.partial_offset.assign(program_.reductions.size(), 0);
    plan_.export_offset.assign(plan_.exports.size(), 0);
    if (plan_.kept == 0 || (!space_.reduces && space_.points() == 0)) return plan_;
    if (!space_.reduces)
      plan_.stages.push_back(pointwise(0));
    else if (space_.inner_reduced && !few_long_rows())
      plan_.stages.push_back(row());
    else
      for (int32_t phase = 0; phase < plan_.num_phases; ++phase) add_stages(phase);
    for (size_t s = 0; s < plan_.stages.size(); s += 2)
      plan_.stages[s].descending = plan_.stages[s].form != LoopStage::Form::row;
    lay_out_workspace();
    return plan_;
  }

 private:
  bool few_long_rows() const {
    return space_.outer_kept < processors_ && space_.reduced >= kLongRow;
  }

  bool folds(int32_t phase) const {
    for (const LoopReduction& reduction : program_.reductions)
      if (plan_.line_phase[static_cast<size_t>(reduction.line)] == phase) return true;
    return false;
  }

  void add_stages(int32_t phase) {
    const auto p = static_cast<size_t>(phase);
    if (folds(phase) || any(plan_.needed_after[p]))
      plan_.stages.push_back(space_.inner_reduced ? row_fold(phase) : column_fold(phase));
    else if (any(plan_.needed_at_points[p]) && space_.points() > 0)
      plan_.stages.push_back(pointwise(phase));
  }

  LoopStage pointwise(int32_t phase) const {
    LoopStage stage{.form = LoopStage::Form::pointwise, .phase = phase};
    stage.unroll = choose_unroll(program_);
    const bool flat = program_.axes.size() == 1;
    stage.lanes = choose_lanes(program_, flat);
    if (flat) {
      stage.inner_threads = kThreads;
      const int64_t vectors = std::max<int64_t>(space_.inner / stage.lanes, 1);
      while (stage.unroll > 1 && vectors < int64_t{kThreads} * stage.unroll * processors_)
        stage.unroll /= 2;
      stage.chunks = ceil_div(vectors, int64_t{kThreads} * stage.unroll);
      return stage;
    }
    const int64_t groups = space_.inner / stage.lanes;
    const int64_t rows = space_.outer_kept * (space_.reduces ? total_reduced_outer() : 1);
    stage.inner_threads = threads_along(groups, kThreads);
    stage.outer_threads = std::max(kThreads / stage.inner_threads, 1);
    stage.chunks = ceil_div(groups, stage.inner_threads);
    share_rows(stage, rows, 8);
    return stage;
  }

  /// Reduced indices that are rows of a pointwise stage: without the innermost axis.
  int64_t total_reduced_outer() const {
    return space_.inner_reduced ? space_.reduced / std::max<int64_t>(space_.inner, 1)
                                : space_.reduced;
  }

  /// Blocks for `rows`: as many as the device holds at a time, each with whole turns to do.
  void share_rows(LoopStage& stage, int64_t rows, int64_t blocks_each) const {
    const auto turns = [&] { return ceil_div(rows, int64_t{stage.outer_threads} * stage.unroll); };
    const int64_t most =
        std::max<int64_t>(processors_ * blocks_each / (stage.chunks * stage.fixed), 1);
    while (stage.unroll > 1 && turns() * stage.chunks * stage.fixed < processors_)
      stage.unroll /= 2;
    stage.parts = std::clamp<int64_t>(turns(), 1, most);
  }

  LoopStage column_fold(int32_t phase) const {
    LoopStage stage{.form = LoopStage::Form::column_fold, .phase = phase};
    stage.lanes = choose_lanes(program_, false);
    int64_t reductions = 0;
    for (const LoopReduction& reduction : program_.reductions)
      reductions += plan_.line_phase[static_cast<size_t>(reduction.line)] == phase ? 1 : 0;
    while (stage.lanes > 1 && reductions * stage.lanes > 32) stage.lanes /= 2;
    stage.unroll = choose_unroll(program_);
    const int64_t groups = space_.inner / stage.lanes;
    stage.inner_threads = threads_along(groups, kFoldPlaces);
    stage.chunks = ceil_div(groups, stage.inner_threads);
    stage.fixed = space_.outer_kept;
    stage.outer_threads = static_cast<int32_t>(std::clamp<int64_t>(
        std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(ceil_div(space_.reduced, 2), 1))), 1,
        kFoldThreads / stage.inner_threads));
    const bool loops = any(plan_.needed_at_points[static_cast<size_t>(phase)]);
    if (loops) share_rows(stage, space_.reduced, 2);
    return stage;
  }

  LoopStage row_fold(int32_t phase) const {
    LoopStage stage{.form = LoopStage::Form::row_fold, .phase = phase};
    stage.lanes = choose_lanes(program_, program_.axes.size() == 1);
    stage.unroll = choose_unroll(program_);
    stage.inner_threads = kFoldThreads;
    stage.fixed = space_.outer_kept;
    const int64_t vectors = space_.reduced / stage.lanes;
    const int64_t most = std::max<int64_t>(processors_ * 2 / stage.fixed, 1);
    if (any(plan_.needed_at_points[static_cast<size_t>(phase)]))
      stage.parts = std::clamp<int64_t>(vectors / (int64_t{kFoldThreads} * stage.unroll), 1, most);
    return stage;
  }

  LoopStage row() const {
    LoopStage stage{.form = LoopStage::Form::row};
    stage.lanes = choose_lanes(program_, false);
    const int64_t vectors = space_.reduced / stage.lanes;
    // Words that one vector of each operand takes.
    int64_t words = 0;
    for (const LoopLoad& load : program_.loads)
      if (load.at.strides.back() != 0)
        words += std::max<int64_t>(byte_size(load.type) * stage.lanes / 4, 1);
    words = std::max<int64_t>(words, 1);
    int64_t threads = 1;
    while (threads < vectors && threads < 32) threads *= 2;
    // Two to four vectors a thread; more threads rather than more registers.
    while (threads < 1024 && ceil_div(vectors, threads) > 4) threads *= 2;
    const int64_t each = std::max<int64_t>(ceil_div(vectors, threads), 1);
    if (each * words <= kRowRegisters && each <= 8) stage.registers = static_cast<int32_t>(each);
    stage.unroll = choose_unroll(program_);
    stage.inner_threads = static_cast<int32_t>(threads);
    stage.outer_threads = static_cast<int32_t>(std::max<int64_t>(kThreads / threads, 1));
    stage.fixed = ceil_div(space_.outer_kept, stage.outer_threads);
    return stage;
  }

  void lay_out_workspace() {
    const auto place = [&](DType type, int64_t count) {
      const int64_t offset = plan_.workspace_bytes;
      plan_.workspace_bytes += round_up(count * byte_size(type), kAlignment);
      return offset;
    };
    for (const LoopStage& stage : plan_.stages) {
      if (stage.form != LoopStage::Form::row_fold && stage.form != LoopStage::Form::column_fold)
        continue;
      if (stage.parts > 1) plan_.counters = std::max(plan_.counters, stage.chunks * stage.fixed);
      for (size_t r = 0; stage.parts > 1 && r < program_.reductions.size(); ++r) {
        const auto line = static_cast<size_t>(program_.reductions[r].line);
        if (plan_.line_phase[line] == stage.phase)
          plan_.partial_offset[r] = place(program_.lines[line].type, stage.parts * plan_.kept);
      }
      for (size_t e = 0; e < plan_.exports.size(); ++e) {
        const auto line = static_cast<size_t>(plan_.exports[e]);
        if (plan_.line_phase[line] == stage.phase)
          plan_.export_offset[e] = place(program_.lines[line].type, plan_.kept);
      }
    }
  }

  const LoopProgram& program_;
  const Space space_;
  const int64_t processors_;
  DeviceLoopPlan plan_;
};

}  // namespace

std::string_view name(LoopStage::Form form) {
  switch (form) {
    case LoopStage::Form::pointwise:
      return "pointwise";
    case LoopStage::Form::row:
      return "row";
    case LoopStage::Form::row_fold:
      return "row_fold";
    case LoopStage::Form::column_fold:
      return "column_fold";
  }
  return "?";
}

bool is_vector_access(const LoopProgram& program, const AffineIndex& at, int64_t element_bytes,
                      int32_t count) {
  if (count == 1) return true;
  if (at.strides.back() != 1) return false;
  const int64_t step = std::min<int64_t>(count * element_bytes, 16) / element_bytes;
  if (at.offset % step != 0) return false;
  for (size_t a = 0; a + 1 < at.strides.size(); ++a)
    if (program.axes[a].size > 1 && at.strides[a] % step != 0) return false;
  return true;
}

LoopProgram device_loop_program(const LoopProgram& program, const DeviceProperties& device) {
  const DeviceLoopPlan plan = plan_device_loop(program, device);
  const bool once =
      plan.stages.size() == 1 && (plan.num_phases == 1 || plan.stages[0].registers > 0);
  return once ? program : one_pass_variance(program);
}

DeviceLoopPlan plan_device_loop(const LoopProgram& program, const DeviceProperties& device) {
  check(program);
  return Planner(program, device).plan();
}

}  // namespace brisk::cuda
