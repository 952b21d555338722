#include "brisk/backends/cpu/kernels/pointwise/quantized_pointwise.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/pointwise/quantized_pointwise_loops.h"
#include "brisk/base/parallel.h"
#include "brisk/base/tensor.h"
#include "brisk/ops/quantize/quantize.h"

// Threads share out rows, or panels of columns where rows are few. A thread goes over its rows in
// chunks that stay in the second-level cache while one panel after another, which stays there too,
// meets them.

namespace brisk::cpu {

extern const QuantizedPanelTimesRows quantized_panel_times_rows_avx512_vnni;

namespace {

constexpr size_t kLhs = 0, kRhs = 1, kBias = 2, kMultiplier = 3, kResidual = 4;

constexpr int64_t kChunkBytes = 128 * 1024;  ///< of lhs
constexpr int64_t kFewRows = 16;             ///< for one thread
constexpr int64_t kAnyPanelRows = 24;        ///< whole blocks, however wide the panel is
constexpr int64_t kFewColumns = 32;          ///< less are no faster than oneDNN's

int64_t rounded_up(int64_t count, int64_t to) {
  return (count + to - 1) / to * to;
}

bool is_convolution(const KernelRequest& request) {
  return request.node.op->name == "quantized_convolution";
}

const RequantizeAttributes& requantize_of(const KernelRequest& request) {
  if (is_convolution(request))
    return request.node.attributes.as<QuantizedConvolutionAttributes>().requantize;
  return request.node.attributes.as<RequantizeAttributes>();
}

Result<ConvolutionCase> case_of(const KernelRequest& request) {
  return convolution_plane(
      request.operands[kLhs], request.operands[kRhs], request.node.results[0],
      request.node.attributes.as<QuantizedConvolutionAttributes>().convolution);
}

class QuantizedPointwise final : public Launch {
 public:
  explicit QuantizedPointwise(const KernelRequest& request)
      : threads_(request.threads),
        k_(request.operands[kLhs].shape().size(request.operands[kLhs].rank() - 1)),
        n_(request.node.results[0].shape().size(request.node.results[0].rank() - 1)),
        m_(request.node.results[0].shape().num_elements() / n_),
        panels_((n_ + kPanelColumns - 1) / kPanelColumns),
        result_bytes_(byte_size(request.node.results[0].dtype())) {
    set_epilogue(request);
    if (is_convolution(request)) set_pixels(request);
    const auto padded = static_cast<size_t>(panels_ * kPanelColumns);
    weights_ = allocate_aligned(panels_ * panel_bytes());
    start_.resize(padded);
    bias_.resize(padded);
    multiplier_.resize(padded);
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    if (!is_packed_) pack(operands);
    is_packed_ = true;
    const auto* lhs = reinterpret_cast<const uint8_t*>(operands[kLhs]);
    const auto* residual =
        epilogue_.residual ? reinterpret_cast<const uint8_t*>(operands[kResidual]) : nullptr;
    const bool by_rows = m_ >= kFewRows * threads_ || panels_ < threads_;
    const int64_t unit = panel_rows(std::min<int64_t>(n_ / kPanelVector, 4));
    const int64_t units = by_rows ? (m_ + unit - 1) / unit : panels_;
    const int64_t parts = std::min<int64_t>(threads_, units);
    parallel_for(parts, static_cast<int>(parts), [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; ++part) {
        const int64_t begin = units * part / parts, end = units * (part + 1) / parts;
        if (by_rows)
          multiply(lhs, residual, begin * unit, std::min(end * unit, m_), 0, panels_, results[0]);
        else
          multiply(lhs, residual, 0, m_, begin, end, results[0]);
      }
    });
  }
  void reset() override { is_packed_ = false; }
  bool in_place(size_t, size_t operand) const override {
    return epilogue_.residual && operand == kResidual;
  }
  std::string name() const override { return "quantized_pointwise/avx512_vnni"; }
  double flops() const override {
    return 2.0 * static_cast<double>(m_) * static_cast<double>(k_) * static_cast<double>(n_);
  }

 private:
  int64_t panel_bytes() const { return k_ * kPanelColumns; }
  /// Columns of a panel that are there.
  int64_t columns_of(int64_t panel) const {
    return std::min(kPanelColumns, n_ - panel * kPanelColumns);
  }

  void set_epilogue(const KernelRequest& request) {
    const RequantizeAttributes& requantize = requantize_of(request);
    epilogue_.k = k_;
    epilogue_.signed_lhs = request.operands[kLhs].dtype() == DType::i8;
    epilogue_.to_f32 = requantize.dtype == DType::f32;
    epilogue_.signed_result = requantize.dtype == DType::i8;
    epilogue_.residual = requantize.residual;
    epilogue_.signed_residual =
        requantize.residual && request.operands[kResidual].dtype() == DType::i8;
    epilogue_.residual_scale = static_cast<float>(requantize.residual_scale);
    epilogue_.product_scale = static_cast<float>(requantize.product_scale);
    epilogue_.product_low = static_cast<float>(requantize.product_low);
    epilogue_.product_high = static_cast<float>(requantize.product_high);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    epilogue_.high = epilogue_.to_f32 ? kInfinity : epilogue_.signed_result ? 127.0f : 255.0f;
    epilogue_.low = epilogue_.to_f32 ? -kInfinity : epilogue_.signed_result ? -128.0f : 0.0f;
    if (requantize.activation != Activation::none) epilogue_.low = 0;
    if (requantize.activation == Activation::relu6)
      epilogue_.high = std::min(epilogue_.high, static_cast<float>(requantize.limit));
  }

