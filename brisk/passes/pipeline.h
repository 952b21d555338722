#pragma once

/// The pipelines, as values that callers copy and extend.

#include <set>
#include <span>
#include <string>

#include "brisk/passes/pass.h"

namespace brisk {

/// Passes over the forward graph before it is differentiated.
std::vector<Pass> forward_pipeline();

/// Passes right before a forward graph is differentiated, in the precision that it is trained in:
/// what makes its gradient cheaper on the target.
std::vector<Pass> differentiation_pipeline();

/// Those of `disabled` that name a pass of `pipeline`, where a job switches passes off in several
/// pipelines by one list. A name that is in none of them is refused.
std::set<std::string, std::less<>> disabled_in(std::span<const Pass> pipeline,
                                               const std::set<std::string, std::less<>>& disabled);

}  // namespace brisk
