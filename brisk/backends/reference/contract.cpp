// dot_general: both operands are brought to [batch, rows, contracted] and [batch, contracted,
// columns] in wide numbers, then three loops.

#include <algorithm>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/strided.h"
#include "brisk/base/shape.h"
#include "brisk/ops/contract/contract.h"

namespace brisk::reference {
namespace {

bool contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::vector<int64_t> free_axes(int64_t rank, const std::vector<int64_t>& contracted,
                               const std::vector<int64_t>& batch) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!contains(contracted, axis) && !contains(batch, axis)) axes.push_back(axis);
  return axes;
}

int64_t product(const Tensor& x, const std::vector<int64_t>& axes) {
  int64_t result = 1;
  for (const int64_t axis : axes) result *= x.sizes()[static_cast<size_t>(axis)];
  return result;
}

/// The elements with axes in the order of the three lists.
template <typename Wide>
std::vector<Wide> arranged(const Tensor& x, std::vector<int64_t> order,
                           const std::vector<int64_t>& second, const std::vector<int64_t>& third) {
  order.insert(order.end(), second.begin(), second.end());
  order.insert(order.end(), third.begin(), third.end());
  const std::vector<int64_t> from_strides = row_major_strides(x.sizes());
  std::vector<int64_t> sizes, strides;
  for (const int64_t axis : order) {
    sizes.push_back(x.sizes()[static_cast<size_t>(axis)]);
    strides.push_back(from_strides[static_cast<size_t>(axis)]);
  }
  const std::vector<Wide> values = widen<Wide>(x);
  std::vector<Wide> result;
  result.reserve(values.size());
  walk<1>(sizes, {strides}, {0}, [&](const std::array<int64_t, 1>& at) {
    result.push_back(values[static_cast<size_t>(at[0])]);
  });
  return result;
}

template <typename Wide>
Tensor contract(const KernelCall& call) {
  const Tensor &lhs = call.in(0), &rhs = call.in(1);
  const auto& a = call.as<DotAttributes>();
  const auto lhs_free = free_axes(lhs.rank(), a.lhs_contract, a.lhs_batch);
  const auto rhs_free = free_axes(rhs.rank(), a.rhs_contract, a.rhs_batch);
  const int64_t batch = product(lhs, a.lhs_batch), rows = product(lhs, lhs_free);
  const int64_t depth = product(lhs, a.lhs_contract), columns = product(rhs, rhs_free);
  const std::vector<Wide> left = arranged<Wide>(lhs, a.lhs_batch, lhs_free, a.lhs_contract);
  const std::vector<Wide> right = arranged<Wide>(rhs, a.rhs_batch, a.rhs_contract, rhs_free);
  std::vector<Wide> totals(static_cast<size_t>(batch * rows * columns), Wide{0});
  for (int64_t row = 0; row < batch * rows; ++row) {
    Wide* total = totals.data() + row * columns;
    const Wide* block = right.data() + row / rows * depth * columns;
    for (int64_t k = 0; k < depth; ++k) {
      const Wide factor = left[static_cast<size_t>(row * depth + k)];
      for (int64_t j = 0; j < columns; ++j) total[j] += factor * block[k * columns + j];
    }
  }
  return narrow<Wide>(call.result().dtype, call.result().shape.sizes(), totals);
}

std::vector<Tensor> evaluate_dot_general(const KernelCall& call) {
  return with_wide(call.in(0).dtype(),
                   [&]<typename Wide>() -> std::vector<Tensor> { return {contract<Wide>(call)}; });
}

}  // namespace

Kernel find_contract_kernel(std::string_view op) {
  return op == "dot_general" ? evaluate_dot_general : nullptr;
}

}  // namespace brisk::reference
