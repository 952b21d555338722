#include "brisk/backends/cpu/kernels/integer/integer_products.h"

#include <algorithm>

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/integer/integer_loops.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/base/parallel.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/quantize/quantize_ops.h"

// The windows of a block of results become rows of a matrix, widened to 16 bits, which is
// multiplied with the packed weights panel by panel: a block is read from the nearest memory, a
// panel from the next. A matrix product is a convolution of one row with windows of one place.

namespace brisk::cpu {

extern const IntegerLoops integer_loops_avx2, integer_loops_avx512;

const IntegerLoops& integer_loops(KernelIsa isa) {
  invariant(isa != KernelIsa::none, "there are no vector loops for this processor");
  return isa == KernelIsa::avx512 ? integer_loops_avx512 : integer_loops_avx2;
}

namespace {

/// Bytes that a block of widened windows may take, and how many of them it has at most.
constexpr int64_t kBlockBytes = 256 * 1024, kBlockRows = 96, kLeastRows = 12;
/// Taps of a depthwise sum that f32 holds exactly: 255 * 128 * 512 < 2^24.
constexpr int64_t kExactTaps = 512;

class IntegerProduct final : public Launch {
 public:
  IntegerProduct(const KernelRequest& request, const ConvolutionCase& c,
                 const RequantizeAttributes& requantize)
      : case_(c),
        requantize_(requantize),
        isa_(kernel_isa()),
        loops_(integer_loops(isa_)),
        threads_(request.threads),
        input_signed_(request.operands[0].dtype() == DType::i8),
        residual_signed_(requantize.residual && request.operands[4].dtype() == DType::i8),
        constant_(request.constant_operands[1]),
        depthwise_(c.is_depthwise() && c.filters == c.channels),
        depth_(c.kernel_height * c.kernel_width * (c.channels / c.groups)),
        columns_(c.filters / c.groups),
        panels_(ceil_div(columns_, loops_.panel_columns)),
        rows_(c.batch * c.result_height * c.result_width) {
    packed_bytes_ = depthwise_ ? depth_ * c.channels * 4
                               : c.groups * panels_ * pairs() * 2 * loops_.panel_columns * 2;
    if (constant_)
      packed_ = allocate_aligned(packed_bytes_);
    else
      packed_at_ = layout_.add_bytes(packed_bytes_);
    if (depthwise_) return;
    block_ = std::clamp(kBlockBytes / (4 * pairs()), kLeastRows, kBlockRows);
    block_ = std::min(block_, rows_);
    blocks_ = ceil_div(rows_, block_);
    // Few rows: threads share the columns instead.
    shares_ = blocks_ >= threads_ ? 1 : std::min<int64_t>(threads_, panels_);
    workers_ = std::min<int64_t>(threads_, blocks_ * shares_);
    for (int64_t worker = 0; worker < workers_; ++worker)
      windows_at_.push_back(layout_.add_bytes(block_ * pairs() * 4));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    std::byte* packed = constant_ ? packed_.get() : scratch + packed_at_;
    if (!constant_ || !is_packed_) pack(reinterpret_cast<const int8_t*>(operands[1]), packed);
    is_packed_ = true;
    const auto* input = reinterpret_cast<const uint8_t*>(operands[0]);
    const IntegerEpilogue epilogue = epilogue_of(operands, results[0]);
    depthwise_ ? run_depthwise(input, packed, epilogue)
               : multiply(input, packed, epilogue, scratch);
  }
  void reset() override { is_packed_ = false; }
  int64_t scratch_bytes() const override { return layout_.bytes(); }
  std::string name() const override { return fmt::format("integer/{}", brisk::cpu::name(isa_)); }
  double flops() const override { return case_.flops(); }

 private:
  int64_t pairs() const { return ceil_div(depth_, 2); }

