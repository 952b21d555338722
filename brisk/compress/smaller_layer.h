#pragma once

/// The configuration of a layer that lost channels.

#include <optional>
#include <string>

#include "brisk/ir/graph.h"
#include "brisk/ops/control/control.h"

namespace brisk {

/// `layer` has the region `before`; the configuration with which it would build `after`, found by
/// setting the fields that say numbers of channels ("filters", "units", ...) and building it; empty
/// where no such configuration does. Layers within a layer take theirs from the calls in `after`.
std::optional<std::string> smaller_config(const CallAttributes& layer, const Graph& before,
                                          const Graph& after);

}  // namespace brisk
