#include "brisk/backends/cpu/kernels/move/move.h"

#include "brisk/backends/cpu/kernels/move/strided_copy.h"
#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::cpu {
namespace {

/// A copy between places of an operand and of the result.
struct PlacedCopy {
  StridedCopy copy;
  int64_t from_offset = 0, to_offset = 0;  ///< bytes
  size_t operand = 0;
};

/// Runs its copies one after another, after filling the result with operand `fill` if there is one.
class CopyLaunch final : public Launch {
 public:
  CopyLaunch(const KernelRequest& request, std::vector<PlacedCopy> copies,
             std::optional<size_t> fill = std::nullopt)
      : copies_(std::move(copies)),
        fill_(fill),
        count_(request.node.results[0].shape().num_elements()),
        element_bytes_(byte_size(request.node.results[0].dtype())),
        threads_(request.threads) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    if (fill_) fill_elements(results[0], count_, operands[*fill_], element_bytes_, threads_);
    for (const PlacedCopy& c : copies_)
      c.copy.run(operands[c.operand] + c.from_offset, results[0] + c.to_offset, threads_);
  }
  std::string name() const override { return "move"; }

 private:
  std::vector<PlacedCopy> copies_;
  std::optional<size_t> fill_;
  int64_t count_, element_bytes_;
  int threads_;
};

/// Sizes and row-major strides, in bytes, of a tensor.
struct Layout {
  std::vector<int64_t> sizes, strides;
  explicit Layout(const Type& type)
      : sizes(type.shape().sizes()), strides(byte_strides(sizes, byte_size(type.dtype()))) {}
};

std::vector<CopyAxis> axes_of(const std::vector<int64_t>& counts, const std::vector<int64_t>& from,
                              const std::vector<int64_t>& to) {
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < counts.size(); ++i) axes.push_back({counts[i], from[i], to[i]});
  return axes;
}

/// The operand's strides along the result's axes, and where the result's first element comes from.
struct ReadThrough {
  std::vector<int64_t> strides;
  int64_t offset = 0;
};

ReadThrough read_transposed(const Node& node, const Layout& x) {
  ReadThrough read;
  for (const int64_t axis : node.attributes.as<TransposeAttributes>().permutation)
    read.strides.push_back(x.strides[static_cast<size_t>(axis)]);
  return read;
}

ReadThrough read_slice(const Node& node, const Layout& x) {
  const auto& slice = node.attributes.as<SliceAttributes>();
  ReadThrough read{x.strides, 0};
  for (size_t i = 0; i < read.strides.size(); ++i) {
    read.offset += slice.starts[i] * x.strides[i];
    if (!slice.steps.empty()) read.strides[i] *= slice.steps[i];
  }
  return read;
}

ReadThrough read_reversed(const Node& node, const Layout& x) {
  ReadThrough read{x.strides, 0};
  for (const int64_t given : node.attributes.as<AxesAttributes>().axes) {
    const auto i = static_cast<size_t>(given);
    read.offset += (x.sizes[i] - 1) * x.strides[i];
    read.strides[i] = -x.strides[i];
  }
  return read;
}

ReadThrough read_broadcast(const Node& node, const Layout& x, size_t rank) {
  const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
  ReadThrough read{std::vector<int64_t>(rank, 0), 0};
  for (size_t i = 0; i < axes.size(); ++i)
    if (x.sizes[i] != 1) read.strides[static_cast<size_t>(axes[i])] = x.strides[i];
  return read;
}

}  // namespace

std::optional<std::string> refuse_move(const KernelRequest& request) {
  for (const Type& operand : request.operands)
    if (operand.dtype() == DType::i4) return "takes elements of whole bytes, not i4";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_strided_read(const KernelRequest& request) {
  const Node& node = request.node;
  const Layout x(request.operands[0]), result(node.results[0]);
  const std::string& op = node.op->name;
  const ReadThrough read = op == "transpose" ? read_transposed(node, x)
                           : op == "slice"   ? read_slice(node, x)
                           : op == "reverse" ? read_reversed(node, x)
                                             : read_broadcast(node, x, result.sizes.size());
  const int64_t bytes = byte_size(node.results[0].dtype());
  return std::make_unique<CopyLaunch>(
      request, std::vector{PlacedCopy{
                   StridedCopy(axes_of(result.sizes, read.strides, result.strides), bytes),
                   read.offset, 0, 0}});
}

std::unique_ptr<Launch> prepare_concatenate(const KernelRequest& request) {
  const Layout result(request.node.results[0]);
  const auto axis = static_cast<size_t>(request.node.attributes.as<AxisAttributes>().axis);
  std::vector<PlacedCopy> copies;
  int64_t offset = 0;
  for (size_t i = 0; i < request.operands.size(); ++i) {
    const Layout part(request.operands[i]);
    copies.push_back({StridedCopy(axes_of(part.sizes, part.strides, result.strides),
                                  byte_size(request.operands[i].dtype())),
                      0, offset, i});
    offset += part.sizes[axis] * result.strides[axis];
  }
  return std::make_unique<CopyLaunch>(request, std::move(copies));
}

std::unique_ptr<Launch> prepare_pad(const KernelRequest& request) {
  const Layout x(request.operands[0]), result(request.node.results[0]);
  const auto& pad = request.node.attributes.as<PadAttributes>();
  std::vector<CopyAxis> axes;
  int64_t from_offset = 0, to_offset = 0;
  bool is_filled = false;
  for (size_t i = 0; i < x.sizes.size(); ++i) {
    // Operand index k lands on low + k * step; negative edges crop the first and last k.
    const int64_t low = pad.low[i], step = 1 + (pad.interior.empty() ? 0 : pad.interior[i]);
    const int64_t first = low >= 0 ? 0 : (-low + step - 1) / step;
    const int64_t room = result.sizes[i] - low;  // k with k * step < room remain
    const int64_t limit = room <= 0 ? 0 : std::min(x.sizes[i], (room + step - 1) / step);
    const int64_t count = std::max<int64_t>(0, limit - first);
    axes.push_back({count, x.strides[i], result.strides[i] * step});
    from_offset += first * x.strides[i];
    to_offset += (low + first * step) * result.strides[i];
    is_filled |= count != result.sizes[i];
  }
  for (const CopyAxis& axis : axes)
    if (axis.count == 0) from_offset = to_offset = 0;
  return std::make_unique<CopyLaunch>(
      request,
      std::vector{PlacedCopy{StridedCopy(std::move(axes), byte_size(request.operands[0].dtype())),
                             from_offset, to_offset, 0}},
      is_filled ? std::optional<size_t>(1) : std::nullopt);
}

}  // namespace brisk::cpu
