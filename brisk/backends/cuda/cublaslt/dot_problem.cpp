#include "brisk/backends/cuda/cublaslt/dot_problem.h"

#include <algorithm>

#include "brisk/ops/contract/contract.h"

// Axes of one role (free, contracted) must be walkable with one stride; batch axes with two, an
// outer one of few steps (a call each) and an inner one (cuBLASLt's own).

namespace brisk::cuda::cublaslt {
namespace {

constexpr int64_t kMostCalls = 128;

/// A run of axes as one axis. A stride of 0: all extents are 1, any stride will do.
struct Axis {
  int64_t size = 1, stride = 0;
};

class Operand {
 public:
  explicit Operand(const Type& type) : sizes_(type.shape().sizes()), strides_(sizes_.size()) {
    int64_t stride = 1;
    for (size_t axis = sizes_.size(); axis-- > 0; stride *= sizes_[axis]) strides_[axis] = stride;
  }

  std::optional<Axis> collapse(std::span<const int64_t> axes) const {
    Axis result;
    for (size_t i = axes.size(); i-- > 0;) {
      const auto axis = static_cast<size_t>(axes[i]);
      if (sizes_[axis] == 1) continue;
      if (result.stride == 0)
        result = {sizes_[axis], strides_[axis]};
      else if (strides_[axis] == result.stride * result.size)
        result.size *= sizes_[axis];
      else
        return std::nullopt;
    }
    return result;
  }

  std::vector<int64_t> free_axes(std::span<const int64_t> contract,
                                 std::span<const int64_t> batch) const {
    std::vector<int64_t> result;
    for (int64_t axis = 0; axis < static_cast<int64_t>(sizes_.size()); ++axis)
      if (std::ranges::find(contract, axis) == contract.end() &&
          std::ranges::find(batch, axis) == batch.end())
        result.push_back(axis);
    return result;
  }

 private:
  std::vector<int64_t> sizes_, strides_;
};

/// Column-major [first, second] over memory with the two axes' strides, or its transpose.
std::optional<OperandView> view(const Axis& first, const Axis& second) {
  OperandView view;
  if (first.stride == 1 || first.size == 1) {
    view = {first.size, second.size, second.size == 1 ? first.size : second.stride};
    if (view.stride >= view.rows) return view;
  }
  if (second.stride == 1 || second.size == 1) {
    view = {second.size, first.size, first.size == 1 ? second.size : first.stride};
    view.transpose = true;
    if (view.stride >= view.rows) return view;
  }
  return std::nullopt;
}

DotAttributes axes_of(const Node& node) {
  if (node.op->name == "dot_general") return node.attributes.as<DotAttributes>();
  const auto& fused = node.attributes.as<FusedDotAttributes>();
  return {.lhs_contract = {fused.transpose_lhs ? 0 : 1},
          .rhs_contract = {fused.transpose_rhs ? 1 : 0}};
}

/// Splits the batch axes into outer and inner so that both operands walk each with one stride.
bool split_batch(const Operand& lhs, const Operand& rhs, const DotAttributes& axes,
                 DotProblem& problem) {
  const size_t count = axes.lhs_batch.size();
  for (size_t split = 0; split <= count; ++split) {
    const std::span lhs_axes(axes.lhs_batch), rhs_axes(axes.rhs_batch);
    const auto lhs_outer = lhs.collapse(lhs_axes.first(split));
    const auto rhs_outer = rhs.collapse(rhs_axes.first(split));
    const auto lhs_inner = lhs.collapse(lhs_axes.subspan(split));
    const auto rhs_inner = rhs.collapse(rhs_axes.subspan(split));
    if (!lhs_outer || !rhs_outer || !lhs_inner || !rhs_inner || lhs_outer->size > kMostCalls)
      continue;
    problem.outer = lhs_outer->size;
    problem.batch = lhs_inner->size;
    problem.lhs.outer_stride = lhs_outer->stride;
    problem.rhs.outer_stride = rhs_outer->stride;
    problem.lhs.batch_stride = lhs_inner->stride;
    problem.rhs.batch_stride = rhs_inner->stride;
    return true;
  }
  return false;
}

std::string text_of(const OperandView& view) {
  return fmt::format("[{},{}]/{}{}+{}", view.rows, view.columns, view.stride,
                     view.transpose ? "T" : "", view.batch_stride);
}

}  // namespace

std::string DotProblem::text() const {
  return fmt::format("{}->{} {}x{}x{} batch {} {} {}{}{}{}", name(type), name(result_type), m, n, k,
                     batch, text_of(lhs), text_of(rhs), bias ? " bias" : "",
                     activation == Activation::relu ? " relu" : "", tf32 ? " tf32" : "");
}

namespace {

/// x [..., channels] as [rows, channels], multiplied with itself.
Result<DotProblem> gram_problem(const Type& x, bool tf32) {
  const int64_t channels = x.shape().sizes().back(), elements = x.shape().num_elements();
  if (elements == 0) return fail("an extent is 0");
  DotProblem problem;
  problem.type = x.dtype();
  problem.result_type = compute_type(x.dtype());
  problem.tf32 = tf32;
  problem.m = problem.n = channels;
  problem.k = elements / channels;
  problem.rhs = {channels, problem.k, channels};
  problem.lhs = problem.rhs;
  problem.lhs.transpose = true;
  return problem;
}

bool is_taken(DType type) {
  return type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64;
}

}  // namespace

Result<DotProblem> dot_problem(const KernelRequest& request) {
  const DType type = request.operands[0].dtype();
  if (!is_taken(type))
    return fail("element type {}, but it computes in f16, bf16, f32 and f64", name(type));
  const bool tf32 = request.tf32 && type == DType::f32;
  if (request.node.op->name == "gram_matrix") return gram_problem(request.operands[0], tf32);
  const Type &left = request.operands[0], &right = request.operands[1];
  DotProblem problem;
  problem.type = problem.result_type = type;
  problem.tf32 = tf32;
  if (left.shape().num_elements() == 0 || right.shape().num_elements() == 0)
    return fail("an extent is 0");
  if (request.node.op->name == "fused_dot") {
    const auto& fused = request.node.attributes.as<FusedDotAttributes>();
    problem.bias = fused.bias;
    problem.activation = fused.activation;
  }

  const DotAttributes axes = axes_of(request.node);
  const Operand lhs(left), rhs(right);
  const auto lhs_k = lhs.collapse(axes.lhs_contract), rhs_k = rhs.collapse(axes.rhs_contract);
  const auto m = lhs.collapse(lhs.free_axes(axes.lhs_contract, axes.lhs_batch));
  const auto n = rhs.collapse(rhs.free_axes(axes.rhs_contract, axes.rhs_batch));
  if (!lhs_k || !rhs_k || !m || !n)
    return fail("axes of one role do not lie behind one another in memory");
  problem.m = m->size;
  problem.n = n->size;
  problem.k = lhs_k->size;
  // Its left factor is our right operand as [n, k], its right one our left operand as [k, m].
  const auto rhs_view = view(*n, *rhs_k), lhs_view = view(*lhs_k, *m);
  if (!rhs_view || !lhs_view)
    return fail("neither the rows nor the columns of an operand are dense");
  problem.rhs = *rhs_view;
  problem.lhs = *lhs_view;
  if (!split_batch(lhs, rhs, axes, problem))
    return fail("its batch axes need more than two strides, or more than {} calls", kMostCalls);
  return problem;
}

}  // namespace brisk::cuda::cublaslt
