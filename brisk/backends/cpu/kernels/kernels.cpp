#include "brisk/backends/cpu/kernels/kernels.h"

#include "brisk/backends/cpu/kernels/depthwise/depthwise.h"
#include "brisk/backends/cpu/kernels/depthwise/quantized_depthwise.h"
#include "brisk/backends/cpu/kernels/direct/direct_convolution.h"
#include "brisk/backends/cpu/kernels/i32/i32_products.h"
#include "brisk/backends/cpu/kernels/index/index.h"
#include "brisk/backends/cpu/kernels/integer/integer_products.h"
#include "brisk/backends/cpu/kernels/move/move.h"
#include "brisk/backends/cpu/kernels/pointwise/quantized_pointwise.h"
#include "brisk/backends/cpu/kernels/pool/pool.h"
#include "brisk/backends/cpu/kernels/weight_only/weight_only_dot.h"
#include "brisk/backends/cpu/kernels/winograd/winograd.h"

namespace brisk::cpu {

std::vector<OpKernel> own_kernels() {
  constexpr Kernel kWinograd{"winograd", refuse_winograd, prepare_winograd};
  constexpr Kernel kDirect{"direct", refuse_slow_direct, prepare_direct};
  constexpr Kernel kDepthwise{"depthwise", refuse_slow_depthwise, prepare_depthwise};
  constexpr Kernel kPool{"pool", refuse_pool, prepare_pool};
  constexpr Kernel kStridedRead{"move", refuse_move, prepare_strided_read};
  constexpr Kernel kGather{"gather", refuse_gather, prepare_gather};
  constexpr Kernel kScatter{"scatter", refuse_scatter, prepare_scatter};
  constexpr Kernel kExtreme{"along_axis", refuse_extreme, prepare_extreme};
  return {
      {"convolution", kWinograd},
      {"convolution", kDirect},
      {"convolution", kDepthwise},
      {"fused_convolution", kWinograd},
      {"fused_convolution", kDirect},
      {"fused_convolution", kDepthwise},
      {"convolution_input_gradient", kWinograd},
      {"convolution_input_gradient", kDepthwise},
      {"convolution_filter_gradient", kWinograd},
      {"convolution_filter_gradient", kDirect},
      {"convolution_filter_gradient", kDepthwise},

      {"quantized_convolution",
       {"quantized_depthwise", refuse_quantized_depthwise, prepare_quantized_depthwise}},
      {"quantized_convolution",
       {"quantized_pointwise", refuse_quantized_pointwise, prepare_quantized_pointwise}},
      {"quantized_dot",
       {"quantized_pointwise", refuse_quantized_pointwise, prepare_quantized_pointwise}},
      {"weight_only_dot", {"weight_only", refuse_weight_only_dot, prepare_weight_only_dot}},

      {"max_pool", kPool},
      {"max_pool_gradient", kPool},
      {"max_pool_select", kPool},
      {"average_pool", kPool},
      {"average_pool_gradient", kPool},

      {"transpose", kStridedRead},
      {"slice", kStridedRead},
      {"reverse", kStridedRead},
      {"broadcast", kStridedRead},
      {"concatenate", {"move", refuse_move, prepare_concatenate}},
      {"pad", {"move", refuse_move, prepare_pad}},
      {"dynamic_slice", {"move", refuse_move, prepare_dynamic_slice}},
      {"dynamic_update_slice", {"move", refuse_move, prepare_dynamic_update_slice}},
      {"unpack_integers", {"move", refuse_unpack_integers, prepare_unpack_integers}},

      {"gather", kGather},
      {"take_along_axis", kGather},
      {"scatter_add", kScatter},
      {"put_along_axis_add", kScatter},
      {"argmax", kExtreme},
      {"argmin", kExtreme},
      {"cumulative_sum", {"along_axis", refuse_cumulative_sum, prepare_cumulative_sum}},
  };
}

std::vector<OpKernel> own_late_kernels() {
  constexpr Kernel kDirect{"direct", refuse_direct, prepare_direct};
  constexpr Kernel kDepthwise{"depthwise", refuse_depthwise, prepare_depthwise};
  constexpr Kernel kI32{"i32", refuse_i32_convolution, prepare_i32_convolution};
  return {
      {"convolution_input_gradient", kDepthwise},
      {"convolution_filter_gradient", kDirect},
      {"convolution", kI32},
      {"fused_convolution", kI32},
      {"dot_general", {"i32", refuse_i32_dot, prepare_i32_dot}},

      {"quantized_convolution",
       {"integer", refuse_integer_convolution, prepare_integer_convolution}},
      {"quantized_dot", {"integer", refuse_integer_dot, prepare_integer_dot}},
  };
}

}  // namespace brisk::cpu
