#pragma once

/// Layers of language models.

#include <optional>

#include "brisk/nn/layer.h"

namespace brisk {

/// An embedding that also leads back: called with `reverse`, it multiplies x [..., output_dim] with
/// its table and gives scores of all entries [..., input_dim]. A model calls it twice under one
/// name.
struct ReversibleEmbedding {
  static constexpr std::string_view kKind = "ReversibleEmbedding";
  int64_t input_dim = 1, output_dim = 1;
  bool tie_weights = true;  ///< false: the way back has a table of its own [output_dim, input_dim]
  std::string embeddings_initializer = "uniform";
  bool mask_zero = false;  ///< what follows is told to pass over places where the input is 0
  std::optional<double> logit_soft_cap = std::nullopt;  ///< scores are cap * tanh(score / cap)
  bool reverse = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("input_dim", input_dim);
    f("output_dim", output_dim);
    f("tie_weights", tie_weights);
    f("embeddings_initializer", embeddings_initializer);
    f("mask_zero", mask_zero);
    f("logit_soft_cap", logit_soft_cap);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("reverse", reverse);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// A learnt vector for each step, spread over the batch: for x [batch, steps, features] the first
/// `steps` rows of a table [sequence_length, features], in x's shape (KerasHub).
struct PositionEmbedding {
  static constexpr std::string_view kKind = "PositionEmbedding";
  int64_t sequence_length = 1;
  std::string initializer = "glorot_uniform";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("sequence_length", sequence_length);
    f("initializer", initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
