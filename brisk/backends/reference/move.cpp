// Ops that rearrange elements: each is a strided copy (or a few of them).

#include <algorithm>
#include <array>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/strided.h"
#include "brisk/base/error.h"
#include "brisk/base/packed_integers.h"
#include "brisk/base/shape.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::reference {
namespace {

Tensor new_result(const KernelCall& call) {
  return Tensor(call.result().dtype, call.result().shape.sizes());
}

StridedPlace whole(const Tensor& x) {
  return {0, row_major_strides(x.sizes())};
}

/// The result filled from the operand seen through `place`.
std::vector<Tensor> read_through(const KernelCall& call, const StridedPlace& place) {
  Tensor result = new_result(call);
  copy_strided(result.sizes(), call.in(0), place, result, whole(result));
  return {result};
}

std::vector<Tensor> evaluate_broadcast(const KernelCall& call) {
  const Tensor& x = call.in(0);
  const auto& axes = call.as<BroadcastAttributes>().axes;
  const std::vector<int64_t> strides = row_major_strides(x.sizes());
  StridedPlace place{0, std::vector<int64_t>(static_cast<size_t>(call.result().shape.rank()), 0)};
  for (size_t i = 0; i < axes.size(); ++i)
    if (x.sizes()[i] != 1) place.strides[static_cast<size_t>(axes[i])] = strides[i];
  return read_through(call, place);
}

std::vector<Tensor> evaluate_reshape(const KernelCall& call) {
  return {call.in(0).reshaped(call.result().shape.sizes())};
}

std::vector<Tensor> evaluate_transpose(const KernelCall& call) {
  const std::vector<int64_t> strides = row_major_strides(call.in(0).sizes());
  StridedPlace place;
  for (const int64_t axis : call.as<TransposeAttributes>().permutation)
    place.strides.push_back(strides[static_cast<size_t>(axis)]);
  return read_through(call, place);
}

std::vector<Tensor> evaluate_slice(const KernelCall& call) {
  const auto& attributes = call.as<SliceAttributes>();
  StridedPlace place = whole(call.in(0));
  for (size_t axis = 0; axis < place.strides.size(); ++axis) {
    place.offset += attributes.starts[axis] * place.strides[axis];
    if (!attributes.steps.empty()) place.strides[axis] *= attributes.steps[axis];
  }
  return read_through(call, place);
}

std::vector<Tensor> evaluate_reverse(const KernelCall& call) {
  const Tensor& x = call.in(0);
  StridedPlace place = whole(x);
  for (const int64_t given : call.as<AxesAttributes>().axes) {
    const auto axis = static_cast<size_t>(normalize_axis(given, x.rank(), "reverse"));
    place.offset += (x.sizes()[axis] - 1) * place.strides[axis];
    place.strides[axis] = -place.strides[axis];
  }
  return read_through(call, place);
}

std::vector<Tensor> evaluate_pad(const KernelCall& call) {
  const Tensor& x = call.in(0);
  const auto& attributes = call.as<PadAttributes>();
  Tensor result = new_result(call);
  fill(result, call.in(1));
  StridedPlace from = whole(x), to = whole(result);
  std::vector<int64_t> counts;
  for (size_t axis = 0; axis < from.strides.size(); ++axis) {
    // Operand index i lands on low + i * step; negative edges crop a prefix and a suffix of i.
    const int64_t low = attributes.low[axis];
    const int64_t step = 1 + (attributes.interior.empty() ? 0 : attributes.interior[axis]);
    const int64_t first = low >= 0 ? 0 : (-low + step - 1) / step;
    const int64_t room = result.sizes()[axis] - low;  // indices with i * step < room remain
    const int64_t limit = room <= 0 ? 0 : std::min(x.sizes()[axis], (room + step - 1) / step);
    counts.push_back(std::max<int64_t>(0, limit - first));
    from.offset += first * from.strides[axis];
    to.offset += (low + first * step) * to.strides[axis];
    to.strides[axis] *= step;
  }
  copy_strided(counts, x, from, result, to);
  return {result};
}

std::vector<Tensor> evaluate_concatenate(const KernelCall& call) {
  Tensor result = new_result(call);
  const auto axis = static_cast<size_t>(
      normalize_axis(call.as<AxisAttributes>().axis, result.rank(), "concatenate"));
  StridedPlace to = whole(result);
  for (const Tensor& part : call.operands) {
    copy_strided(part.sizes(), part, whole(part), result, to);
    to.offset += part.sizes()[axis] * to.strides[axis];
  }
  return {result};
}

/// The element offset of a window of `sizes` whose starts are operands `first`..., clamped so that
/// the window stays inside `x`.
int64_t window_offset(const KernelCall& call, const Tensor& x, const std::vector<int64_t>& sizes,
                      size_t first) {
  const std::vector<int64_t> strides = row_major_strides(x.sizes());
  int64_t offset = 0;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const int64_t start = load_positions(call.in(first + axis))[0];
    const int64_t last = x.sizes()[axis] - sizes[axis];
    require(last >= 0, "[{}] a window of {} does not fit into axis {} of {}", call.node.op->name,
            sizes[axis], axis, x.describe());
    offset += std::clamp<int64_t>(start, 0, last) * strides[axis];
  }
  return offset;
}

std::vector<Tensor> evaluate_dynamic_slice(const KernelCall& call) {
  StridedPlace place = whole(call.in(0));
  place.offset = window_offset(call, call.in(0), call.result().shape.sizes(), 1);
  return read_through(call, place);
}

std::vector<Tensor> evaluate_dynamic_update_slice(const KernelCall& call) {
  const Tensor& update = call.in(1);
  Tensor result = call.in(0).clone();
  StridedPlace to = whole(result);
  to.offset = window_offset(call, result, update.sizes(), 2);
  copy_strided(update.sizes(), update, whole(update), result, to);
  return {result};
}

std::vector<Tensor> evaluate_unpack_integers(const KernelCall& call) {
  return {unpacked_i4(call.in(0))};
}

struct NamedKernel {
  std::string_view op;
  Kernel kernel;
};
constexpr std::array<NamedKernel, 10> kKernels{{
    {"broadcast", evaluate_broadcast},
    {"reshape", evaluate_reshape},
    {"transpose", evaluate_transpose},
    {"slice", evaluate_slice},
    {"reverse", evaluate_reverse},
    {"pad", evaluate_pad},
    {"concatenate", evaluate_concatenate},
    {"dynamic_slice", evaluate_dynamic_slice},
    {"dynamic_update_slice", evaluate_dynamic_update_slice},
    {"unpack_integers", evaluate_unpack_integers},
}};

}  // namespace

Kernel find_move_kernel(std::string_view op) {
  for (const auto& [name, kernel] : kKernels)
    if (name == op) return kernel;
  return nullptr;
}

}  // namespace brisk::reference
