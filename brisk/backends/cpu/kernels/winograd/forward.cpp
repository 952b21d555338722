// The forward convolution, and the input gradient seen as one (taps reversed, channels and filters
// exchanged). The filter is transformed in every run, or once when it is constant.
//
// Threads divide the tiles, each with blocks that stay in its cache and the whole transformed
// filter, which is read once a block. Where the transformed filter is large (a deep layer's is tens
// of megabytes), threads divide the filters instead: they transform the input together, and each
// then takes panels of filters, makes their transform and multiplies all tiles with it while it is
// in the cache. So the transformed filter never travels to memory.

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
        .relu = case_.relu,
        .relu6 = case_.relu6};
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

/// Transformed filters above this are not kept whole.
constexpr int64_t kLargeFilterBytes = 4 << 20;
/// Transformed input that threads share: a part of the L3 cache.
constexpr int64_t kSharedInputBytes = 16 << 20;

class WinogradForwardByFilters final : public Launch {
 public:
  WinogradForwardByFilters(const ConvolutionCase& c, FilterForm form, const KernelRequest& request)
      : case_(c),
        isa_(kernel_isa()),
        loops_(winograd_loops(isa_)),
        plan_(winograd_tiling(c)),
        threads_(request.threads),
        panels_((c.filters + loops_.panel_columns - 1) / loops_.panel_columns),
        parts_(std::min<int64_t>(threads_, panels_)),
        filter_(loops_, form, c, request) {
    // The block's size is that of the input alone; one panel of results comes on top.
    plan_.shape.filters = plan_.shape.result_pitch = loops_.panel_columns;
    set_winograd_block(plan_, kSharedInputBytes, kWinogradBlockTiles, plan_.tile_rows);
    input_at_ = layout_.add_floats(plan_.input_floats);
    for (int64_t part = 0; part < parts_; ++part) {
      filter_at_.push_back(layout_.add_floats(kWinogradPoints * panel_floats()));
      result_at_.push_back(layout_.add_floats(plan_.result_floats));
    }
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const auto* input = reinterpret_cast<const float*>(operands[0]);
    const auto* filter = reinterpret_cast<const float*>(operands[1]);
    const WinogradEpilogue epilogue{
        .bias = case_.bias ? reinterpret_cast<const float*>(operands[2]) : nullptr,
        .residual = case_.residual ? reinterpret_cast<const float*>(operands.back()) : nullptr,
        .relu = case_.relu,
        .relu6 = case_.relu6};
    auto* result = reinterpret_cast<float*>(results[0]);
    float* v = floats_at(scratch, input_at_);
    for (int64_t done = 0; done < plan_.tile_rows; done += plan_.block_rows) {
      const TileRows rows{done, std::min(plan_.block_rows, plan_.tile_rows - done)};
      parallel_for(rows.count, threads_, [&](int64_t begin, int64_t end) {
        loops_.transform_input(plan_.shape, input, {rows.first + begin, end - begin, begin}, v);
      });
      parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
        for (int64_t part = begin; part < end; ++part) {
          float* u = floats_at(scratch, filter_at_[static_cast<size_t>(part)]);
          float* m = floats_at(scratch, result_at_[static_cast<size_t>(part)]);
          for (int64_t p = panels_ * part / parts_; p < panels_ * (part + 1) / parts_; ++p)
            run_panel(p, filter, v, epilogue, rows, u, m, result);
        }
      });
    }
  }

  int64_t scratch_bytes() const override { return layout_.bytes(); }
  std::string name() const override {
    return fmt::format("winograd_by_filters/{}", brisk::cpu::name(isa_));
  }
  double flops() const override { return case_.flops(); }

 private:
  int64_t panel_floats() const { return plan_.shape.channels * loops_.panel_columns; }

  void run_panel(int64_t panel, const float* filter, const float* v, WinogradEpilogue epilogue,
                 TileRows rows, float* u, float* m, float* result) const {
    const int64_t first = panel * loops_.panel_columns;
    const ColumnRange columns{first, std::min(first + loops_.panel_columns, case_.filters)};
    WinogradShape shape = plan_.shape;
    shape.filters = columns.end - columns.begin;
    filter_.transform_part(filter, columns, columns, u, shape.channels * shape.filters);
    loops_.multiply(shape, v, u, rows, m);
    if (epilogue.bias != nullptr) epilogue.bias += first;
    if (epilogue.residual != nullptr) epilogue.residual += first;
    loops_.restore_result(shape, m, epilogue, rows, result + first);
  }

  ConvolutionCase case_;
  KernelIsa isa_;
  const WinogradLoops& loops_;
  WinogradPlan plan_;  ///< with one panel of filters
  int threads_;
  int64_t panels_, parts_;
  TransformedFilter filter_;
  ScratchLayout layout_;
  int64_t input_at_ = 0;
  std::vector<int64_t> filter_at_, result_at_;
};

/// Whether threads should divide the filters: enough of them, and too large to be kept transformed.
bool divides_filters(const ConvolutionCase& c, const KernelRequest& request) {
  const bool is_constant = request.constant_operands.size() > 1 && request.constant_operands[1];
  const int64_t panels = c.filters / winograd_loops(kernel_isa()).panel_columns;
  return !is_constant && kWinogradPoints * c.channels * c.filters * 4 > kLargeFilterBytes &&
         panels >= 2 * request.threads;
}

}  // namespace

std::unique_ptr<Launch> make_winograd_forward(const ConvolutionCase& c,
                                              const KernelRequest& request) {
  const bool is_gradient = c.role == ConvolutionCase::Role::input_gradient;
  const ConvolutionCase forward = is_gradient ? as_forward_convolution(c) : c;
  const auto form = is_gradient ? FilterForm::exchanged_and_flipped : FilterForm::as_given;
  if (divides_filters(forward, request))
    return std::make_unique<WinogradForwardByFilters>(forward, form, request);
  return std::make_unique<WinogradForward>(forward, form, request);
}

}  // namespace brisk::cpu
