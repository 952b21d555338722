#include "brisk/backends/cpu/kernels/direct/direct_convolution.h"

#include <cstring>

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/direct/direct_loops.h"
#include "brisk/backends/cpu/kernels/direct/padded_rows.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {

extern const DirectLoops direct_loops_avx2, direct_loops_avx512;

const DirectLoops& direct_loops(KernelIsa isa) {
  invariant(isa != KernelIsa::none, "there are no vector loops for this processor");
  return isa == KernelIsa::avx512 ? direct_loops_avx512 : direct_loops_avx2;
}

namespace {

constexpr int64_t kMostChannels = 4;

DirectShape shape_of(const ConvolutionCase& c) {
  return {.channels = c.channels,
          .filters = c.filters,
          .kernel_height = c.kernel_height,
          .kernel_width = c.kernel_width,
          .stride_x = c.stride_x,
          .result_width = c.result_width};
}

/// What both directions share.
class DirectLaunch : public Launch {
 public:
  explicit DirectLaunch(const ConvolutionCase& c, int threads)
      : case_(c),
        isa_(kernel_isa()),
        loops_(direct_loops(isa_)),
        shape_(shape_of(c)),
        threads_(threads),
        taps_(c.kernel_height * c.kernel_width * c.channels),
        padded_(loops_.padded_filters(c.filters)) {}
  int64_t scratch_bytes() const override { return layout_.bytes(); }
  std::string name() const override { return fmt::format("direct/{}", brisk::cpu::name(isa_)); }
  double flops() const override { return case_.flops(); }

 protected:
  ConvolutionCase case_;
  KernelIsa isa_;
  const DirectLoops& loops_;
  DirectShape shape_;
  int threads_;
  int64_t taps_, padded_;  ///< rows of the filter seen as a matrix, and its columns with padding
  ScratchLayout layout_;
};

class DirectForward final : public DirectLaunch {
 public:
  DirectForward(const ConvolutionCase& c, int threads)
      : DirectLaunch(c, threads),
        rows_(c.batch * c.result_height),
        parts_(std::min<int64_t>(threads, rows_)) {
    filter_at_ = layout_.add_floats(taps_ * padded_);
    for (int64_t part = 0; part < parts_; ++part)
      rows_at_.push_back(layout_.add_floats(PaddedRows::scratch_floats(case_)));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    float* packed = floats_at(scratch, filter_at_);
    loops_.pack_filter(reinterpret_cast<const float*>(operands[1]), taps_, case_.filters, packed);
    const auto* input = reinterpret_cast<const float*>(operands[0]);
    const float* bias = case_.bias ? reinterpret_cast<const float*>(operands[2]) : nullptr;
    const float* residual =
        case_.residual ? reinterpret_cast<const float*>(operands.back()) : nullptr;
    auto* result = reinterpret_cast<float*>(results[0]);
    const int64_t row_floats = case_.result_width * case_.filters;
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        PaddedRows rows(case_, input, floats_at(scratch, rows_at_[static_cast<size_t>(part)]));
        for (int64_t row = rows_ * part / parts_; row < rows_ * (part + 1) / parts_; ++row) {
          const DirectEpilogue epilogue{
              .bias = bias,
              .residual = residual != nullptr ? residual + row * row_floats : nullptr,
              .relu = case_.relu,
              .relu6 = case_.relu6};
          loops_.forward_row(shape_,
                             rows.rows(row / case_.result_height, row % case_.result_height),
                             packed, epilogue, result + row * row_floats);
        }
      }
    });
  }

 private:
  int64_t rows_, parts_;
  int64_t filter_at_ = 0;
  std::vector<int64_t> rows_at_;
};

