#include "brisk/backends/cpu/kernels/winograd/winograd.h"

#include "brisk/backends/cpu/kernels/winograd/winograd_plan.h"

namespace brisk::cpu {
namespace {

/// Fewer tiles than this do not pay for reading the transformed filter, which is four times as
/// large as the filter, or for making it anew in each run.
constexpr int64_t kLeastTiles = 4;
constexpr int64_t kLeastTilesPerTransform = 12;

}  // namespace

extern const WinogradLoops winograd_loops_avx2, winograd_loops_avx512;

const WinogradLoops& winograd_loops(KernelIsa isa) {
  invariant(isa != KernelIsa::none, "there are no vector loops for this processor");
  return isa == KernelIsa::avx512 ? winograd_loops_avx512 : winograd_loops_avx2;
}

std::optional<std::string> refuse_winograd(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  const Result<ConvolutionCase> parsed = convolution_case(request);
  if (!parsed.ok()) return parsed.error();
  const ConvolutionCase& c = *parsed;
  if (c.kernel_height != 3 || c.kernel_width != 3)
    return fmt::format("takes 3x3 kernels, not {}x{}", c.kernel_height, c.kernel_width);
  if (c.stride_y != 1 || c.stride_x != 1) return "takes stride 1";
  if (c.dilation_y != 1 || c.dilation_x != 1) return "takes dilation 1";
  if (c.groups != 1) return "takes one group";
  if (c.channels % 16 != 0 || c.filters % 16 != 0)
    return fmt::format("takes channels in multiples of 16, not {} and {}", c.channels, c.filters);
  const WinogradPlan plan = winograd_tiling(c);
  const int64_t tiles = plan.tile_rows * plan.shape.tiles_across;
  const bool is_packed = c.role != ConvolutionCase::Role::filter_gradient &&
                         request.constant_operands.size() > 1 && request.constant_operands[1];
  const int64_t least = is_packed ? kLeastTiles : kLeastTilesPerTransform;
  if (tiles < least) return fmt::format("does not pay for {} tiles, below {}", tiles, least);
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_winograd(const KernelRequest& request) {
  const ConvolutionCase c = convolution_case(request).value();
  switch (c.role) {
    case ConvolutionCase::Role::forward:
      return make_winograd_forward(c, request);
    case ConvolutionCase::Role::input_gradient:
      return make_winograd_input_gradient(c, request);
    case ConvolutionCase::Role::filter_gradient:
      break;
  }
  return make_winograd_filter_gradient(c, request);
}

}  // namespace brisk::cpu