  void pack(const int8_t* filter, std::byte* packed) const {
    if (depthwise_) {
      auto* floats = reinterpret_cast<float*>(packed);
      for (int64_t i = 0; i < depth_ * case_.channels; ++i) floats[i] = filter[i];
      return;
    }
    auto* to = reinterpret_cast<int16_t*>(packed);
    for (int64_t group = 0; group < case_.groups; ++group)
      loops_.pack(filter + group * columns_, depth_, columns_, case_.filters, to + at_group(group));
  }
  /// Where a group's panels begin.
  int64_t at_group(int64_t group) const {
    return group * panels_ * pairs() * 2 * loops_.panel_columns;
  }

  IntegerEpilogue epilogue_of(std::span<std::byte* const> operands, std::byte* result) const {
    IntegerEpilogue e{.bias = reinterpret_cast<const float*>(operands[2]),
                      .multiplier = reinterpret_cast<const float*>(operands[3]),
                      .residual_signed = residual_signed_,
                      .residual_scale = static_cast<float>(requantize_.residual_scale),
                      .product_scale = static_cast<float>(requantize_.product_scale),
                      .product_low = static_cast<float>(requantize_.product_low),
                      .product_high = static_cast<float>(requantize_.product_high),
                      .relu = requantize_.activation == Activation::relu,
                      .relu6 = requantize_.activation == Activation::relu6,
                      .limit = static_cast<float>(requantize_.limit),
                      .channels = case_.filters};
    if (requantize_.residual) e.residual = reinterpret_cast<const uint8_t*>(operands[4]);
    if (requantize_.dtype == DType::f32) {
      e.floats = reinterpret_cast<float*>(result);
      return e;
    }
    const IntegerLimits limits = integer_limits(requantize_.dtype);
    e.low = static_cast<float>(limits.low), e.high = static_cast<float>(limits.high);
    e.integers = reinterpret_cast<uint8_t*>(result);
    return e;
  }

  void run_depthwise(const uint8_t* input, const std::byte* packed,
                     const IntegerEpilogue& epilogue) const {
    const auto* filter = reinterpret_cast<const float*>(packed);
    parallel_for(case_.batch * case_.result_height, threads_, [&](int64_t begin, int64_t end) {
      loops_.depthwise(case_, input, input_signed_, filter, epilogue, begin, end);
    });
  }

  void multiply(const uint8_t* input, const std::byte* packed, const IntegerEpilogue& epilogue,
                std::byte* scratch) const {
    const auto* weights = reinterpret_cast<const int16_t*>(packed);
    const int64_t units = blocks_ * shares_;
    parallel_for(workers_, static_cast<int>(workers_), [&](int64_t begin, int64_t end) {
      for (int64_t worker = begin; worker < end; ++worker) {
        auto* windows =
            reinterpret_cast<int16_t*>(scratch + windows_at_[static_cast<size_t>(worker)]);
        for (int64_t unit = units * worker / workers_; unit < units * (worker + 1) / workers_;
             ++unit) {
          const int64_t row = unit / shares_ * block_, share = unit % shares_;
          const int64_t rows = std::min(block_, rows_ - row);
          for (int64_t group = 0; group < case_.groups; ++group) {
            for (int64_t i = 0; i < rows; ++i)
              gather(input, row + i, group, windows + 2 * i * pairs());
            loops_.multiply(windows, rows, pairs(), weights + at_group(group),
                            panels_ * share / shares_, panels_ * (share + 1) / shares_, columns_,
                            epilogue, row, group * columns_);
          }
        }
      }
    });
  }

