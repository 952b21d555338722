#include "brisk/compress/channel_importance.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace brisk {
namespace {

/// Calls `add(axis, index, value)` for each element of a parameter and each of its axes.
template <typename F>
void each_slice(const Tensor& weights, const Axes& axes, F&& add) {
  const std::vector<int64_t> strides = row_major_strides(weights.sizes());
  const Tensor wide = weights.dtype() == DType::f32 ? weights : weights.cast(DType::f32);
  const auto values = wide.data<float>();
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    const int64_t extent = weights.sizes()[axis], stride = strides[axis];
    for (int64_t i = 0; i < weights.num_elements(); ++i)
      add(axis, i / stride % extent, values[static_cast<size_t>(i)]);
  }
}

}  // namespace

std::span<const std::string_view> enum_names(ChannelImportance) {
  static constexpr std::array<std::string_view, 3> kNames = {"l1", "l2", "gamma"};
  return kNames;
}

std::vector<double> channel_importance(const Model& model, const ChannelUnits& channels,
                                       ChannelImportance importance) {
  const UnitTable& units = channels.units;
  const bool by_gamma = importance == ChannelImportance::gamma;
  std::vector<double> sums(static_cast<size_t>(units.num_units()), 0.0);
  std::vector<int64_t> counts(sums.size(), 0);
  for (size_t entry = 0; entry < model.program.state.size(); ++entry) {
    const StateEntry& state = model.program.state[entry];
    if (state.role != StateRole::parameter || !is_floating(state.type.dtype())) continue;
    const Axes& axes = channels.graph.of({model.program.graph.inputs()[entry], 0});
    const bool counts_here =
        by_gamma ? axes.size() == 1 && std::find(channels.scales.begin(), channels.scales.end(),
                                                 axes[0]) != channels.scales.end()
                 : axes.size() >= 2;
    if (!counts_here) continue;
    std::vector<std::vector<double>> slices;
    for (const int64_t size : model.weights[entry].sizes())
      slices.emplace_back(static_cast<size_t>(size), 0.0);
    each_slice(model.weights[entry], axes, [&](size_t axis, int64_t index, float value) {
      const double magnitude = std::fabs(static_cast<double>(value));
      slices[axis][static_cast<size_t>(index)] +=
          importance == ChannelImportance::l2 ? magnitude * magnitude : magnitude;
    });
    for (size_t axis = 0; axis < axes.size(); ++axis)
      for (int64_t i = 0; i < units.extent(axes[axis]); ++i) {
        const auto of_class = static_cast<size_t>(units.class_of(axes[axis], i));
        sums[of_class] += slices[axis][static_cast<size_t>(i)];
        ++counts[of_class];
      }
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    if (counts[i] == 0)
      sums[i] = -1;
    else if (by_gamma)
      sums[i] /= static_cast<double>(counts[i]);
    else if (importance == ChannelImportance::l2)
      sums[i] = std::sqrt(sums[i]);
  }
  return sums;
}

}  // namespace brisk
