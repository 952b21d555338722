#pragma once

/// Which kept step spent accuracy that others would have made more of.

#include <vector>

#include "brisk/optimize/report/report.h"

namespace brisk {

/// Of the rows of the first pass over the steps: kept ones behind which the budget of accuracy kept
/// out more gain for `target` than they brought themselves, and whose own loss, given up, would let
/// it in if losses added up; those that lost most come first.
std::vector<StepRow> worth_giving_up(const std::vector<StepRow>& rows, OptimizeTarget target,
                                     double max_drop);

}  // namespace brisk