  /// What the result `row` is multiplied from.
  void gather(const uint8_t* input, int64_t row, int64_t group, int16_t* window) const {
    const ConvolutionCase& c = case_;
    const int64_t channels = c.channels / c.groups;
    const int64_t x = row % c.result_width * c.stride_x - c.pad_x,
                  y = row / c.result_width % c.result_height * c.stride_y - c.pad_y;
    const uint8_t* image = input + row / (c.result_width * c.result_height) * c.input_image();
    const bool whole_rows = c.dilation_x == 1 && c.groups == 1;
    window[2 * pairs() - 1] = 0;  // beyond an odd number of them
    for (int64_t ky = 0; ky < c.kernel_height; ++ky, window += c.kernel_width * channels) {
      const int64_t at_y = y + ky * c.dilation_y;
      if (at_y < 0 || at_y >= c.height) {
        std::fill_n(window, c.kernel_width * channels, static_cast<int16_t>(0));
        continue;
      }
      const uint8_t* from = image + at_y * c.width * c.channels + group * channels;
      if (whole_rows) {
        const int64_t begin = std::clamp<int64_t>(-x, 0, c.kernel_width),
                      end = std::clamp<int64_t>(c.width - x, begin, c.kernel_width);
        std::fill_n(window, begin * channels, static_cast<int16_t>(0));
        loops_.widen(from + (x + begin) * channels, input_signed_, (end - begin) * channels,
                     window + begin * channels);
        std::fill_n(window + end * channels, (c.kernel_width - end) * channels,
                    static_cast<int16_t>(0));
        continue;
      }
      for (int64_t kx = 0; kx < c.kernel_width; ++kx) {
        const int64_t at_x = x + kx * c.dilation_x;
        int16_t* to = window + kx * channels;
        if (at_x < 0 || at_x >= c.width)
          std::fill_n(to, channels, static_cast<int16_t>(0));
        else
          loops_.widen(from + at_x * c.channels, input_signed_, channels, to);
      }
    }
  }

  ConvolutionCase case_;
  RequantizeAttributes requantize_;
  KernelIsa isa_;
  const IntegerLoops& loops_;
  int threads_;
  bool input_signed_, residual_signed_, constant_, depthwise_;
  int64_t depth_;    ///< products of a sum
  int64_t columns_;  ///< filters of a group
  int64_t panels_, rows_;
  int64_t block_ = 1, blocks_ = 0, shares_ = 1, workers_ = 1;
  int64_t packed_bytes_ = 0, packed_at_ = 0;
  bool is_packed_ = false;
  std::shared_ptr<std::byte[]> packed_;
  ScratchLayout layout_;
  std::vector<int64_t> windows_at_;
};

Result<ConvolutionCase> convolution_of(const KernelRequest& request) {
  return convolution_plane(
      request.operands[0], request.operands[1], request.node.results[0],
      request.node.attributes.as<QuantizedConvolutionAttributes>().convolution);
}

/// Of the rows of a matrix product.
ConvolutionCase rows_of(const KernelRequest& request) {
  const Shape& result = request.node.results[0].shape();
  ConvolutionCase c;
  c.channels = request.operands[1].shape().size(0);
  c.filters = request.operands[1].shape().size(1);
  c.batch = c.height = c.result_height = c.kernel_height = c.kernel_width = 1;
  c.width = c.result_width = result.num_elements() / std::max<int64_t>(c.filters, 1);
  return c;
}

}  // namespace

std::optional<std::string> refuse_integer_convolution(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  const Result<ConvolutionCase> c = convolution_of(request);
  if (!c.ok()) return c.error();
  if (c->is_depthwise() && c->filters == c->channels &&
      c->kernel_height * c->kernel_width > kExactTaps)
    return fmt::format("sums of more than {} products a channel are not exact in f32", kExactTaps);
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_integer_convolution(const KernelRequest& request) {
  return std::make_unique<IntegerProduct>(
      request, convolution_of(request).value(),
      request.node.attributes.as<QuantizedConvolutionAttributes>().requantize);
}

std::optional<std::string> refuse_integer_dot(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  for (const Type& type : request.operands)
    if (type.shape().num_elements() == 0) return "takes no empty tensor";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_integer_dot(const KernelRequest& request) {
  return std::make_unique<IntegerProduct>(request, rows_of(request),
                                          request.node.attributes.as<RequantizeAttributes>());
}

}  // namespace brisk::cpu
