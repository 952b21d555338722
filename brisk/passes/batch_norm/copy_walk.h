#pragma once

/// While a graph is rewritten, a pattern's nodes are copied before its end is reached: what says
/// whether they match is the old graph, what is read of them are values of the new one. A walk goes
/// through both at once, towards the operands.

#include <optional>
#include <string_view>

#include "brisk/ir/builder.h"
#include "brisk/passes/use_counts.h"

namespace brisk {

class CopyWalk {
 public:
  /// A value of the new graph, and the same value in the old one.
  struct Place {
    ValueId at, old;
  };

  CopyWalk(Builder& builder, const Graph& old, const UseCounts& uses)
      : builder_(builder), old_(old), uses_(uses) {}

  const Node& producer(const Place& place) const { return old_.node(place.old.node); }
  bool is(const Place& place, std::string_view op) const { return producer(place).op->name == op; }
  /// One reader only, in the old graph.
  bool is_private(const Place& place) const { return uses_.is_private(place.old); }
  Value value(const Place& place) const { return {&builder_, place.at}; }

  Place in(const Place& place, size_t i) const {
    return {builder_.node(place.at.node).operands[i], producer(place).operands[i]};
  }
  /// Without a cast, where there is one: f32 has none.
  Place uncast(const Place& place) const { return is(place, "cast") ? in(place, 0) : place; }
  /// The vector, where `place` is one over the last axis that is broadcast to an image.
  std::optional<Place> per_channel(const Place& place) const;

 private:
  Builder& builder_;
  const Graph& old_;
  const UseCounts& uses_;
};

}  // namespace brisk
