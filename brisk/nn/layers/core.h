#pragma once

/// Dense, Embedding, Activation, Dropout, Flatten, Reshape.

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

/// Rows of a table [input_dim, output_dim] at integer inputs.
struct Embedding {
  static constexpr std::string_view kKind = "Embedding";
  int64_t input_dim = 1, output_dim = 1;
  std::string embeddings_initializer = "uniform";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("input_dim", input_dim);
    f("output_dim", output_dim);
    f("embeddings_initializer", embeddings_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct ActivationLayer {
  static constexpr std::string_view kKind = "Activation";
  std::string activation = "";
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("activation", activation); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct ReLU {
  static constexpr std::string_view kKind = "ReLU";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Keeps its own random key, which advances every training step.
struct Dropout {
  static constexpr std::string_view kKind = "Dropout";
  double rate = 0.5;
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("rate", rate); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// [batch, ...] to [batch, product of the rest].
struct Flatten {
  static constexpr std::string_view kKind = "Flatten";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// [batch, ...] to [batch, target_shape...]; one extent may be -1.
struct Reshape {
  static constexpr std::string_view kKind = "Reshape";
  std::vector<int64_t> target_shape;
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("target_shape", target_shape); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
