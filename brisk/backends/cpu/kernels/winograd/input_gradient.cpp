// The input gradient as the transpose of the forward convolution, step by step. Its tiles lie over
// the result, which is smaller than the input where there is no padding: fewer products than by
// the convolution with reversed taps, whose tiles lie over the input. Overlapping tiles add up, so
// that a thread takes whole images.

#include <cstring>

#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/winograd/transformed_filter.h"
#include "brisk/backends/cpu/kernels/winograd/winograd.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_plan.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {
namespace {

class WinogradInputGradient final : public Launch {
 public:
  WinogradInputGradient(const ConvolutionCase& c, const KernelRequest& request)
      : case_(c),
        isa_(kernel_isa()),
        loops_(winograd_loops(isa_)),
        plan_(winograd_tiling(c)),
        parts_(std::min<int64_t>(request.threads, c.batch)),
        filter_(loops_, FilterForm::exchanged, as_forward_convolution(c), request),
        is_cropped_(c.pad_y < 0 || c.pad_x < 0 || c.pad_end_y < 0 || c.pad_end_x < 0) {
    set_winograd_block(plan_, kWinogradBlockBytes, kWinogradBlockTiles,
                       (c.batch + parts_ - 1) / parts_ * plan_.shape.rows_down);
    filter_.place(layout_);
    for (int64_t part = 0; part < parts_; ++part) {
      input_at_.push_back(layout_.add_floats(plan_.input_floats));
      result_at_.push_back(layout_.add_floats(plan_.result_floats));
    }
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const float* u = filter_.transform(reinterpret_cast<const float*>(operands[1]), scratch);
    const auto* result_gradient = reinterpret_cast<const float*>(operands[0]);
    auto* gradient = reinterpret_cast<float*>(results[0]);
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const TileRows images = part_of_rows(case_.batch, part, parts_);
        if (is_cropped_)
          std::memset(gradient + images.first * case_.input_image(), 0,
                      static_cast<size_t>(images.count * case_.input_image()) * sizeof(float));
        const TileRows mine{images.first * plan_.shape.rows_down,
                            images.count * plan_.shape.rows_down};
        float* v = floats_at(scratch, input_at_[static_cast<size_t>(part)]);
        float* m = floats_at(scratch, result_at_[static_cast<size_t>(part)]);
        for (int64_t done = 0; done < mine.count; done += plan_.block_rows) {
          const TileRows rows{mine.first + done, std::min(plan_.block_rows, mine.count - done)};
          loops_.transform_result_gradient(plan_.shape, result_gradient, rows, m);
          loops_.multiply_exchanged(plan_.shape, m, u, rows, v);
          loops_.restore_input_gradient(plan_.shape, v, rows, gradient);
        }
      }
    });
  }

  int64_t scratch_bytes() const override { return layout_.bytes(); }
  void reset() override { filter_.forget(); }
  std::string name() const override {
    return fmt::format("winograd_transposed/{}", brisk::cpu::name(isa_));
  }
  double flops() const override { return case_.flops(); }

 private:
  ConvolutionCase case_;
  KernelIsa isa_;
  const WinogradLoops& loops_;
  WinogradPlan plan_;
  int64_t parts_;
  TransformedFilter filter_;
  bool is_cropped_;
  ScratchLayout layout_;
  std::vector<int64_t> input_at_, result_at_;
};

}  // namespace

std::unique_ptr<Launch> make_winograd_input_gradient(const ConvolutionCase& c,
                                                     const KernelRequest& request) {
  const double transposed = winograd_tiling(c).product_rows();
  const double forward = winograd_tiling(as_forward_convolution(c)).product_rows();
  if (transposed < 0.95 * forward && c.batch >= request.threads)
    return std::make_unique<WinogradInputGradient>(c, request);
  return make_winograd_forward(c, request);
}

}  // namespace brisk::cpu
