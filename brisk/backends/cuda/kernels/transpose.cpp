#include <algorithm>
#include <array>

#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/ops/move/move.h"

// A transpose that moves the innermost axis goes through tiles in shared memory, so that both reads
// and writes run along memory. The tile is over the operand's innermost axis and the axis that
// becomes the result's innermost; all others are counted.

namespace brisk::cuda {
namespace {

struct Tiling {
  std::vector<int64_t> from, to;    // sizes of operand and result, neighbours merged
  std::vector<size_t> permutation;  // result axis i is operand axis permutation[i]
};

/// Axes that stay side by side become one; axes of one index go.
Tiling merged(const std::vector<int64_t>& sizes, const std::vector<int64_t>& permutation) {
  std::vector<std::vector<int64_t>> groups;  // operand axes, in order of the result
  for (const int64_t axis : permutation) {
    if (sizes[static_cast<size_t>(axis)] == 1) continue;
    bool follows = !groups.empty();
    if (follows) {
      // Between the last axis and this one only axes of one index.
      int64_t next = groups.back().back() + 1;
      while (next < axis && sizes[static_cast<size_t>(next)] == 1) ++next;
      follows = next == axis;
    }
    if (follows)
      groups.back().push_back(axis);
    else
      groups.push_back({axis});
  }
  std::vector<size_t> order(groups.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return groups[a][0] < groups[b][0]; });
  Tiling tiling;
  tiling.permutation.resize(groups.size());
  for (size_t place = 0; place < order.size(); ++place) tiling.permutation[order[place]] = place;
  const auto size_of = [&](size_t group) {
    int64_t size = 1;
    for (const int64_t axis : groups[group]) size *= sizes[static_cast<size_t>(axis)];
    return size;
  };
  for (const size_t group : order) tiling.from.push_back(size_of(group));
  for (size_t i = 0; i < groups.size(); ++i) tiling.to.push_back(size_of(i));
  return tiling;
}

std::optional<std::string> refuse(const KernelRequest& request) {
  if (auto packed = refuse_packed(request)) return packed;
  const Tiling t = merged(operand_sizes(request, 0),
                          request.node.attributes.as<TransposeAttributes>().permutation);
  if (t.to.size() < 2 || t.permutation.back() + 1 == t.permutation.size())
    return "the innermost axis stays: a loop copies whole vectors";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  const Tiling t = merged(operand_sizes(request, 0),
                          request.node.attributes.as<TransposeAttributes>().permutation);
  const size_t rank = t.to.size();
  std::vector<int64_t> from_strides(rank), to_strides(rank);
  int64_t all = 1;
  for (size_t a = rank; a-- > 0;) from_strides[a] = all, all *= t.from[a];
  all = 1;
  for (size_t a = rank; a-- > 0;) to_strides[a] = all, all *= t.to[a];
  // x: the operand's innermost axis; y: the operand axis that becomes the result's innermost.
  const size_t x = rank - 1, y = t.permutation.back();
  size_t x_in_result = 0;
  for (size_t i = 0; i < rank; ++i)
    if (t.permutation[i] == x) x_in_result = i;
  std::vector<std::string> names;
  std::vector<int64_t> sizes;
  std::string from = "(ix)0", to = "(ix)0";
  for (size_t i = 0; i < rank; ++i) {
    if (i == x_in_result || i + 1 == rank) continue;
    names.push_back(fmt::format("c{}", i));
    sizes.push_back(t.to[i]);
    from += fmt::format(" + c{} * {}ull", i, from_strides[t.permutation[i]]);
    to += fmt::format(" + c{} * {}ull", i, to_strides[i]);
  }
  const int64_t tiles_x = (t.from[x] + 31) / 32, tiles_y = (t.from[y] + 31) / 32;
  names.insert(names.end(), {"ty", "tx"});
  sizes.insert(sizes.end(), {tiles_y, tiles_x});
  int64_t blocks = 1;
  for (const int64_t size : sizes) blocks *= size;
  const int64_t bytes = byte_size(request.node.results[0].dtype());
  std::string body =
      fmt::format("  typedef {} Unit;\n  __shared__ Unit tile[32][33];\n", bytes == 8   ? "u64"
                                                                           : bytes == 4 ? "u32"
                                                                           : bytes == 2 ? "u16"
                                                                                        : "u8");
  body += coordinates_text(names, sizes, "blockIdx.x");
  body += fmt::format(
      "  const ix from = {}, to = {};\n"
      "  const ix lane = threadIdx.x % 32u, line = threadIdx.x / 32u;\n"
      "  EACH(k, 4) {{\n    const ix x = tx * 32u + lane, y = ty * 32u + line + 8u * k;\n"
      "    if (x < {}ull && y < {}ull) tile[line + 8u * k][lane] = ((const Unit*)b0)[from + x + y "
      "* {}ull];\n  }}\n"
      "  __syncthreads();\n"
      "  EACH(k, 4) {{\n    const ix y = ty * 32u + lane, x = tx * 32u + line + 8u * k;\n"
      "    if (x < {}ull && y < {}ull) ((Unit*)y0)[to + y + x * {}ull] = tile[lane][line + 8u * "
      "k];\n  }}\n",
      from, to, t.from[x], t.from[y], from_strides[y], t.from[x], t.from[y],
      to_strides[x_in_result]);
  return std::make_unique<TextLaunch>(
      "nvrtc/transpose", request, context,
      std::vector{TextKernel{"transpose", body, all == 0 ? 0 : blocks}});
}

}  // namespace

std::vector<OpKernel> transpose_kernels() {
  return {{"transpose", {"nvrtc/transpose", refuse, prepare}}};
}

}  // namespace brisk::cuda
