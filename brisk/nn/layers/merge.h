#pragma once

/// Layers of several inputs. Shapes broadcast; an input with fewer axes gets axes of size 1 behind
/// its batch.

#include "brisk/nn/layer.h"

namespace brisk {

struct Add {
  static constexpr std::string_view kKind = "Add";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// The first of two inputs less the second.
struct Subtract {
  static constexpr std::string_view kKind = "Subtract";
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

struct Average {
  static constexpr std::string_view kKind = "Average";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct Maximum {
  static constexpr std::string_view kKind = "Maximum";
  std::string name = "";

  template <typename F>
  void fields(F&&) {}
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct Minimum {
  static constexpr std::string_view kKind = "Minimum";
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
  void fields(F&& f) {
    f("axis", axis);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Products summed along axis axes[0] of the first and axes[1] of the second input (one number: of
/// both), for each example; `normalize` makes them cosines.
struct Dot {
  static constexpr std::string_view kKind = "Dot";
  std::vector<int64_t> axes = {-1, -1};
  bool normalize = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axes", axes);
    f("normalize", normalize);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
