#pragma once

/// Preprocessing of numbers: Normalization, Rescaling, CategoryEncoding, Discretization.

#include "brisk/nn/layer.h"

namespace brisk {

/// (x - mean) / sqrt(variance) along `axis`; learnt from data as statistics unless given.
struct Normalization {
  static constexpr std::string_view kKind = "Normalization";
  std::vector<int64_t> axis = {-1};
  std::vector<double> mean = {}, variance = {};  ///< one number, or one for each index of `axis`
  bool invert = false;                           ///< x * sqrt(variance) + mean instead
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axis", axis);
    f("mean", mean);
    f("variance", variance);
    f("invert", invert);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// x * scale + offset; one number each, or one for each channel.
struct Rescaling {
  static constexpr std::string_view kKind = "Rescaling";
  std::vector<double> scale = {1}, offset = {0};
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
    f("offset", offset);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Categories 0 ... num_tokens - 1 as vectors; output_mode "one_hot", "multi_hot" or "count".
struct CategoryEncoding {
  static constexpr std::string_view kKind = "CategoryEncoding";
  int64_t num_tokens = 1;
  std::string output_mode = "multi_hot";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("num_tokens", num_tokens);
    f("output_mode", output_mode);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// The number of boundaries that x is not below, i32.
struct Discretization {
  static constexpr std::string_view kKind = "Discretization";
  std::vector<double> bin_boundaries = {};
  double epsilon = 0.01;  ///< of the quantiles that adapt() found
  std::string output_mode = "int";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("bin_boundaries", bin_boundaries);
    f("epsilon", epsilon);
    f("output_mode", output_mode);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
