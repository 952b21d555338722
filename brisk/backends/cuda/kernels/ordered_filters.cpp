#include <algorithm>
#include <array>

#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/fused/filter_order.h"

// Many matrices [rows = kernel x channels, columns = filters] are transposed and cast by one
// launch: a table of their addresses and sizes is the kernel's argument, by value, so that nothing
// is uploaded and a captured graph holds it. A block finds its matrix by its number, and carries a
// tile of 64 x 64 through shared memory.

namespace brisk::cuda {
namespace {

constexpr int64_t kTile = 64;
constexpr size_t kCapacity = 120;  // entries of 32 bytes; arguments are up to 4 KiB

/// As the kernel declares it.
struct Entry {
  uint64_t from, to;
  uint32_t rows, columns, first_block, tiles_across;
};

constexpr std::string_view kSource = R"(
struct $nameEntry { const FROM* from; TO* to; u32 rows, columns, first_block, tiles_across; };
struct $nameTable { $nameEntry entries[CAPACITY]; };
extern "C" __global__ void __launch_bounds__(256) $name(const __grid_constant__ $nameTable table, u32 count) {
  after_previous();
  __shared__ COMPUTE tile[64][65];
  u32 number = 0;
  for (u32 end = count; end - number > 1u;) {
    const u32 middle = (number + end) / 2u;
    if (table.entries[middle].first_block <= blockIdx.x) number = middle; else end = middle;
  }
  const $nameEntry& entry = table.entries[number];
  const u32 mine = blockIdx.x - entry.first_block, rows = entry.rows, columns = entry.columns;
  const u32 row0 = mine / entry.tiles_across * 64u, column0 = mine % entry.tiles_across * 64u;
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;
  EACH(i, 8) EACH(half, 2) {
    const u32 row = row0 + warp + i * 8u, column = column0 + half * 32u + lane;
    if (row < rows && column < columns)
      tile[warp + i * 8u][half * 32u + lane] = (COMPUTE)widen(entry.from[(u64)row * columns + column]);
  }
  __syncthreads();
  const u32 row = row0 + 2u * lane;
  EACH(i, 8) {
    const u32 column = column0 + warp + i * 8u;
    if (column >= columns || row >= rows) continue;
    TO* const to = entry.to + (u64)column * rows + row;
    const COMPUTE pair[2] = {tile[2u * lane][warp + i * 8u], tile[2u * lane + 1u][warp + i * 8u]};
    if (rows % 2u == 0) store<TO, 2>(to, pair);
    else {
      to[0] = narrow<TO>(pair[0]);
      if (row + 1u < rows) to[1] = narrow<TO>(pair[1]);
    }
  }
}
)";

std::string source(DType from, DType to) {
  std::string text(kSource);
  const auto put = [&](std::string_view name, const std::string& value) {
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), value);
  };
  put("FROM", storage_text(from));
  put("TO", storage_text(to));
  put("COMPUTE", compute_text(to));
  put("CAPACITY", std::to_string(kCapacity));
  return text;
}

int64_t tiles(int64_t extent) {
  return (extent + kTile - 1) / kTile;
}

/// Without an address yet; nothing where the filter is empty.
std::vector<Entry> entries_of(const KernelRequest& request) {
  std::vector<Entry> entries;
  for (const Type& filter : request.operands) {
    const int64_t columns = filter.shape().sizes().back();
    const int64_t rows = columns == 0 ? 0 : filter.shape().num_elements() / columns;
    entries.push_back({0, 0, static_cast<uint32_t>(rows), static_cast<uint32_t>(columns), 0,
                       static_cast<uint32_t>(tiles(columns))});
  }
  return entries;
}

class OrderedFiltersLaunch final : public Launch {
 public:
  OrderedFiltersLaunch(const KernelRequest& request, CodeLibrary& code)
      : filters_(entries_of(request)),
        kernel_(code.add({"ordered_filters",
                          source(request.operands[0].dtype(), request.node.results[0].dtype())})) {}

  void load(const CodeLibrary& code) override { function_ = code.function(kernel_); }

  void enqueue(const LaunchArguments& arguments) override {
    for (size_t first = 0; first < filters_.size(); first += kCapacity)
      enqueue(first, std::min(first + kCapacity, filters_.size()), arguments);
  }

  std::string name() const override {
    return fmt::format("nvrtc/ordered_filters of {}", filters_.size());
  }

 private:
  void enqueue(size_t first, size_t end, const LaunchArguments& arguments) {
    uint32_t blocks = 0, count = 0;
    for (size_t i = first; i < end; ++i) {
      Entry entry = filters_[i];
      if (entry.rows == 0) continue;
      entry.from = arguments.operands[i];
      entry.to = arguments.results[i];
      entry.first_block = blocks;
      blocks += entry.tiles_across * static_cast<uint32_t>(tiles(entry.rows));
      table_[count++] = entry;
    }
    if (count == 0) return;
    void* pointers[] = {table_.data(), &count};
    launch_function(function_, {blocks}, {256}, 0, arguments.stream, pointers);
  }

  std::vector<Entry> filters_;
  size_t kernel_;
  DeviceFunction function_;
  std::array<Entry, kCapacity> table_ = {};
};

std::optional<std::string> refuse_filters(const KernelRequest& request) {
  for (const Type& filter : request.operands) {
    if (filter.dtype() != request.operands[0].dtype()) return "filters of several types";
    if (filter.shape().num_elements() >= int64_t{1} << 31) return "a filter of 2^31 elements";
  }
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_filters(const KernelRequest& request,
                                        const PrepareContext& context) {
  return std::make_unique<OrderedFiltersLaunch>(request, context.code);
}

}  // namespace

std::vector<OpKernel> filter_kernels() {
  return {{"ordered_filters", {"nvrtc", refuse_filters, prepare_filters}}};
}

}  // namespace brisk::cuda
