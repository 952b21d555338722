#pragma once

/// Where a device has no fast products in a short type, they are taken in f32: operands are cast,
/// and the result is cast back. Sums of short products are f32 anyway, so values do not change.

#include "brisk/passes/pass.h"

namespace brisk {

Program widen_products(Program program, const PassContext& context);

}  // namespace brisk
