#pragma once

/// Random changes of images in a model. They act in training only, and brisk makes them in its data
/// pipeline (brisk/data/augment.h), off the model's path: here they are the identity, and keep
/// their configuration for Keras.

#include <algorithm>

#include "brisk/nn/layer.h"

namespace brisk {

/// A literal as a template argument.
template <size_t N>
struct ClassName {
  char text[N];
  constexpr ClassName(const char (&literal)[N]) { std::copy_n(literal, N, text); }
};

template <ClassName kName>
struct RandomPreprocessing {
  static constexpr std::string_view kKind = kName.text;
  ConfigObject configuration = {};  ///< all of it, as Keras wrote it
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("", configuration);
  }
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

using RandomFlip = RandomPreprocessing<"RandomFlip">;
using RandomRotation = RandomPreprocessing<"RandomRotation">;
using RandomZoom = RandomPreprocessing<"RandomZoom">;
using RandomTranslation = RandomPreprocessing<"RandomTranslation">;
using RandomShear = RandomPreprocessing<"RandomShear">;
using RandomPerspective = RandomPreprocessing<"RandomPerspective">;
using RandomContrast = RandomPreprocessing<"RandomContrast">;
using RandomBrightness = RandomPreprocessing<"RandomBrightness">;
using RandomHue = RandomPreprocessing<"RandomHue">;
using RandomSaturation = RandomPreprocessing<"RandomSaturation">;
using RandomSharpness = RandomPreprocessing<"RandomSharpness">;
using RandomColorJitter = RandomPreprocessing<"RandomColorJitter">;
using RandomColorDegeneration = RandomPreprocessing<"RandomColorDegeneration">;
using RandomGrayscale = RandomPreprocessing<"RandomGrayscale">;
using RandomPosterization = RandomPreprocessing<"RandomPosterization">;
using RandomInvert = RandomPreprocessing<"RandomInvert">;
using RandomErasing = RandomPreprocessing<"RandomErasing">;
using RandomGaussianBlur = RandomPreprocessing<"RandomGaussianBlur">;
using RandomElasticTransform = RandomPreprocessing<"RandomElasticTransform">;
using RandAugment = RandomPreprocessing<"RandAugment">;
using AugMix = RandomPreprocessing<"AugMix">;
using CutMix = RandomPreprocessing<"CutMix">;
using MixUp = RandomPreprocessing<"MixUp">;

}  // namespace brisk
