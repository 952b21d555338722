#pragma once

/// Layers of several inputs.

#include "brisk/nn/layer.h"

namespace brisk {

/// The sum of all inputs, of one shape.
struct Add {
  static constexpr std::string_view kKind = "Add";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct Multiply {
  static constexpr std::string_view kKind = "Multiply";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct Concatenate {
  static constexpr std::string_view kKind = "Concatenate";
  int64_t axis = -1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("axis", axis); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
