#include "brisk/backends/cuda/loop/loop_group.h"

#include <algorithm>

#include "brisk/backends/cuda/loop/line_writer.h"

namespace brisk::cuda {
namespace {

/// The driver takes 4 KiB of arguments; the number of loops in the table is one of them.
constexpr int64_t kTableBytes = 4096 - 64;

bool is_flat(const AffineIndex& at) {
  return at.offset == 0 && (at.strides[0] == 0 || at.strides[0] == 1);
}

/// One axis, and every access either the element itself or a scalar.
bool is_flat(const LoopProgram& program) {
  return program.axes.size() == 1 && !program.axes[0].reduced && program.reductions.empty() &&
         program.positions.empty() &&
         std::ranges::all_of(program.loads, [](const LoopLoad& l) { return is_flat(l.at); }) &&
         std::ranges::all_of(program.stores, [](const LoopStore& s) {
           return is_flat(s.at) && s.at.strides[0] == 1;
         });
}

}  // namespace

int64_t LoopGroup::blocks_of(size_t loop) const {
  const int64_t vectors = std::max<int64_t>(elements[loop] / stage.lanes, 1);
  return (vectors + vectors_of_block() - 1) / vectors_of_block();
}

int64_t LoopGroup::capacity() const {
  return kTableBytes / (8 * buffers() + 8);
}

Result<LoopGroup> make_loop_group(std::vector<LoopProgram> programs,
                                  const DeviceProperties& device) {
  LoopGroup group;
  for (const LoopProgram& program : programs) {
    if (!is_flat(program)) return fail("a loop of the group is not flat and pointwise");
    group.elements.push_back(program.axes[0].size);
  }
  const auto largest =
      static_cast<size_t>(std::ranges::max_element(group.elements) - group.elements.begin());
  if (group.elements[largest] < 2) return fail("all loops of the group have one element");
  const int64_t size = group.elements[largest];
  for (LoopProgram& program : programs) {
    program.axes[0].size = size;
    if (program != programs[largest]) return fail("loops of the group differ in more than size");
  }
  const DeviceLoopPlan plan = plan_device_loop(programs[largest], device);
  if (plan.wide_index) return fail("a loop of the group is too large for 32-bit offsets");
  group.stage = plan.stages.at(0);
  group.program = std::move(programs[largest]);
  if (group.capacity() < 1) return fail("{} buffers are more than a table holds", group.buffers());
  return group;
}

KernelSource group_source(const LoopGroup& group) {
  const LoopStage& stage = group.stage;
  // Only lines and axes of the plan are asked for here: they don't depend on the device.
  const DeviceLoopPlan plan = plan_device_loop(group.program, {});
  LineWriter lines(group.program, plan, stage);
  lines.set_axes(0, 0, false);
  lines.begin(plan.needed_at_points[0], 0);

  std::string pointers;
  for (size_t b = 0; b < lines.buffer_types().size(); ++b)
    pointers += fmt::format("  {} p{} = ({})member.buffers[{}];\n", lines.buffer_types()[b], b,
                            lines.buffer_types()[b], b);
  const auto turn = [&](int32_t count, int32_t lanes, const std::string& in) {
    const std::string place = fmt::format("      const ix in = {};\n", in);
    return lines.declare_loads(lanes, std::to_string(count)) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, place,
                       lines.issue_loads(lanes, "u")) +
           fmt::format("    EACH(u, {}) {{\n{}{}    }}\n", count, place,
                       lines.points(lanes, "u", ""));
  };
  const int32_t threads = stage.threads(), unroll = stage.unroll, lanes = stage.lanes;
  std::string body = fmt::format(
      "  const ix vectors = member.elements / {}u;\n"
      "  const ix base = (blockIdx.x - member.first_block) * {}u + threadIdx.x;\n",
      lanes, threads * unroll);
  body += lines.once();
  if (unroll > 1)
    body +=
        fmt::format("  if (base + {}u < vectors) {{\n{}  }} else\n", threads * (unroll - 1),
                    turn(unroll, lanes, fmt::format("(base + (ix)u * {}u) * {}u", threads, lanes)));
  body +=
      fmt::format("  for (ix q = base, e = 0; e < {}u && q < vectors; ++e, q += {}u) {{\n{}  }}\n",
                  unroll, threads, turn(1, lanes, fmt::format("q * {}u", lanes)));
  if (lanes > 1)
    body += fmt::format(
        "  const ix rest = vectors * {}u + threadIdx.x;\n"
        "  if (blockIdx.x == member.first_block && rest < member.elements) {{\n{}  }}\n",
        lanes, turn(1, 1, "rest"));

  return {"loop_group", fmt::format(R"(
struct $name_member {{ u64 buffers[{0}]; u32 elements, first_block; }};
struct $name_table {{ $name_member members[{1}]; }};
extern "C" __global__ void __launch_bounds__({2})
$name(const __grid_constant__ $name_table table, u32 count) {{
  typedef u32 ix;
  // The last loop whose first block is not behind this one.
  u32 low = 0, high = count;
  while (high - low > 1u) {{
    const u32 middle = (low + high) / 2u;
    if (table.members[middle].first_block <= blockIdx.x) low = middle; else high = middle;
  }}
  const $name_member& member = table.members[low];
{3}{4}}}
)",
                                    group.buffers(), group.capacity(), threads, pointers, body)};
}

}  // namespace brisk::cuda
