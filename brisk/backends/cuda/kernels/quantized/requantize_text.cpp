#include "brisk/backends/cuda/kernels/quantized/requantize_text.h"

#include <bit>

#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk::cuda {
namespace {

/// To the bit.
std::string f32_text(double value) {
  return fmt::format("__uint_as_float({:#010x}u)",
                     std::bit_cast<uint32_t>(static_cast<float>(value)));
}

std::string clamp_text(double low, double high) {
  return fmt::format("  y = op_minimum(op_maximum(y, {}), {});\n", f32_text(low), f32_text(high));
}

}  // namespace

std::string requantize_text(const RequantizeAttributes& attributes) {
  std::string code =
      "  const auto finish = [](i32 sum, f32 bias, f32 multiplier, f32 residual) {\n"
      "  f32 y = __fmul_rn(__fadd_rn(__int2float_rn(sum), bias), multiplier);\n";
  if (attributes.product_scale > 0) {
    code += "  y = rintf(y);\n";
    code += clamp_text(static_cast<double>(attributes.product_low),
                       static_cast<double>(attributes.product_high));
    code += fmt::format("  y = __fmul_rn(y, {});\n", f32_text(attributes.product_scale));
  }
  if (attributes.residual)
    code += fmt::format("  y = __fmaf_rn(residual, {}, y);\n", f32_text(attributes.residual_scale));
  if (attributes.activation == Activation::relu) code += "  y = op_maximum(y, 0.f);\n";
  if (attributes.activation == Activation::relu6) code += clamp_text(0, attributes.limit);
  if (attributes.dtype != DType::f32) {
    const IntegerLimits limits = integer_limits(attributes.dtype);
    code += "  y = rintf(y);\n" + clamp_text(limits.low, limits.high);
  }
  return code + "  return y;\n  };\n";
}

std::string store_text(const RequantizeAttributes& attributes, int64_t count) {
  if (attributes.dtype == DType::f32) return "store(y0 + at, results);";
  const std::string type(name(attributes.dtype));
  return fmt::format(
      "{{ {0} whole[{1}]; EACH(c, {1}) whole[c] = ({0})(i32)results[c]; store(y0 + at, whole); }}",
      type, count);
}

}  // namespace brisk::cuda
