#include "brisk/backends/cpu/kernels/i32/i32_products.h"

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/i32/i32_loops.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/contract/contract.h"

namespace brisk::cpu {

extern const I32Loops i32_loops_avx2, i32_loops_avx512;

namespace {

/// A convolution; a matrix product is one of a window of one place over an image of one column.
class I32Product final : public Launch {
 public:
  I32Product(const ConvolutionGeometry& g, int threads)
      : isa_(kernel_isa()),
        shape_{g, g.channels / g.groups, g.filters / g.groups},
        threads_(threads) {
    loops_ = isa_ == KernelIsa::avx512 ? i32_loops_avx512 : i32_loops_avx2;
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    const auto* input = reinterpret_cast<const int32_t*>(operands[0]);
    const auto* filter = reinterpret_cast<const int32_t*>(operands[1]);
    const auto* bias =
        operands.size() > 2 ? reinterpret_cast<const int32_t*>(operands[2]) : nullptr;
    auto* result = reinterpret_cast<int32_t*>(results[0]);
    parallel_for(shape_.batch * shape_.result_height, threads_, [&](int64_t begin, int64_t end) {
      loops_(shape_, input, filter, bias, begin, end, result);
    });
  }
  std::string name() const override { return fmt::format("i32/{}", brisk::cpu::name(isa_)); }

 private:
  KernelIsa isa_;
  I32Loops loops_;
  I32Shape shape_;
  int threads_;
};

std::optional<std::string> refuse_anything() {
  if (kernel_isa() == KernelIsa::none) return "this processor has neither AVX2 nor AVX-512";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_i32_convolution(const KernelRequest& request) {
  const auto c = convolution_case(request, DType::i32);
  if (!c) return c.error();
  if (c.value().residual || c.value().relu || c.value().relu6)
    return "joins a bias, but no residual and no activation";
  return refuse_anything();
}

std::unique_ptr<Launch> prepare_i32_convolution(const KernelRequest& request) {
  const ConvolutionCase c = convolution_case(request, DType::i32).value();
  return std::make_unique<I32Product>(c, request.threads);
}

std::optional<std::string> refuse_i32_dot(const KernelRequest& request) {
  const auto& dot = request.node.attributes.as<DotAttributes>();
  const Type &lhs = request.operands[0], &rhs = request.operands[1];
  if (lhs.dtype() != DType::i32) return fmt::format("works in i32, not {}", name(lhs.dtype()));
  if (!dot.lhs_batch.empty() || rhs.rank() != 2 || dot.rhs_contract != std::vector<int64_t>{0} ||
      dot.lhs_contract != std::vector<int64_t>{lhs.rank() - 1})
    return "takes [..., k] x [k, n]";
  if (lhs.shape().num_elements() == 0 || rhs.shape().num_elements() == 0)
    return "takes no empty tensor";
  return refuse_anything();
}

std::unique_ptr<Launch> prepare_i32_dot(const KernelRequest& request) {
  const int64_t k = request.operands[1].shape().size(0), n = request.operands[1].shape().size(1);
  ConvolutionGeometry g;
  g.batch = request.operands[0].shape().num_elements() / k;
  g.channels = k, g.filters = n;
  g.height = g.width = g.kernel_height = g.kernel_width = g.result_height = g.result_width = 1;
  return std::make_unique<I32Product>(g, request.threads);
}

}  // namespace brisk::cpu