/// Each thread sums over its images; an image's sum is made apart, so that the error of long sums
/// stays small. Threads' sums are added in order.
class DirectFilterGradient final : public DirectLaunch {
 public:
  DirectFilterGradient(const ConvolutionCase& c, int threads)
      : DirectLaunch(c, threads), parts_(std::min<int64_t>(threads, c.batch)) {
    for (int64_t part = 0; part < parts_; ++part)
      places_.push_back({.sum = layout_.add_floats(taps_ * padded_),
                         .image_sum = layout_.add_floats(taps_ * padded_),
                         .edge = layout_.add_floats(c.result_width * loops_.lanes),
                         .rows = layout_.add_floats(PaddedRows::scratch_floats(case_))});
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const auto* input = reinterpret_cast<const float*>(operands[0]);
    const auto* gradient = reinterpret_cast<const float*>(operands[1]);
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) sum_part(part, input, gradient, scratch);
    });
    auto* filter = reinterpret_cast<float*>(results[0]);
    for (int64_t tap = 0; tap < taps_; ++tap)
      for (int64_t f = 0; f < case_.filters; ++f) {
        float total = 0;
        for (const Places& places : places_)
          total += floats_at(scratch, places.sum)[tap * padded_ + f];
        filter[tap * case_.filters + f] = total;
      }
  }

 private:
  struct Places {
    int64_t sum, image_sum, edge, rows;
  };

  void sum_part(int64_t part, const float* input, const float* gradient, std::byte* scratch) const {
    const Places& places = places_[static_cast<size_t>(part)];
    const int64_t count = taps_ * padded_;
    float* sum = floats_at(scratch, places.sum);
    float* image_sum = floats_at(scratch, places.image_sum);
    std::fill_n(sum, count, 0.0f);
    PaddedRows rows(case_, input, floats_at(scratch, places.rows));
    for (int64_t image = case_.batch * part / parts_; image < case_.batch * (part + 1) / parts_;
         ++image) {
      std::fill_n(image_sum, count, 0.0f);
      for (int64_t y = 0; y < case_.result_height; ++y)
        loops_.filter_gradient_row(
            shape_, rows.rows(image, y),
            gradient + (image * case_.result_height + y) * case_.result_width * case_.filters,
            floats_at(scratch, places.edge), image_sum);
      for (int64_t i = 0; i < count; ++i) sum[i] += image_sum[i];
    }
  }

  int64_t parts_;
  std::vector<Places> places_;
};

}  // namespace

std::optional<std::string> refuse_direct(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  const Result<ConvolutionCase> parsed = convolution_case(request);
  if (!parsed.ok()) return parsed.error();
  const ConvolutionCase& c = *parsed;
  if (c.role == ConvolutionCase::Role::input_gradient) return "has no input gradient";
  if (c.channels > kMostChannels)
    return fmt::format("takes up to {} channels, not {}", kMostChannels, c.channels);
  if (c.groups != 1) return "takes one group";
  if (c.dilation_y != 1 || c.dilation_x != 1) return "takes dilation 1";
  if (std::max(c.kernel_height, c.kernel_width) > PaddedRows::kLargestKernel)
    return fmt::format("takes kernels up to 7x7, not {}x{}", c.kernel_height, c.kernel_width);
  return std::nullopt;
}

std::optional<std::string> refuse_slow_direct(const KernelRequest& request) {
  if (auto reason = refuse_direct(request)) return reason;
  const ConvolutionCase c = convolution_case(request).value();
  // Sums of a tap row fill the registers of a tile, or leave most of them idle.
  if (c.role == ConvolutionCase::Role::filter_gradient && c.kernel_width * c.channels < 12)
    return fmt::format("is slower than oneDNN with {} taps and channels in a row",
                       c.kernel_width * c.channels);
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_direct(const KernelRequest& request) {
  const ConvolutionCase c = convolution_case(request).value();
  if (c.role == ConvolutionCase::Role::filter_gradient)
    return std::make_unique<DirectFilterGradient>(c, request.threads);
  return std::make_unique<DirectForward>(c, request.threads);
}

}  // namespace brisk::cpu
