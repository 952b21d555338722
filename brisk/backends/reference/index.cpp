// Reads and writes at positions given as data. A tensor is [outer, extent, inner] around `axis`.

#include <algorithm>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/base/error.h"
#include "brisk/base/shape.h"
#include "brisk/ops/index/index.h"

namespace brisk::reference {
namespace {

struct Split {
  int64_t outer = 1, extent = 0, inner = 1;
};

int64_t axis_of(const KernelCall& call) {
  return normalize_axis(call.as<AxisAttributes>().axis, call.in(0).rank(), call.node.op->name);
}

Split split(const Tensor& x, int64_t axis) {
  const auto& sizes = x.sizes();
  return {checked_product(std::span(sizes).first(static_cast<size_t>(axis))),
          sizes[static_cast<size_t>(axis)],
          checked_product(std::span(sizes).subspan(static_cast<size_t>(axis) + 1))};
}

size_t element(const Split& s, int64_t outer, int64_t position, int64_t inner) {
  return static_cast<size_t>((outer * s.extent + position) * s.inner + inner);
}

/// Visits every (outer, index number, inner) of a gather: `at` is the offset of the slice element
/// in x (or -1 when out of range and not clamped), `item` the one in the gathered tensor.
template <typename Visit>
void for_each_gathered(const Split& s, const std::vector<int64_t>& indices, bool clamped,
                       Visit&& visit) {
  size_t item = 0;
  for (int64_t outer = 0; outer < s.outer; ++outer) {
    for (const int64_t index : indices) {
      const bool inside = index >= 0 && index < s.extent;
      const int64_t position = std::clamp<int64_t>(index, 0, std::max<int64_t>(s.extent - 1, 0));
      for (int64_t inner = 0; inner < s.inner; ++inner, ++item)
        if (inside || clamped) visit(element(s, outer, position, inner), item);
    }
  }
}

/// The same for indices given per element of the gathered tensor.
template <typename Visit>
void for_each_along(const Split& s, const Split& gathered, const std::vector<int64_t>& indices,
                    bool clamped, Visit&& visit) {
  for (size_t item = 0; item < indices.size(); ++item) {
    const auto number = static_cast<int64_t>(item);
    const int64_t inner = number % s.inner, outer = number / (s.inner * gathered.extent);
    const bool inside = indices[item] >= 0 && indices[item] < s.extent;
    const int64_t position =
        std::clamp<int64_t>(indices[item], 0, std::max<int64_t>(s.extent - 1, 0));
    if (inside || clamped) visit(element(s, outer, position, inner), item);
  }
}

void check_not_empty(const KernelCall& call, const Split& s) {
  require(s.extent > 0 || call.result().shape.num_elements() == 0,
          "[{}] reads from the empty axis of {}", call.node.op->name, call.in(0).describe());
}

std::vector<Tensor> evaluate_gather(const KernelCall& call) {
  const Split s = split(call.in(0), axis_of(call));
  check_not_empty(call, s);
  return with_wide(call.in(0).dtype(), [&]<typename Wide>() -> std::vector<Tensor> {
    const std::vector<Wide> x = widen<Wide>(call.in(0));
    const TensorType& type = call.result();
    std::vector<Wide> result(static_cast<size_t>(type.shape.num_elements()));
    for_each_gathered(s, load_positions(call.in(1)), true,
                      [&](size_t at, size_t item) { result[item] = x[at]; });
    return {narrow<Wide>(type.dtype, type.shape.sizes(), result)};
  });
}

std::vector<Tensor> evaluate_scatter_add(const KernelCall& call) {
  const Split s = split(call.in(0), axis_of(call));
  return with_wide(call.in(0).dtype(), [&]<typename Wide>() -> std::vector<Tensor> {
    std::vector<Wide> x = widen<Wide>(call.in(0));
    const std::vector<Wide> updates = widen<Wide>(call.in(2));
    for_each_gathered(s, load_positions(call.in(1)), false,
                      [&](size_t at, size_t item) { x[at] += updates[item]; });
    return {narrow<Wide>(call.in(0).dtype(), call.in(0).sizes(), x)};
  });
}

std::vector<Tensor> evaluate_take_along_axis(const KernelCall& call) {
  const int64_t axis = axis_of(call);
  const Split s = split(call.in(0), axis), gathered = split(call.in(1), axis);
  check_not_empty(call, s);
  return with_wide(call.in(0).dtype(), [&]<typename Wide>() -> std::vector<Tensor> {
    const std::vector<Wide> x = widen<Wide>(call.in(0));
    std::vector<Wide> result(static_cast<size_t>(call.in(1).num_elements()));
    for_each_along(s, gathered, load_positions(call.in(1)), true,
                   [&](size_t at, size_t item) { result[item] = x[at]; });
    return {narrow<Wide>(call.in(0).dtype(), call.in(1).sizes(), result)};
  });
}

std::vector<Tensor> evaluate_put_along_axis_add(const KernelCall& call) {
  const int64_t axis = axis_of(call);
  const Split s = split(call.in(0), axis), gathered = split(call.in(1), axis);
  return with_wide(call.in(0).dtype(), [&]<typename Wide>() -> std::vector<Tensor> {
    std::vector<Wide> x = widen<Wide>(call.in(0));
    const std::vector<Wide> updates = widen<Wide>(call.in(2));
    for_each_along(s, gathered, load_positions(call.in(1)), false,
                   [&](size_t at, size_t item) { x[at] += updates[item]; });
    return {narrow<Wide>(call.in(0).dtype(), call.in(0).sizes(), x)};
  });
}

std::vector<Tensor> evaluate_one_hot(const KernelCall& call) {
  const TensorType& type = call.result();
  const auto depth = call.as<OneHotAttributes>().depth;
  const std::vector<int64_t> indices = load_positions(call.in(0));
  return with_wide(type.dtype, [&]<typename Wide>() -> std::vector<Tensor> {
    std::vector<Wide> result(indices.size() * static_cast<size_t>(depth), Wide{0});
    for (size_t i = 0; i < indices.size(); ++i)
      if (indices[i] >= 0 && indices[i] < depth)
        result[i * static_cast<size_t>(depth) + static_cast<size_t>(indices[i])] = Wide{1};
    return {narrow<Wide>(type.dtype, type.shape.sizes(), result)};
  });
}

}  // namespace

Kernel find_index_kernel(std::string_view op) {
  if (op == "gather") return evaluate_gather;
  if (op == "scatter_add") return evaluate_scatter_add;
  if (op == "take_along_axis") return evaluate_take_along_axis;
  if (op == "put_along_axis_add") return evaluate_put_along_axis_add;
  if (op == "one_hot") return evaluate_one_hot;
  return nullptr;
}

}  // namespace brisk::reference
