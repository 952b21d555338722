// The forward convolution, and the input gradient seen as one (taps reversed, channels and filters
// exchanged). The filter is transformed in every run, or once when it is constant.

#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/winograd/transformed_filter.h"
#include "brisk/backends/cpu/kernels/winograd/winograd.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_plan.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {
namespace {

class WinogradForward final : public Launch {
 public:
  /// `c` in forward form; `form` says how the filter given relates to it.
  WinogradForward(const ConvolutionCase& c, FilterForm form, const KernelRequest& request)
      : case_(c),
        isa_(kernel_isa()),
        loops_(winograd_loops(isa_)),
        plan_(winograd_tiling(c)),
        parts_(std::min<int64_t>(request.threads, plan_.tile_rows)),
        filter_(loops_, form, c, request) {
    set_winograd_block(plan_, kWinogradBlockBytes, kWinogradBlockTiles,
                       (plan_.tile_rows + parts_ - 1) / parts_);
    filter_.place(layout_);
    for (int64_t part = 0; part < parts_; ++part) {
      input_at_.push_back(layout_.add_floats(plan_.input_floats));
      result_at_.push_back(layout_.add_floats(plan_.result_floats));
    }
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const float* u = filter_.transform(reinterpret_cast<const float*>(operands[1]), scratch);
    const auto* input = reinterpret_cast<const float*>(operands[0]);
    const WinogradEpilogue epilogue{
        .bias = case_.bias ? reinterpret_cast<const float*>(operands[2]) : nullptr,
        .residual = case_.residual ? reinterpret_cast<const float*>(operands.back()) : nullptr,
        .relu = case_.relu};
    auto* result = reinterpret_cast<float*>(results[0]);
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const TileRows mine = part_of_rows(plan_.tile_rows, part, parts_);
        float* v = floats_at(scratch, input_at_[static_cast<size_t>(part)]);
        float* m = floats_at(scratch, result_at_[static_cast<size_t>(part)]);
        for (int64_t done = 0; done < mine.count; done += plan_.block_rows) {
          const TileRows rows{mine.first + done, std::min(plan_.block_rows, mine.count - done)};
          loops_.transform_input(plan_.shape, input, rows, v);
          loops_.multiply(plan_.shape, v, u, rows, m);
          loops_.restore_result(plan_.shape, m, epilogue, rows, result);
        }
      }
    });
  }

  int64_t scratch_bytes() const override { return layout_.bytes(); }
  void reset() override { filter_.forget(); }
  std::string name() const override { return fmt::format("winograd/{}", brisk::cpu::name(isa_)); }
  double flops() const override { return case_.flops(); }

 private:
  ConvolutionCase case_;
  KernelIsa isa_;
  const WinogradLoops& loops_;
  WinogradPlan plan_;
  int64_t parts_;
  TransformedFilter filter_;
  ScratchLayout layout_;
  std::vector<int64_t> input_at_, result_at_;
};

}  // namespace

std::unique_ptr<Launch> make_winograd_forward(const ConvolutionCase& c,
                                              const KernelRequest& request) {
  const bool is_gradient = c.role == ConvolutionCase::Role::input_gradient;
  return std::make_unique<WinogradForward>(
      is_gradient ? as_forward_convolution(c) : c,
      is_gradient ? FilterForm::exchanged_and_flipped : FilterForm::as_given, request);
}

}  // namespace brisk::cpu