  /// Where each result's pixel lies in the input; nothing where they lie one after another.
  void set_pixels(const KernelRequest& request) {
    const ConvolutionCase c = case_of(request).value();
    if (c.stride_y == 1 && c.stride_x == 1) return;
    for (int64_t image = 0; image < c.batch; ++image)
      for (int64_t y = 0; y < c.result_height; ++y)
        for (int64_t x = 0; x < c.result_width; ++x)
          pixels_.push_back((image * c.height + y * c.stride_y) * c.width + x * c.stride_x);
  }

  void pack(std::span<std::byte* const> operands) {
    const auto* weights = reinterpret_cast<const int8_t*>(operands[kRhs]);
    const auto* bias = reinterpret_cast<const float*>(operands[kBias]);
    const auto* multiplier = reinterpret_cast<const float*>(operands[kMultiplier]);
    auto* packed = reinterpret_cast<int8_t*>(weights_.get());
    std::fill_n(packed, panels_ * panel_bytes(), int8_t{0});
    std::fill(start_.begin(), start_.end(), 0);
    for (int64_t panel = 0; panel < panels_; ++panel) {
      const int64_t first = panel * kPanelColumns, count = columns_of(panel);
      const int64_t width = rounded_up(count, kPanelVector);
      for (int64_t row = 0; row < k_; ++row) {
        const int8_t* from = weights + row * n_ + first;
        int8_t* to = packed + panel * panel_bytes() + row / 4 * 4 * width + row % 4;
        for (int64_t c = 0; c < count; ++c) {
          to[c * 4] = from[c];
          start_[static_cast<size_t>(first + c)] -= from[c];
        }
      }
    }
    for (int32_t& start : start_) start *= epilogue_.signed_lhs ? 128 : 0;
    std::copy_n(bias, n_, bias_.begin());
    std::copy_n(multiplier, n_, multiplier_.begin());
  }

  /// Rows [begin, end) times panels [first_panel, last_panel).
  void multiply(const uint8_t* lhs, const uint8_t* residual, int64_t begin, int64_t end,
                int64_t first_panel, int64_t last_panel, std::byte* result) const {
    const int64_t chunk = rounded_up(std::max<int64_t>(kChunkBytes / k_, 1), kAnyPanelRows);
    for (; begin < end; begin += chunk)
      for (int64_t p = first_panel; p < last_panel; ++p)
        multiply(lhs, residual, begin, std::min(begin + chunk, end), p, result);
  }

  void multiply(const uint8_t* lhs, const uint8_t* residual, int64_t begin, int64_t end, int64_t p,
                std::byte* result) const {
    const int64_t column = p * kPanelColumns;
    QuantizedPanel panel = epilogue_;
    panel.columns = columns_of(p);
    panel.weights = reinterpret_cast<const int8_t*>(weights_.get()) + p * panel_bytes();
    panel.start = start_.data() + column;
    panel.bias = bias_.data() + column;
    panel.multiplier = multiplier_.data() + column;
    quantized_panel_times_rows_avx512_vnni(
        panel, {lhs, pixels_.empty() ? nullptr : pixels_.data(), begin, end, n_},
        residual == nullptr ? nullptr : residual + column, result + column * result_bytes_);
  }

  int threads_;
  int64_t k_, n_, m_, panels_, result_bytes_;
  QuantizedPanel epilogue_{};
  bool is_packed_ = false;
  std::vector<int64_t> pixels_;
  std::shared_ptr<std::byte[]> weights_;
  std::vector<int32_t> start_;
  std::vector<float> bias_, multiplier_;
};

}  // namespace

std::optional<std::string> refuse_quantized_pointwise(const KernelRequest& request) {
  if (!kernels_have_vnni()) return "needs AVX-512 with VNNI";
  if (has_feature("amx_int8")) return "is slower than AMX";
  for (const Type& type : request.operands)
    if (type.shape().num_elements() == 0) return "an extent is 0";
  const int64_t k = request.operands[kLhs].shape().size(request.operands[kLhs].rank() - 1);
  const int64_t n = request.node.results[0].shape().size(request.node.results[0].rank() - 1);
  if (n < kFewColumns)
    return fmt::format("is no faster than oneDNN for {} columns, but for {}", n, kFewColumns);
  if (k % 4 != 0) return fmt::format("takes channels in fours, not {}", k);
  for (const size_t i : {kRhs, kBias, kMultiplier})
    if (!request.constant_operands[i]) return "weights and multipliers that change";
  if (!is_convolution(request)) return std::nullopt;
  const Result<ConvolutionCase> parsed = case_of(request);
  if (!parsed.ok()) return parsed.error();
  const ConvolutionCase& c = *parsed;
  if (c.groups != 1) return fmt::format("takes one group, not {}", c.groups);
  if (c.kernel_height * c.kernel_width != 1)
    return fmt::format("takes 1x1 kernels, not {}x{}", c.kernel_height, c.kernel_width);
  if (c.pad_y != 0 || c.pad_x != 0 || c.pad_end_y != 0 || c.pad_end_x != 0)
    return "takes no padding";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_quantized_pointwise(const KernelRequest& request) {
  return std::make_unique<QuantizedPointwise>(request);
}

}  // namespace brisk::cpu
