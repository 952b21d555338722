#pragma once

/// Convolutions that read a filter which changes from step to step get it in the target's own order
/// ([filters, kernel..., channels]), where the target takes it so: all filters are put in order,
/// and cast, by one op at the step's start, forward and backward convolutions share the results,
/// and none transposes for itself. Filters that never change are left: a kernel keeps them as it
/// wants them.

#include "brisk/passes/pass.h"

namespace brisk {

Program order_filters(Program program, const PassContext& context);

}  // namespace brisk
