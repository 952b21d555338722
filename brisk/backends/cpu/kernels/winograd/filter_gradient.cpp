// The filter gradient: for each point, the product of the transformed input and the transformed
// result gradient over all tiles; the sums become the filter's gradient by the transpose of the
// filter's transform.
//
// Where the 36 sums [channels, filters] are small, each thread keeps its own in its L2 cache, goes
// through its own tiles, and the threads' sums are added at the end, in order. Where they are
// large, the threads transform a chunk of tiles together and then divide the points.

#include <array>

#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/winograd/transformed_filter.h"
#include "brisk/backends/cpu/kernels/winograd/winograd.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_plan.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {
namespace {

/// Sums up to this size are kept per thread.
constexpr int64_t kPrivateSumBytes = 1280 << 10;
/// Transformed tensors of a chunk that threads share: a part of the L3 cache, but enough tiles
/// that the sums are not read and written too often.
constexpr int64_t kChunkBytes = 12 << 20;
constexpr int64_t kChunkTiles = 256;

class WinogradFilterGradient final : public Launch {
 public:
  WinogradFilterGradient(const ConvolutionCase& c, const KernelRequest& request)
      : case_(c),
        isa_(kernel_isa()),
        loops_(winograd_loops(isa_)),
        plan_(winograd_tiling(c)),
        threads_(request.threads),
        is_shared_(plan_.filter_floats() * 4 > kPrivateSumBytes),
        parts_(is_shared_ ? 1 : std::min<int64_t>(threads_, plan_.tile_rows)) {
    if (is_shared_)
      set_winograd_block(plan_, kChunkBytes, kChunkTiles, plan_.tile_rows);
    else
      set_winograd_block(plan_, kWinogradBlockBytes, kWinogradBlockTiles,
                         (plan_.tile_rows + parts_ - 1) / parts_);
    sums_at_ = layout_.add_floats(parts_ * plan_.filter_floats());
    for (int64_t part = 0; part < parts_; ++part) {
      input_at_.push_back(layout_.add_floats(plan_.input_floats));
      result_at_.push_back(layout_.add_floats(plan_.result_floats));
    }
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const auto* input = reinterpret_cast<const float*>(operands[0]);
    const auto* gradient = reinterpret_cast<const float*>(operands[1]);
    float* sums = floats_at(scratch, sums_at_);
    if (is_shared_)
      sum_together(input, gradient, scratch, sums);
    else
      sum_privately(input, gradient, scratch, sums);
    auto* filter = reinterpret_cast<float*>(results[0]);
    parallel_for(case_.channels, threads_, [&](int64_t begin, int64_t end) {
      loops_.restore_filter(sums, parts_, plan_.filter_floats(), case_.channels, case_.filters,
                            begin, end, filter);
    });
  }

  int64_t scratch_bytes() const override { return layout_.bytes(); }
  std::string name() const override { return fmt::format("winograd/{}", brisk::cpu::name(isa_)); }
  double flops() const override { return case_.flops(); }

 private:
  void sum_privately(const float* input, const float* gradient, std::byte* scratch,
                     float* sums) const {
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const TileRows mine = part_of_rows(plan_.tile_rows, part, parts_);
        float* v = floats_at(scratch, input_at_[static_cast<size_t>(part)]);
        float* m = floats_at(scratch, result_at_[static_cast<size_t>(part)]);
        for (int64_t done = 0; done < mine.count; done += plan_.block_rows) {
          const TileRows rows{mine.first + done, std::min(plan_.block_rows, mine.count - done)};
          loops_.transform_input(plan_.shape, input, rows, v);
          loops_.transform_result_gradient(plan_.shape, gradient, rows, m);
          loops_.multiply_for_filter(plan_.shape, v, m, rows, 0, kWinogradPoints, done > 0,
                                     sums + part * plan_.filter_floats());
        }
      }
    });
  }

  void sum_together(const float* input, const float* gradient, std::byte* scratch,
                    float* sums) const {
    float* v = floats_at(scratch, input_at_[0]);
    float* m = floats_at(scratch, result_at_[0]);
    for (int64_t done = 0; done < plan_.tile_rows; done += plan_.block_rows) {
      const TileRows rows{done, std::min(plan_.block_rows, plan_.tile_rows - done)};
      transform_chunk(input, gradient, rows, v, m);
      // Points with few and with many tiles take turns, so that equal numbers are equal work.
      constexpr std::array<int, 6> kOrder = {0, 3, 1, 4, 2, 5};
      parallel_for(kWinogradPoints, threads_, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int point = kOrder[static_cast<size_t>(i / 6)] * 6 + static_cast<int>(i % 6);
          loops_.multiply_for_filter(plan_.shape, v, m, rows, point, point + 1, done > 0, sums);
        }
      });
    }
  }

  /// Each thread transforms some of the chunk's tile rows into the shared tensors.
  void transform_chunk(const float* input, const float* gradient, TileRows rows, float* v,
                       float* m) const;

  ConvolutionCase case_;
  KernelIsa isa_;
  const WinogradLoops& loops_;
  WinogradPlan plan_;
  int threads_;
  bool is_shared_;
  int64_t parts_;
  ScratchLayout layout_;
  int64_t sums_at_ = 0;
  std::vector<int64_t> input_at_, result_at_;
};

void WinogradFilterGradient::transform_chunk(const float* input, const float* gradient,
                                             TileRows rows, float* v, float* m) const {
  parallel_for(rows.count, threads_, [&](int64_t begin, int64_t end) {
    const TileRows mine{rows.first + begin, end - begin, begin};
    loops_.transform_input(plan_.shape, input, mine, v);
    loops_.transform_result_gradient(plan_.shape, gradient, mine, m);
  });
}

}  // namespace

std::unique_ptr<Launch> make_winograd_filter_gradient(const ConvolutionCase& c,
                                                      const KernelRequest& request) {
  return std::make_unique<WinogradFilterGradient>(c, request);
}

}  // namespace brisk::cpu
