#pragma once

/// Pooling over the two spatial axes, channels last.

#include "brisk/nn/layer.h"

namespace brisk {

struct MaxPooling2D {
  static constexpr std::string_view kKind = "MaxPooling2D";
  std::vector<int64_t> pool_size = {2, 2};
  std::vector<int64_t> strides = {};  ///< pool_size when empty
  std::string padding = "valid";
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("pool_size", pool_size); f("strides", strides); f("padding", padding); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct AveragePooling2D {
  static constexpr std::string_view kKind = "AveragePooling2D";
  std::vector<int64_t> pool_size = {2, 2};
  std::vector<int64_t> strides = {};
  std::string padding = "valid";
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("pool_size", pool_size); f("strides", strides); f("padding", padding); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// [batch, height, width, channels] to [batch, channels].
struct GlobalAveragePooling2D {
  static constexpr std::string_view kKind = "GlobalAveragePooling2D";
  bool keepdims = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("keepdims", keepdims); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct GlobalMaxPooling2D {
  static constexpr std::string_view kKind = "GlobalMaxPooling2D";
  bool keepdims = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("keepdims", keepdims); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
