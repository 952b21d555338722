#include "brisk/passes/batch_norm/copy_walk.h"

#include "brisk/ops/move/move.h"

namespace brisk {

std::optional<CopyWalk::Place> CopyWalk::per_channel(const Place& place) const {
  if (!is(place, "broadcast")) return std::nullopt;
  const Node& node = producer(place);
  const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
  const auto last = static_cast<int64_t>(node.results[0].rank()) - 1;
  if (axes.size() != 1 || axes[0] != last) return std::nullopt;
  return in(place, 0);
}

}  // namespace brisk
