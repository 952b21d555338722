#include "brisk/backends/cpu/kernels/depthwise/depthwise.h"

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/depthwise/depthwise_loops.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {

extern const DepthwiseLoops depthwise_loops_avx2, depthwise_loops_avx512;

const DepthwiseLoops& depthwise_loops(KernelIsa isa) {
  invariant(isa != KernelIsa::none, "there are no vector loops for this processor");
  return isa == KernelIsa::avx512 ? depthwise_loops_avx512 : depthwise_loops_avx2;
}

namespace {

/// Of the convolution that gives the input's gradient from the result's, with stride 1.
ConvolutionGeometry shape_of_reversed(const ConvolutionCase& c) {
  ConvolutionGeometry s = c;
  std::swap(s.height, s.result_height);
  std::swap(s.width, s.result_width);
  s.pad_y = c.kernel_height - 1 - c.pad_y;
  s.pad_x = c.kernel_width - 1 - c.pad_x;
  return s;
}

class Depthwise final : public Launch {
 public:
  Depthwise(const ConvolutionCase& c, int threads)
      : case_(c),
        isa_(kernel_isa()),
        loops_(depthwise_loops(isa_)),
        shape_(c),
        threads_(threads),
        taps_(c.kernel_height * c.kernel_width * c.channels) {
    if (c.role == ConvolutionCase::Role::forward) return;
    if (is_reversed()) {
      flipped_ = shape_of_reversed(c);
      flipped_at_ = layout_.add_floats(taps_);
    }
    if (c.role == ConvolutionCase::Role::input_gradient) return;
    const int64_t parts = std::min<int64_t>(threads, c.batch * c.result_height);
    for (int64_t part = 0; part < parts; ++part) sums_at_.push_back(layout_.add_floats(taps_));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const auto* first = reinterpret_cast<const float*>(operands[0]);
    const auto* second = reinterpret_cast<const float*>(operands[1]);
    auto* result = reinterpret_cast<float*>(results[0]);
    switch (case_.role) {
      case ConvolutionCase::Role::forward:
        return forward(operands, first, second, result);
      case ConvolutionCase::Role::input_gradient:
        return input_gradient(first, second, scratch, result);
      case ConvolutionCase::Role::filter_gradient:
        return filter_gradient(first, second, scratch, result);
    }
  }
  int64_t scratch_bytes() const override { return layout_.bytes(); }
  std::string name() const override { return fmt::format("depthwise/{}", brisk::cpu::name(isa_)); }
  double flops() const override { return case_.flops(); }

 private:
  void forward(std::span<std::byte* const> operands, const float* input, const float* filter,
               float* result) const {
    const DepthwiseEpilogue epilogue{
        .bias = case_.bias ? reinterpret_cast<const float*>(operands[2]) : nullptr,
        .residual = case_.residual ? reinterpret_cast<const float*>(operands.back()) : nullptr,
        .relu = case_.relu,
        .relu6 = case_.relu6};
    parallel_for(case_.batch * case_.result_height, threads_, [&](int64_t begin, int64_t end) {
      loops_.forward(shape_, input, filter, epilogue, begin, end, result);
    });
  }

  /// With stride 1 the input gradient is the convolution of the result's gradient with the taps in
  /// reverse order.
  bool is_reversed() const {
    return case_.role == ConvolutionCase::Role::input_gradient && case_.stride_y == 1 &&
           case_.stride_x == 1;
  }

  void input_gradient(const float* gradient, const float* filter, std::byte* scratch,
                      float* result) const {
    const int64_t rows = case_.batch * case_.height;
    if (!is_reversed())
      return parallel_for(rows, threads_, [&](int64_t begin, int64_t end) {
        loops_.input_gradient(shape_, gradient, filter, begin, end, result);
      });
    float* reversed = floats_at(scratch, flipped_at_);
    for (int64_t at = 0; at < taps_; at += case_.channels)
      std::copy_n(filter + taps_ - case_.channels - at, case_.channels, reversed + at);
    parallel_for(rows, threads_, [&](int64_t begin, int64_t end) {
      loops_.forward(flipped_, gradient, reversed, {nullptr, nullptr, false}, begin, end, result);
    });
  }

  /// Each part sums its rows; parts are added in order.
  void filter_gradient(const float* input, const float* gradient, std::byte* scratch,
                       float* filter) const {
    const auto parts = static_cast<int64_t>(sums_at_.size());
    const int64_t rows = case_.batch * case_.result_height;
    parallel_for(parts, static_cast<int>(parts), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        float* sums = floats_at(scratch, sums_at_[static_cast<size_t>(part)]);
        std::fill_n(sums, taps_, 0.0f);
        loops_.filter_gradient(shape_, input, gradient, rows * part / parts,
                               rows * (part + 1) / parts, sums);
      }
    });
    for (int64_t i = 0; i < taps_; ++i) {
      float total = 0;
      for (const int64_t at : sums_at_) total += floats_at(scratch, at)[i];
      filter[i] = total;
    }
  }

  ConvolutionCase case_;
  KernelIsa isa_;
  const DepthwiseLoops& loops_;
  ConvolutionGeometry shape_, flipped_{};
  int threads_;
  int64_t taps_;
  ScratchLayout layout_;
  int64_t flipped_at_ = 0;
  std::vector<int64_t> sums_at_;
};

}  // namespace

std::optional<std::string> refuse_depthwise(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  const Result<ConvolutionCase> parsed = convolution_case(request);
  if (!parsed.ok()) return parsed.error();
  const ConvolutionCase& c = *parsed;
  if (!c.is_depthwise() || c.filters != c.channels)
    return fmt::format("takes one filter for each channel, not {} filters for {} in {} groups",
                       c.filters, c.channels, c.groups);
  if (c.dilation_y != 1 || c.dilation_x != 1) return "takes dilation 1";
  return std::nullopt;
}

std::optional<std::string> refuse_slow_depthwise(const KernelRequest& request) {
  if (auto reason = refuse_depthwise(request)) return reason;
  const ConvolutionCase c = convolution_case(request).value();
  if (c.role == ConvolutionCase::Role::input_gradient && c.stride_y * c.stride_x != 1)
    return "is slower than oneDNN at the input gradient of a strided convolution";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_depthwise(const KernelRequest& request) {
  return std::make_unique<Depthwise>(convolution_case(request).value(), request.threads);
}

}  // namespace brisk::cpu
