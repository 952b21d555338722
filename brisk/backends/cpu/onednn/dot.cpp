#include "brisk/backends/cpu/onednn/dot.h"

#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/cpu/onednn/primitive.h"
#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/fused/fused.h"

// Every contraction is seen as [batch, m, k] x [batch, k, n]. An operand's axes of one role (batch,
// free, contracted) must be walkable with one stride; otherwise the contraction is refused, and a
// transpose in the graph would have to help.

namespace brisk::cpu {
namespace {

using Source = BoundPrimitive::Source;

/// A run of axes as one axis.
struct Collapsed {
  int64_t size = 1, stride = 1;
};

std::optional<Collapsed> collapse(const Type& type, std::span<const int64_t> axes) {
  const std::vector<int64_t> sizes = type.shape().sizes();
  const std::vector<int64_t> strides = row_major_strides(sizes);
  Collapsed result{1, 0};
  for (size_t i = axes.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (sizes[axis] == 1) continue;
    if (result.stride == 0)
      result = {sizes[axis], strides[axis]};
    else if (strides[axis] == result.stride * result.size)
      result.size *= sizes[axis];
    else
      return std::nullopt;
  }
  if (result.stride == 0) result.stride = 1;
  return result;
}

std::vector<int64_t> free_axes(const Type& type, std::span<const int64_t> contract,
                               std::span<const int64_t> batch) {
  std::vector<int64_t> result;
  for (int64_t axis = 0; axis < type.rank(); ++axis)
    if (std::find(contract.begin(), contract.end(), axis) == contract.end() &&
        std::find(batch.begin(), batch.end(), axis) == batch.end())
      result.push_back(axis);
  return result;
}

/// A contraction in oneDNN's terms.
struct DotShape {
  int64_t batch = 1, m = 1, n = 1, k = 1;
  dnnl::memory::desc lhs, rhs, result;
  bool bias = false;
  Activation activation = Activation::none;
  DType type = DType::f32;
};

struct DotForm {
  DotAttributes axes;
  bool bias = false;
  Activation activation = Activation::none;
};

DotForm dot_form(const Node& node) {
  if (node.op->name == "dot_general") return {node.attributes.as<DotAttributes>()};
  const auto& fused = node.attributes.as<FusedDotAttributes>();
  return {{.lhs_contract = {fused.transpose_lhs ? 0 : 1},
           .rhs_contract = {fused.transpose_rhs ? 1 : 0}},
          fused.bias,
          fused.activation};
}

std::optional<DotShape> dot_shape(const KernelRequest& request) {
  const DotForm form = dot_form(request.node);
  const Type &lhs = request.operands[0], &rhs = request.operands[1];
  const auto lhs_batch = collapse(lhs, form.axes.lhs_batch),
             rhs_batch = collapse(rhs, form.axes.rhs_batch);
  const auto lhs_k = collapse(lhs, form.axes.lhs_contract),
             rhs_k = collapse(rhs, form.axes.rhs_contract);
  const auto m = collapse(lhs, free_axes(lhs, form.axes.lhs_contract, form.axes.lhs_batch));
  const auto n = collapse(rhs, free_axes(rhs, form.axes.rhs_contract, form.axes.rhs_batch));
  if (!lhs_batch || !rhs_batch || !lhs_k || !rhs_k || !m || !n) return std::nullopt;
  DotShape shape{lhs_batch->size, m->size, n->size, lhs_k->size};
  shape.type = lhs.dtype();
  shape.bias = form.bias;
  shape.activation = form.activation;
  if (form.axes.lhs_batch.empty()) {
    shape.lhs = strided({shape.m, shape.k}, shape.type, {m->stride, lhs_k->stride});
    shape.rhs = strided({shape.k, shape.n}, shape.type, {rhs_k->stride, n->stride});
    shape.result = row_major({shape.m, shape.n}, shape.type);
  } else {
    shape.lhs = strided({shape.batch, shape.m, shape.k}, shape.type,
                        {lhs_batch->stride, m->stride, lhs_k->stride});
    shape.rhs = strided({shape.batch, shape.k, shape.n}, shape.type,
                        {rhs_batch->stride, rhs_k->stride, n->stride});
    shape.result = row_major({shape.batch, shape.m, shape.n}, shape.type);
  }
  return shape;
}

dnnl::matmul::primitive_desc matmul_desc(const DotShape& shape) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops epilogue;
  if (shape.activation == Activation::relu)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  if (shape.activation == Activation::relu6)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_bounded_relu, 6.0f, 0.0f);
  attributes.set_post_ops(epilogue);
  if (shape.bias)
    return {
        dnnl::matmul::desc(shape.lhs, shape.rhs, row_major({1, shape.n}, shape.type), shape.result),
        attributes, cpu_engine()};
  return {dnnl::matmul::desc(shape.lhs, shape.rhs, shape.result), attributes, cpu_engine()};
}

std::optional<std::string> refuse_dot(const KernelRequest& request) {
  const DType type = request.operands[0].dtype();
  if (type != DType::f32 && type != DType::bf16)
    return fmt::format("element type {}, but it computes in f32 and bf16", name(type));
  if (type == DType::bf16 && !has_feature("avx512f")) return "bf16 without AVX-512";
  if (request.node.results[0].shape().num_elements() == 0 ||
      request.operands[0].shape().num_elements() == 0)
    return "an extent is 0";
  const std::optional<DotShape> shape = dot_shape(request);
  if (!shape) return "axes of one role do not lie behind one another in memory";
  try {
    const std::string implementation = matmul_desc(*shape).impl_info_str();
    if (is_reference(implementation))
      return fmt::format("only oneDNN's reference implementation ({}) takes it", implementation);
  } catch (const dnnl::error& error) {
    return fmt::format("oneDNN has no implementation ({})", error.message);
  }
  return std::nullopt;
}

class DotLaunch final : public Launch {
 public:
  explicit DotLaunch(const DotShape& shape)
      : desc_(matmul_desc(shape)),
        flops_(2.0 * static_cast<double>(shape.batch) * static_cast<double>(shape.m) *
               static_cast<double>(shape.n) * static_cast<double>(shape.k)) {
    std::vector<BoundPrimitive::Argument> arguments = {
        {DNNL_ARG_SRC, shape.lhs, Source::operand, 0},
        {DNNL_ARG_WEIGHTS, shape.rhs, Source::operand, 1},
        {DNNL_ARG_DST, shape.result, Source::result, 0}};
    if (shape.bias) arguments.push_back({DNNL_ARG_BIAS, desc_.bias_desc(), Source::operand, 2});
    if (scratch_bytes() > 0)
      arguments.push_back({DNNL_ARG_SCRATCHPAD, desc_.scratchpad_desc(), Source::scratch, 0});
    primitive_.emplace(dnnl::matmul(desc_), std::move(arguments));
  }
  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    primitive_->run(operands, results, scratch);
  }
  int64_t scratch_bytes() const override {
    return static_cast<int64_t>(desc_.scratchpad_desc().get_size());
  }
  std::string name() const override { return implementation_name(desc_); }
  double flops() const override { return flops_; }

 private:
  dnnl::matmul::primitive_desc desc_;
  double flops_;
  std::optional<BoundPrimitive> primitive_;
};

std::unique_ptr<Launch> prepare_dot(const KernelRequest& request) {
  return std::make_unique<DotLaunch>(*dot_shape(request));
}

}  // namespace

std::vector<OpKernel> dot_kernels() {
  return {{"fused_dot", {"onednn", refuse_dot, prepare_dot}},
          {"dot_general", {"onednn", refuse_dot, prepare_dot}}};
}

}  // namespace brisk::cpu
