#include <algorithm>
#include <numeric>

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/contract/contract_ops.h"
#include "brisk/ops/move/move.h"

// dot_general and its gradient, which is dot_general again: with result axes [batch, left free,
// right free], the left operand's gradient contracts the result's gradient with the right operand
// over the right free axes and comes out as [batch, left free, contracted]; a transpose puts the
// axes in place. The gradient of the plain product [m, k] x [k, n] needs no transpose at all.

namespace brisk {
namespace {

/// The axes of an operand that are neither batch nor contracted, ascending.
std::vector<int64_t> free_axes(int64_t rank, const std::vector<int64_t>& batch,
                               const std::vector<int64_t>& contract) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (std::ranges::find(batch, axis) == batch.end() &&
        std::ranges::find(contract, axis) == contract.end())
      axes.push_back(axis);
  return axes;
}

void check_axes(const Shape& shape, const std::vector<int64_t>& batch,
                const std::vector<int64_t>& contract, std::string_view side) {
  std::vector<bool> seen(static_cast<size_t>(shape.rank()));
  for (const auto* axes : {&batch, &contract})
    for (const int64_t axis : *axes) {
      require(axis >= 0 && axis < shape.rank(), "[dot_general] the {} operand {} has no axis {}",
              side, shape.to_string(), axis);
      require(!seen[static_cast<size_t>(axis)],
              "[dot_general] axis {} of the {} operand is named twice", axis, side);
      seen[static_cast<size_t>(axis)] = true;
    }
}

void check_extents(const Shape& lhs, const Shape& rhs, const std::vector<int64_t>& lhs_axes,
                   const std::vector<int64_t>& rhs_axes, std::string_view role) {
  require(lhs_axes.size() == rhs_axes.size(),
          "[dot_general] {} {} axes on the left, but {} on the right", lhs_axes.size(), role,
          rhs_axes.size());
  for (size_t i = 0; i < lhs_axes.size(); ++i)
    require(lhs[lhs_axes[i]] == rhs[rhs_axes[i]],
            "[dot_general] {} axis {} of {} has extent {}, but axis {} of {} has {}", role,
            lhs_axes[i], lhs.to_string(), lhs[lhs_axes[i]].to_string(), rhs_axes[i],
            rhs.to_string(), rhs[rhs_axes[i]].to_string());
}

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<DotAttributes>();
  const TensorType& lhs = context.tensor(0);
  const TensorType& rhs = context.tensor(1);
  require(lhs.dtype == rhs.dtype && lhs.dtype != DType::boolean,
          "[dot_general] operands must be of one numeric type, but are {} and {}", name(lhs.dtype),
          name(rhs.dtype));
  check_axes(lhs.shape, attributes.lhs_batch, attributes.lhs_contract, "left");
  check_axes(rhs.shape, attributes.rhs_batch, attributes.rhs_contract, "right");
  check_extents(lhs.shape, rhs.shape, attributes.lhs_batch, attributes.rhs_batch, "batch");
  check_extents(lhs.shape, rhs.shape, attributes.lhs_contract, attributes.rhs_contract,
                "contracted");
  Shape shape;
  for (const int64_t axis : attributes.lhs_batch) shape.push_back(lhs.shape[axis]);
  for (const int64_t axis :
       free_axes(lhs.shape.rank(), attributes.lhs_batch, attributes.lhs_contract))
    shape.push_back(lhs.shape[axis]);
  for (const int64_t axis :
       free_axes(rhs.shape.rank(), attributes.rhs_batch, attributes.rhs_contract))
    shape.push_back(rhs.shape[axis]);
  return {Type(lhs.dtype, std::move(shape))};
}

std::vector<int64_t> range(size_t first, size_t count) {
  std::vector<int64_t> axes(count);
  std::iota(axes.begin(), axes.end(), static_cast<int64_t>(first));
  return axes;
}

std::vector<int64_t> concatenated(std::vector<int64_t> a, const std::vector<int64_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// `x`, whose axis i belongs at axis positions[i].
Value placed(Value x, const std::vector<int64_t>& positions) {
  if (std::ranges::is_sorted(positions)) return x;
  std::vector<int64_t> permutation(positions.size());
  for (size_t i = 0; i < positions.size(); ++i)
    permutation[static_cast<size_t>(positions[i])] = static_cast<int64_t>(i);
  return transpose(x, std::move(permutation));
}

/// The partners in `other` of the axes of `contract`, in ascending order of the axes of `contract`.
std::vector<int64_t> partners(const std::vector<int64_t>& contract,
                              const std::vector<int64_t>& other) {
  std::vector<size_t> order(contract.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return contract[i]; });
  std::vector<int64_t> result;
  for (const size_t i : order) result.push_back(other[i]);
  return result;
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<DotAttributes>();
  const Value &lhs = d.in(0), &rhs = d.in(1);
  const Value g = d.grad();
  const size_t num_batch = attributes.lhs_batch.size();
  const auto lhs_free = free_axes(lhs.rank(), attributes.lhs_batch, attributes.lhs_contract);
  const auto rhs_free = free_axes(rhs.rank(), attributes.rhs_batch, attributes.rhs_contract);
  const auto g_batch = range(0, num_batch);
  const auto g_lhs_free = range(num_batch, lhs_free.size());
  const auto g_rhs_free = range(num_batch + lhs_free.size(), rhs_free.size());
  std::vector<Value> gradients(2);
  if (d.needs(0)) {
    const Value product = dot_general(g, rhs,
                                      {.lhs_contract = g_rhs_free,
                                       .rhs_contract = rhs_free,
                                       .lhs_batch = g_batch,
                                       .rhs_batch = attributes.rhs_batch});
    gradients[0] =
        placed(product, concatenated(concatenated(attributes.lhs_batch, lhs_free),
                                     partners(attributes.rhs_contract, attributes.lhs_contract)));
  }
  if (d.needs(1)) {
    const Value product = dot_general(lhs, g,
                                      {.lhs_contract = lhs_free,
                                       .rhs_contract = g_lhs_free,
                                       .lhs_batch = attributes.lhs_batch,
                                       .rhs_batch = g_batch});
    gradients[1] = placed(
        product, concatenated(concatenated(attributes.rhs_batch, partners(attributes.lhs_contract,
                                                                          attributes.rhs_contract)),
                              rhs_free));
  }
  return gradients;
}

}  // namespace

Op dot_general_op() {
  return Op{.name = "dot_general", .kind = OpKind::contract}
      .doc(
          "Sums products over the contracted axes of two operands; result axes are the batch axes, "
          "then the free axes of the left, then of the right operand.")
      .operands(2)
      .attributes<DotAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value dot_general(Value lhs, Value rhs, DotAttributes attributes) {
  return lhs.builder->emit_one("dot_general", {lhs, rhs}, std::move(attributes));
}

Value matmul(Value a, Value b) {
  require(a.rank() >= 2 && b.rank() >= 2,
          "[matmul] operands need rank 2 or more, but are {} and {}", a.type().to_string(),
          b.type().to_string());
  DotAttributes attributes{.lhs_contract = {a.rank() - 1}, .rhs_contract = {b.rank() - 2}};
  if (b.rank() > 2) {
    require(a.rank() == b.rank(), "[matmul] operands of unequal rank: {} and {}",
            a.type().to_string(), b.type().to_string());
    attributes.lhs_batch = attributes.rhs_batch = range(0, static_cast<size_t>(a.rank() - 2));
  }
  return dot_general(a, b, std::move(attributes));
}

}  // namespace brisk
