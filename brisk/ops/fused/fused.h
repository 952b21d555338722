#pragma once

/// Ops that passes make and backends have kernels for. Each carries its decomposition.

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk {

/// A region of elementwise, affine move, source and reduce ops that is compiled into one loop
/// nest. All its operands and results are those of the region. Invariants kept by fuse_loops:
/// there is one iteration space (the shape common to all elementwise nodes before reduction);
/// reductions in it fold the same axes and are results (possibly through elementwise ops on the
/// reduced shape).
std::vector<Value> fused_loop(std::span<const Value> operands, Graph body);

/// Regions, each with operands and results of its own, one behind the other: loops of the same ops
/// over tensors of different sizes. Invariants kept by group_loops: all regions are equal but for
/// sizes, every value in one has its loop's shape or is a scalar, folds go over all axes.
std::vector<Value> loop_group(std::span<const Value> operands, std::vector<Graph> members);

enum class Activation : uint8_t { none, relu, relu6 };
std::span<const std::string_view> enum_names(Activation);

struct FusedConvolutionAttributes {
  ConvolutionAttributes convolution;
  bool bias = false;      ///< operand 2: [filters]
  bool residual = false;  ///< last operand: added before the activation
  Activation activation = Activation::none;
  template <typename F>
  void fields(F&& f) {
    convolution.fields(f);
    f("bias", bias);
    f("residual", residual);
    f("activation", activation);
  }
};
/// activation(convolution(input, filter) + bias + residual).
Value fused_convolution(std::span<const Value> operands, FusedConvolutionAttributes attributes);

struct FusedDotAttributes {
  bool transpose_lhs = false, transpose_rhs = false;  ///< operands as [k, m] / [n, k]
  bool bias = false;                                  ///< operand 2: [n]
  Activation activation = Activation::none;
  template <typename F>
  void fields(F&& f) {
    f("transpose_lhs", transpose_lhs);
    f("transpose_rhs", transpose_rhs);
    f("bias", bias);
    f("activation", activation);
  }
};
/// activation(lhs [m, k] x rhs [k, n] + bias).
Value fused_dot(std::span<const Value> operands, FusedDotAttributes attributes);

}  // namespace brisk
