#pragma once

/// Pooling to a given size: window i of n over an axis of s places is [floor(i s / n),
/// ceil((i + 1) s / n)).

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

/// [batch, spatial..., channels] to [batch, output_size..., channels].
template <int kRank, bool kAverage>
struct AdaptivePooling {
  static constexpr std::string_view kKind =
      kAverage ? std::array{"AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D",
                            "AdaptiveAveragePooling3D"}[kRank - 1]
               : std::array{"AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
                            "AdaptiveMaxPooling3D"}[kRank - 1];
  std::vector<int64_t> output_size = std::vector<int64_t>(kRank, 1);
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("output_size", output_size);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using AdaptiveMaxPooling1D = AdaptivePooling<1, false>;
using AdaptiveMaxPooling2D = AdaptivePooling<2, false>;
using AdaptiveMaxPooling3D = AdaptivePooling<3, false>;
using AdaptiveAveragePooling1D = AdaptivePooling<1, true>;
using AdaptiveAveragePooling2D = AdaptivePooling<2, true>;
using AdaptiveAveragePooling3D = AdaptivePooling<3, true>;

}  // namespace brisk
