#include "brisk/backends/cuda/loop/loop_group.h"

#include <algorithm>

#include "brisk/backends/cuda/loop/stage_frame.h"

namespace brisk::cuda {
namespace {

/// The driver takes 4 KiB of arguments; besides the table there are two addresses and a number.
constexpr int64_t kTableBytes = 4096 - 64;
/// Blocks that share a fold: more only make its last block's work longer.
constexpr int64_t kMostFoldBlocks = 64;
/// A fold of so many elements is planned as a long one, whatever the sizes of the loops.
constexpr int64_t kLongFold = int64_t{1} << 20;

bool is_flat(const AffineIndex& at) {
  return at.offset == 0 && (at.strides[0] == 0 || at.strides[0] == 1);
}

/// One axis, and every access either the element itself or a scalar; folds are used when they are
/// complete, not at every point again.
bool is_flat(const LoopProgram& program) {
  if (program.axes.size() != 1 || !program.positions.empty()) return false;
  if (!std::ranges::all_of(program.loads, [](const LoopLoad& l) { return is_flat(l.at); }))
    return false;
  const auto is_own_place = [&](const LoopStore& store) {
    const bool reduced = program.lines[static_cast<size_t>(store.line)].reduced;
    return is_flat(store.at) && store.at.strides[0] == (reduced ? 0 : 1);
  };
  return std::ranges::all_of(program.stores, is_own_place) &&
         analyse_phases(program).num_phases == 1;
}

/// Statements of the kernel. Its names: `member`, the block's loop, `number`, which one that is,
/// `part` of `parts` blocks.
class GroupBody {
 public:
  GroupBody(const LoopGroup& group, const DeviceLoopPlan& plan)
      : f_(group.program, plan, group.stage), reductions_(f_.reductions_of(0)) {
    f_.lines.set_axes(0, 0, false);
    f_.lines.begin(plan.needed_at_points[0], 0);
  }

  std::string text() const {
    const std::vector<std::string>& types = f_.lines.buffer_types();
    std::string code;
    for (size_t b = 0; b < types.size(); ++b)
      code += fmt::format("  {} p{} = ({})member.buffers[{}];\n", types[b], b, types[b], b);
    code += f_.lines.once() + f_.accumulators(reductions_, stage().lanes) + vectors() + tail();
    return reductions_.empty() ? code : code + folds();
  }

 private:
  const LoopStage& stage() const { return f_.stage; }

  std::string turn(int32_t count, int32_t lanes, const std::string& first) const {
    const std::string place = fmt::format("      const ix in = {};\n", first);
    return f_.lines.declare_loads(lanes, std::to_string(count)) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, place,
                       f_.lines.issue_loads(lanes, "u")) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, place,
                       f_.lines.points(lanes, "u", f_.accumulate(reductions_)));
  }

  std::string vectors() const {
    const int32_t lanes = stage().lanes, unroll = stage().unroll, threads = stage().threads();
    std::string code = fmt::format(
        "  const ix vectors = member.elements / {}u, step = parts * {}u;\n"
        "  ix q = part * {}u + threadIdx.x;\n",
        lanes, threads, threads);
    if (unroll > 1)
      code += fmt::format("  for (; q + step * {}u < vectors; q += step * {}u) {{\n{}  }}\n",
                          unroll - 1, unroll,
                          turn(unroll, lanes, fmt::format("(q + (ix)u * step) * {}u", lanes)));
    return code + fmt::format("  for (; q < vectors; q += step) {{\n{}  }}\n",
                              turn(1, lanes, fmt::format("q * {}u", lanes)));
  }

  /// The elements that fill no vector.
  std::string tail() const {
    if (stage().lanes == 1) return {};
    return fmt::format(
        "  const ix rest = vectors * {}u + threadIdx.x;\n"
        "  if (part == 0u && rest < member.elements) {{\n{}  }}\n",
        stage().lanes, turn(1, 1, "rest"));
  }

  std::string fold(size_t r) const {
    return fmt::format("fold_threads<{}>(fold_elements(a{}, {}), {}, ({}*)shared);\n",
                       stage().threads(), r, f_.combiner(r), f_.combiner(r),
                       compute_text(f_.type_of(r)));
  }

