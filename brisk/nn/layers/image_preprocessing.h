#pragma once

/// Layers that give images another size.

#include "brisk/nn/layer.h"

namespace brisk {

struct Resizing {
  static constexpr std::string_view kKind = "Resizing";
  int64_t height = 1, width = 1;
  std::string interpolation = "bilinear";
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false, antialias = false;
  std::string fill_mode = "constant";  ///< of pad_to_aspect_ratio
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("height", height);
    f("width", width);
    f("interpolation", interpolation);
    f("crop_to_aspect_ratio", crop_to_aspect_ratio);
    f("pad_to_aspect_ratio", pad_to_aspect_ratio);
    f("antialias", antialias);
    f("fill_mode", fill_mode);
    f("fill_value", fill_value);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// The middle of an image; one that is smaller is resized to cover it first.
struct CenterCrop {
  static constexpr std::string_view kKind = "CenterCrop";
  int64_t height = 1, width = 1;
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("height", height);
    f("width", width);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// A random part in Keras's training. Otherwise, and always here, the largest part in the middle of
/// the asked proportions, resized.
struct RandomCrop {
  static constexpr std::string_view kKind = "RandomCrop";
  int64_t height = 1, width = 1;
  std::optional<int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("height", height);
    f("width", width);
    f("seed", seed);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
