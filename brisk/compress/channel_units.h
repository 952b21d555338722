#pragma once

/// Which indices of which axes of a model's values are the same channel. What a convolution makes
/// as channel 5 is index 5 of the batch normalization behind it, an index of a concatenation at an
/// offset, 49 indices of a flattened 7x7 image, and one of the input channels of who reads it: all
/// of these units are one class, which is taken out of the model as a whole or not at all.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/program.h"

namespace brisk {

/// An axis of values; values that have the same channels share it. -1: an axis of named extent.
using AxisId = int32_t;
using Axes = std::vector<AxisId>;

/// The units (an index of an axis each) and their classes, by union and find.
class UnitTable {
 public:
  AxisId add_axis(int64_t extent);
  /// New axes for all extents of `shape`, which no other value has.
  Axes add_axes(const Shape& shape);
  int64_t num_axes() const { return static_cast<int64_t>(axes_.size()); }
  int64_t num_units() const { return static_cast<int64_t>(parents_.size()); }
  int64_t extent(AxisId axis) const { return axes_[static_cast<size_t>(axis)].extent; }

  /// The class of an axis's index: a number below `num_units`.
  int32_t class_of(AxisId axis, int64_t index) const;
  void join(AxisId a, int64_t index_a, AxisId b, int64_t index_b);
  /// Joins index by index; named axes are passed over.
  void join_axes(AxisId a, AxisId b);
  /// The classes of the axis's indices stay in the model; `reason` says why, to people.
  void pin(AxisId axis, std::string_view reason);
  /// Why the class stays; empty where it may go.
  const std::string& pinned(int32_t class_number) const;
  /// Whether an index of the axis may go.
  bool is_free(AxisId axis) const;

 private:
  struct Axis {
    int32_t first;
    int64_t extent;
  };
  int32_t find(int32_t unit) const;

  std::vector<Axis> axes_;
  mutable std::vector<int32_t> parents_;
  std::vector<int32_t> reasons_;  ///< of a class's root: a place in `texts_`
  std::vector<std::string> texts_ = {""};
};

/// The axes of every value of a graph; those of a call's region stand apart, since it may be called
/// once more elsewhere.
struct RegionAxes {
  std::vector<std::vector<Axes>> values;  ///< by node and result
  std::map<NodeId, RegionAxes> calls;     ///< by node
  const Axes& of(ValueId value) const {
    return values[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
  }
};

/// An axis of weights whose indices a product makes channels of.
struct Producer {
  AxisId axis;
  std::string layer;
};

struct ChannelUnits {
  UnitTable units;
  RegionAxes graph;
  std::vector<Producer> producers;
  std::vector<AxisId> scales;  ///< of batch normalizations' gammas
};

/// The channels of a model's program, read off its graph. Inputs and results of the model keep all
/// of their indices, and so does whatever an op mixes otherwise than by a product with weights: a
/// softmax, a layer normalization, the body of a loop, ops that no rule is known of.
ChannelUnits channel_units(const Program& program);

}  // namespace brisk
