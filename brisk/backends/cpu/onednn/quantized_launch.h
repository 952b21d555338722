#pragma once

/// What quantized_convolution and quantized_dot have in common as oneDNN primitives. Operands: lhs,
/// rhs, bias, multiplier, [residual].

#include <functional>
#include <optional>
#include <string>

#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/onednn/primitive.h"
#include "brisk/ops/quantize/quantize.h"

namespace brisk::cpu {

/// A product with the multipliers it was made for.
struct QuantizedPrimitive {
  dnnl::primitive primitive;
  dnnl::memory::desc lhs, rhs, own_rhs, bias, result, scratchpad;  ///< `own_rhs`: as brisk has it
  std::string implementation;
};
using MakeQuantized = std::function<QuantizedPrimitive(const std::vector<float>& multiplier)>;

/// A primitive's attributes: multipliers by channel, residual, activation.
dnnl::primitive_attr quantized_epilogue(const RequantizeAttributes& requantize,
                                        const std::vector<float>& multiplier,
                                        std::optional<DType> residual);

/// Whether oneDNN's 8-bit sums are exact here.
bool sums_are_exact();

/// Why oneDNN can't: no VNNI, operands that change, an implementation that is none of its fast
/// ones.
std::optional<std::string> refuse_quantized(const KernelRequest& request,
                                            const MakeQuantized& make);

std::unique_ptr<Launch> prepare_quantized(const KernelRequest& request,
                                          const RequantizeAttributes& requantize, double flops,
                                          MakeQuantized make);

/// Channels of the result: its last extent.
std::vector<float> any_multiplier(const KernelRequest& request);
/// The residual's element type, where there is one.
std::optional<DType> residual_type(const KernelRequest& request,
                                   const RequantizeAttributes& requantize);

}  // namespace brisk::cpu
