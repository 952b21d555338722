#pragma once

/// Dense, EinsumDense, Embedding, Activation, Identity, Masking.

#include "brisk/nn/layer.h"

namespace brisk {

/// activation(x kernel + bias) along the last axis; kernel [in, units].
struct Dense {
  static constexpr std::string_view kKind = "Dense";
  int64_t units = 1;
  std::string activation = "";
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("units", units);
    f("activation", activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// activation(einsum(equation, x, kernel) + bias), for equations as in "abc,cd->abd" and
/// "...x,xy->...y". `output_shape`: the result's extents behind the batch, -1 (None) where the
/// input says; `bias_axes`: letters of the result along which the bias varies; empty: no bias.
struct EinsumDense {
  static constexpr std::string_view kKind = "EinsumDense";
  std::string equation;
  std::vector<std::optional<int64_t>> output_shape;
  std::string activation = "";
  std::string bias_axes = "";
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("equation", equation);
    f("output_shape", output_shape);
    f("activation", activation);
    f("bias_axes", bias_axes);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Rows of a table [input_dim, output_dim] at integer inputs.
struct Embedding {
  static constexpr std::string_view kKind = "Embedding";
  int64_t input_dim = 1, output_dim = 1;
  std::string embeddings_initializer = "uniform";
  bool mask_zero = false;  ///< what follows is told to pass over places where the input is 0
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("input_dim", input_dim);
    f("output_dim", output_dim);
    f("embeddings_initializer", embeddings_initializer);
    f("mask_zero", mask_zero);
  }
  Value table(LayerContext& context) const;
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct ActivationLayer {
  static constexpr std::string_view kKind = "Activation";
  std::string activation = "";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("activation", activation);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct Identity {
  static constexpr std::string_view kKind = "Identity";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

/// Zero at the steps whose features all equal `mask_value`.
struct Masking {
  static constexpr std::string_view kKind = "Masking";
  double mask_value = 0;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("mask_value", mask_value);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
