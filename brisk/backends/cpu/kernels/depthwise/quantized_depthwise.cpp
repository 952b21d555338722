#include "brisk/backends/cpu/kernels/depthwise/quantized_depthwise.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/depthwise/quantized_depthwise_loops.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/quantize/quantize.h"

namespace brisk::cpu {

extern const QuantizedDepthwiseRows quantized_depthwise_rows_avx512_vnni;

namespace {

constexpr size_t kInput = 0, kFilter = 1, kBias = 2, kMultiplier = 3;

const QuantizedConvolutionAttributes& attributes_of(const KernelRequest& request) {
  return request.node.attributes.as<QuantizedConvolutionAttributes>();
}

Result<ConvolutionCase> case_of(const KernelRequest& request) {
  return convolution_plane(request.operands[kInput], request.operands[kFilter],
                           request.node.results[0], attributes_of(request).convolution);
}

QuantizedDepthwiseShape shape_of(const KernelRequest& request, const ConvolutionCase& c) {
  const RequantizeAttributes& requantize = attributes_of(request).requantize;
  QuantizedDepthwiseShape s{c};
  s.signed_input = request.operands[kInput].dtype() == DType::i8;
  s.signed_result = requantize.dtype == DType::i8;
  s.low = s.signed_result && requantize.activation == Activation::none ? -128 : 0;
  s.high = s.signed_result ? 127 : 255;
  if (requantize.activation == Activation::relu6)
    s.high = std::min(s.high, static_cast<float>(requantize.limit));
  return s;
}

class QuantizedDepthwise final : public Launch {
 public:
  explicit QuantizedDepthwise(const KernelRequest& request)
      : case_(case_of(request).value()), shape_(shape_of(request, case_)) {
    const auto channels = static_cast<size_t>(packed_channels(case_.channels));
    taps_.resize(channels * static_cast<size_t>(taps_each()));
    start_.resize(channels);
    bias_.resize(channels);
    multiplier_.resize(channels);
    const int64_t parts = std::min<int64_t>(request.threads, rows());
    for (int64_t part = 0; part < parts; ++part)
      scratch_at_.push_back(layout_.add_bytes(quantized_depthwise_scratch(shape_)));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    if (!is_packed_) pack(operands);
    is_packed_ = true;
    const QuantizedDepthwiseWeights weights{taps_.data(), start_.data(), bias_.data(),
                                            multiplier_.data()};
    const auto* input = reinterpret_cast<const uint8_t*>(operands[kInput]);
    auto* result = reinterpret_cast<uint8_t*>(results[0]);
    const auto parts = static_cast<int64_t>(scratch_at_.size());
    parallel_for(parts, static_cast<int>(parts), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        quantized_depthwise_rows_avx512_vnni(
            shape_, input, weights, rows() * part / parts, rows() * (part + 1) / parts,
            scratch + scratch_at_[static_cast<size_t>(part)], result);
    });
  }
  int64_t scratch_bytes() const override { return layout_.bytes(); }
  void reset() override { is_packed_ = false; }
  std::string name() const override { return "quantized_depthwise/avx512_vnni"; }
  double flops() const override { return case_.flops(); }

 private:
  int64_t rows() const { return case_.batch * case_.result_height; }
  /// Bytes of the packed filter of one channel.
  int64_t taps_each() const { return shape_.kernel_width * shape_.row_groups() * 4; }

  void pack(std::span<std::byte* const> operands) {
    const auto* filter = reinterpret_cast<const int8_t*>(operands[kFilter]);
    const auto* bias = reinterpret_cast<const float*>(operands[kBias]);
    const auto* multiplier = reinterpret_cast<const float*>(operands[kMultiplier]);
    std::fill(taps_.begin(), taps_.end(), int8_t{0});
    for (int64_t c = 0; c < case_.channels; ++c) {
      const int64_t block = c / kWideBlock * kWideBlock;
      const int64_t size = block_size(case_.channels - block);
      const int64_t place = packed_place(c - block, size);
      const auto at = static_cast<size_t>(block + place);
      bias_[at] = bias[c];
      multiplier_[at] = multiplier[c];
      int32_t sum = 0;
      for (int64_t ky = 0; ky < case_.kernel_height; ++ky)
        for (int64_t kx = 0; kx < case_.kernel_width; ++kx) {
          const int8_t tap = filter[(ky * case_.kernel_width + kx) * case_.channels + c];
          sum += tap;
          const int64_t column = kx * shape_.row_groups() + ky / 4;
          taps_[static_cast<size_t>(block * taps_each() + (column * size + place) * 4 + ky % 4)] =
              tap;
        }
      start_[at] = shape_.signed_input ? -128 * sum : 0;
    }
  }

  ConvolutionCase case_;
  QuantizedDepthwiseShape shape_;
  bool is_packed_ = false;
  std::vector<int8_t> taps_;
  std::vector<int32_t> start_;
  std::vector<float> bias_, multiplier_;
  ScratchLayout layout_;
  std::vector<int64_t> scratch_at_;
};

}  // namespace

std::optional<std::string> refuse_quantized_depthwise(const KernelRequest& request) {
  if (!kernels_have_vnni()) return "needs AVX-512 with VNNI";
  const Result<ConvolutionCase> parsed = case_of(request);
  if (!parsed.ok()) return parsed.error();
  const ConvolutionCase& c = *parsed;
  if (!c.is_depthwise() || c.filters != c.channels)
    return fmt::format("takes one filter for each channel, not {} filters for {} in {} groups",
                       c.filters, c.channels, c.groups);
  if (c.dilation_y != 1 || c.dilation_x != 1) return "takes dilation 1";
  const RequantizeAttributes& requantize = attributes_of(request).requantize;
  if (requantize.residual) return "adds no residual";
  if (requantize.dtype == DType::f32) return "gives 8-bit integers, not f32";
  for (const size_t i : {kFilter, kBias, kMultiplier})
    if (!request.constant_operands[i]) return "weights and multipliers that change";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_quantized_depthwise(const KernelRequest& request) {
  return std::make_unique<QuantizedDepthwise>(request);
}

}  // namespace brisk::cpu
