#pragma once

/// The gradient rule of scan.

#include "brisk/ir/builder.h"

namespace brisk {

std::vector<Value> scan_gradient(const Vjp& d);

}  // namespace brisk
