#pragma once

/// What an op lacks: a missing rule, document or test is found here, not in a user's run.

#include <span>
#include <string>
#include <vector>

#include "brisk/ir/op.h"

namespace brisk::testing {

/// A sentence for each fault; empty for a complete op. `covered`: names of ops that have a case,
/// sorted.
std::vector<std::string> registry_faults(const Op& op, std::span<const std::string> covered);

}  // namespace brisk::testing