  std::string folds() const {
    std::string code = "  __shared__ u64 shared[32];\n", store, load, again;
    std::vector<std::string> names(f_.program.reductions.size());
    for (const size_t r : reductions_) {
      names[r] = fmt::format("f{}", r);
      code += fmt::format("  {} f{} = {}", compute_text(f_.type_of(r)), r, fold(r));
      const std::string type = storage_text(f_.type_of(r));
      const std::string partials = fmt::format(
          "(({}*)(workspace + (u64)gridDim.x * {}u) + member.first_block)", type, 8 * r);
      store += fmt::format("      {}[part] = narrow<{}>(f{});\n", partials, type, r);
      load += fmt::format("      a{}[0] = op_{}(a{}[0], widen({}[p]));\n", r,
                          brisk::name(f_.program.reductions[r].combiner), r, partials);
      again += fmt::format("    EACH(v, {}) a{}[v] = {};\n", stage().lanes, r, f_.identity(r));
    }
    code += fmt::format(
        "  if (parts > 1u) {{\n    if (threadIdx.x == 0) {{\n{}    }}\n"
        "    if (!arrives_last(counters + number, parts)) return;\n{}"
        "    for (ix p = threadIdx.x; p < parts; p += {}u) {{\n{}    }}\n",
        store, again, stage().threads(), load);
    for (const size_t r : reductions_) code += fmt::format("    f{} = {}", r, fold(r));
    StageFrame frame = f_;
    const LineWriter::After after = frame.lines.after_scalar(names);
    return code + "  }\n" + after.lines +
           fmt::format("  if (threadIdx.x == 0) {{\n{}  }}\n", after.writes);
  }

  StageFrame f_;
  std::vector<size_t> reductions_;
};

}  // namespace

int64_t LoopGroup::blocks_of(size_t loop) const {
  const int64_t each = int64_t{stage.lanes} * stage.unroll * stage.threads();
  const int64_t blocks = std::max<int64_t>((elements[loop] + each - 1) / each, 1);
  return folds() ? std::min(blocks, kMostFoldBlocks) : blocks;
}

int64_t LoopGroup::capacity() const {
  return kTableBytes / (8 * words_of_loop());
}

int64_t LoopGroup::workspace_bytes(int64_t blocks) const {
  return 8 * blocks * static_cast<int64_t>(program.reductions.size());
}

Result<LoopGroup> make_loop_group(std::vector<LoopProgram> programs,
                                  const DeviceProperties& device) {
  LoopGroup group;
  for (const LoopProgram& program : programs) {
    if (!is_flat(program)) return fail("a loop of the group is not flat");
    group.elements.push_back(program.axes[0].size);
  }
  int64_t size = std::ranges::max(group.elements);
  if (size < 2) return fail("all loops of the group have one element");
  if (!programs[0].reductions.empty()) size = std::max(size, kLongFold);
  for (LoopProgram& program : programs) {
    program.axes[0].size = size;
    if (program != programs[0]) return fail("loops of the group differ in more than size");
  }
  const DeviceLoopPlan plan = plan_device_loop(programs[0], device);
  if (plan.wide_index) return fail("a loop of the group is too large for 32-bit offsets");
  group.stage = plan.stages.at(0);
  if (group.stage.form == LoopStage::Form::row)
    return fail("a fold of the group is not a long one");
  group.program = std::move(programs[0]);
  if (group.capacity() < 1) return fail("{} buffers are more than a table holds", group.buffers());
  return group;
}

KernelSource group_source(const LoopGroup& group) {
  // Only lines and axes of the plan are asked for here: they don't depend on the device.
  const DeviceLoopPlan plan = plan_device_loop(group.program, {});
  return {"loop_group", fmt::format(R"(
struct $name_member {{ u64 buffers[{0}]; u32 elements, first_block, blocks, nothing; }};
struct $name_table {{ $name_member members[{1}]; }};
extern "C" __global__ void __launch_bounds__({2})
$name(const __grid_constant__ $name_table table, u8* workspace, u32* counters, u32 count) {{
  after_previous();
  typedef u32 ix;
  // The last loop whose first block is not behind this one.
  u32 number = 0, end = count;
  while (end - number > 1u) {{
    const u32 middle = (number + end) / 2u;
    if (table.members[middle].first_block <= blockIdx.x) number = middle; else end = middle;
  }}
  const $name_member& member = table.members[number];
  const ix part = blockIdx.x - member.first_block, parts = member.blocks;
{3}}}
)",
                                    group.buffers(), group.capacity(), group.stage.threads(),
                                    GroupBody(group, plan).text())};
}

}  // namespace brisk::cuda
