#include "brisk/backends/cpu/kernels/pool/pool.h"

#include "brisk/backends/cpu/kernels/pool/pool_loops.h"
#include "brisk/backends/cpu/kernels/window_ranges.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/window/window.h"

namespace brisk::cpu {

extern const PoolLoopSet pool_loops_avx2, pool_loops_avx512;

const PoolLoopSet& pool_loops(KernelIsa isa) {
  invariant(isa != KernelIsa::none, "there are no vector loops for this processor");
  return isa == KernelIsa::avx512 ? pool_loops_avx512 : pool_loops_avx2;
}

namespace {

enum class PoolOp : uint8_t { max, max_gradient, max_select, average, average_gradient };

PoolOp pool_op(const Op& op) {
  if (op.name == "max_pool") return PoolOp::max;
  if (op.name == "max_pool_gradient") return PoolOp::max_gradient;
  if (op.name == "max_pool_select") return PoolOp::max_select;
  if (op.name == "average_pool") return PoolOp::average;
  invariant(op.name == "average_pool_gradient", "{} is no pool", op.name);
  return PoolOp::average_gradient;
}

bool is_gradient(PoolOp op) {
  return op == PoolOp::max_gradient || op == PoolOp::average_gradient;
}

const WindowAttributes& window_of(PoolOp op, const Attributes& attributes) {
  switch (op) {
    case PoolOp::max_gradient:
      return attributes.as<WindowGradientAttributes>().window;
    case PoolOp::average:
      return attributes.as<AveragePoolAttributes>().window;
    case PoolOp::average_gradient:
      return attributes.as<AveragePoolGradientAttributes>().pool.window;
    case PoolOp::max:
    case PoolOp::max_select:
      break;
  }
  return attributes.as<WindowAttributes>();
}

bool counts_padding(PoolOp op, const Attributes& attributes) {
  if (op == PoolOp::average) return attributes.as<AveragePoolAttributes>().count_padding;
  if (op == PoolOp::average_gradient)
    return attributes.as<AveragePoolGradientAttributes>().pool.count_padding;
  return false;
}

/// One spatial axis is taken as a height of 1.
PoolShape shape_of(PoolOp op, const KernelRequest& request) {
  const Shape& first = request.operands[0].shape();
  const Shape& last = request.node.results[0].shape();
  const Shape& input = is_gradient(op) ? last : first;
  const Shape& pooled = is_gradient(op) ? first : last;
  const WindowAttributes& window = window_of(op, request.node.attributes);
  const int64_t axes = input.rank() - 2;
  const auto y = [&](const std::vector<int64_t>& list, int64_t missing) {
    return axes == 2 ? list[0] : missing;
  };
  return {.height = axes == 2 ? input.size(1) : 1,
          .width = input.size(axes),
          .channels = input.size(axes + 1),
          .result_height = axes == 2 ? pooled.size(1) : 1,
          .result_width = pooled.size(axes),
          .window_y = y(window.window, 1),
          .window_x = window.window.back(),
          .stride_y = y(window.strides, 1),
          .stride_x = window.strides.back(),
          .pad_y = y(window.pad_low, 0),
          .pad_x = window.pad_low.back()};
}

/// 1 / (elements averaged) for each window; 0 where it has none.
std::vector<float> average_weights(const PoolShape& s, bool count_padding) {
  std::vector<float> weights;
  for (int64_t y = 0; y < s.result_height; ++y)
    for (int64_t x = 0; x < s.result_width; ++x) {
      const Range rows = places_inside(y, s.stride_y, s.pad_y, s.window_y, s.height);
      const Range columns = places_inside(x, s.stride_x, s.pad_x, s.window_x, s.width);
      const int64_t inside = (rows.end - rows.begin) * (columns.end - columns.begin);
      const int64_t count = count_padding ? s.window_y * s.window_x : inside;
      weights.push_back(count > 0 ? 1.0f / static_cast<float>(count) : 0.0f);
    }
  return weights;
}

const PoolLoops& loops_for(KernelIsa isa, DType type) {
  const PoolLoopSet& set = pool_loops(isa);
  switch (type) {
    case DType::bf16:
      return set.bf16;
    case DType::f16:
      return set.f16;
    case DType::u8:
      return set.u8;
    case DType::i8:
      return set.i8;
    default:
      return set.f32;
  }
}

class PoolLaunch final : public Launch {
 public:
  explicit PoolLaunch(const KernelRequest& request)
      : op_(pool_op(*request.node.op)),
        isa_(kernel_isa()),
        loops_(loops_for(isa_, request.operands[0].dtype())),
        shape_(shape_of(op_, request)),
        threads_(request.threads) {
    const int64_t batch = request.operands[0].shape().size(0);
    rows_ = batch * (is_gradient(op_) ? shape_.height : shape_.result_height);
    if (op_ == PoolOp::average || op_ == PoolOp::average_gradient)
      weights_ = average_weights(shape_, counts_padding(op_, request.node.attributes));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    const auto bytes = [](std::byte* p) { return reinterpret_cast<uint8_t*>(p); };
    parallel_for(rows_, threads_, [&](int64_t begin, int64_t end) {
      switch (op_) {
        case PoolOp::max:
          return loops_.max(shape_, operands[0], begin, end, results[0], bytes(results[1]));
        case PoolOp::max_gradient:
          return loops_.max_gradient(shape_, operands[0], bytes(operands[1]), begin, end,
                                     results[0]);
        case PoolOp::max_select:
          return loops_.max_select(shape_, operands[0], bytes(operands[1]), begin, end, results[0]);
        case PoolOp::average:
          return loops_.average(shape_, operands[0], weights_.data(), begin, end, results[0]);
        case PoolOp::average_gradient:
          return loops_.average_gradient(shape_, operands[0], weights_.data(), begin, end,
                                         results[0]);
      }
    });
  }
  std::string name() const override { return fmt::format("pool/{}", brisk::cpu::name(isa_)); }

 private:
  PoolOp op_;
  KernelIsa isa_;
  const PoolLoops& loops_;
  PoolShape shape_;
  int threads_;
  int64_t rows_ = 0;
  std::vector<float> weights_;
};

}  // namespace

std::optional<std::string> refuse_pool(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  const DType type = request.operands[0].dtype();
  const bool is_byte = type == DType::u8 || type == DType::i8;
  if (type != DType::f32 && type != DType::bf16 && type != DType::f16 &&
      !(is_byte && pool_op(*request.node.op) == PoolOp::max))
    return fmt::format("works in f32, bf16 and f16, and for maxima in u8 and i8, not {}",
                       brisk::name(type));
  const int64_t axes = request.operands[0].rank() - 2;
  if (axes < 1 || axes > 2) return fmt::format("takes one or two spatial axes, not {}", axes);
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_pool(const KernelRequest& request) {
  return std::make_unique<PoolLaunch>(request);
}

}  // namespace brisk::cpu
