#pragma once

/// Structured pruning: whole channels leave a model, which gets smaller shapes, fewer weights and
/// less work. Channels that must go together are found in the graph (channel_units.h), so that
/// residual sums, concatenations, depthwise and grouped convolutions, flattened images and shared
/// layers are no cases of their own.

#include <map>
#include <set>

#include "brisk/compress/pruning.h"
#include "brisk/compress/remove_channels.h"

namespace brisk {

/// What a channel is worth.
enum class ChannelImportance : uint8_t {
  l1,     ///< the sum of magnitudes of all weights that go with it, of who makes it and who reads
          ///< it (Li et al. 2017 by filter; Fang et al. 2023, "DepGraph", by group)
  l2,     ///< the root of their sum of squares
  gamma,  ///< the mean magnitude of its batch normalizations' scales (Liu et al. 2017)
};
std::span<const std::string_view> enum_names(ChannelImportance);

/// How many channels each group loses.
enum class ChannelScope : uint8_t {
  group,  ///< each the same share
  model,  ///< the least important ones of the whole model go; l1 and l2 count relative to the mean
          ///< of their group
};
std::span<const std::string_view> enum_names(ChannelScope);

struct StructuredPruningOptions {
  double sparsity = 0.5;  ///< share of the channels that go, in [0, 1)
  ChannelImportance importance = ChannelImportance::l2;
  ChannelScope scope = ChannelScope::group;
  int64_t min_channels = 8;  ///< that each group keeps at least
  int64_t round_to = 8;      ///< a group that loses channels keeps a multiple of so many: what
                             ///< kernels like
  std::vector<std::string> exclude_layers = {};  ///< parts of names of layers that stay whole
  friend bool operator==(const StructuredPruningOptions&,
                         const StructuredPruningOptions&) = default;
};

/// Layers whose channels go together: one of them, or the producers of a residual sum.
struct ChannelGroup {
  std::vector<std::string> layers;
  int64_t channels = 0;  ///< of its widest layer
  int64_t kept = 0;
  std::string reason;  ///< why it stays whole; empty where it loses channels
};

struct StructuredPruning {
  SmallerModel smaller;
  std::vector<ChannelGroup> groups;  ///< in the order of the graph
};

/// `model` needs weights. Deterministic: of equally important channels the first stay. Refused
/// where no group can lose a channel, with the reasons.
StructuredPruning prune_channels(const Model& model, const StructuredPruningOptions& options);

/// The options in words.
std::string describe(const StructuredPruningOptions& options);

}  // namespace brisk
